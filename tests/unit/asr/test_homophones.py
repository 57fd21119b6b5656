import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.homophones import (
    BUNDLED,
    Candidate,
    Homophones,
    VocabularyError,
    chosen,
    distance,
    read_words,
)

SHARES = {
    "我": 9e-3,
    "要": 5e-3,
    "给": 3e-3,
    "写信": 8e-6,
    "纪委": 9e-6,
    "几位": 2e-5,
    "计委": 1e-6,
    "路口": 1e-5,
    "交通": 9e-5,
    "口交": 1e-6,
    "微信": 7e-5,
    "威信": 4e-6,
    "血压": 4e-6,
    "银行": 9e-5,
    "吟行": 1e-9,
    "拨打": 4e-6,
}
homophones = Homophones(SHARES)


def found(text, words=homophones):
    return [(one.at, one.heard, one.written) for one in words.candidates(text)]


@pytest.mark.parametrize(
    ("text", "at", "heard", "written"),
    [
        ("我要给寄委写信", 3, "寄委", "纪委"),
        ("请剥打120", 1, "剥打", "拨打"),
        ("量学压", 1, "学压", "血压"),
        # Where one character of a word is heard right, it may be read in each of its ways.
        ("去银航", 1, "银航", "银行"),
        # A stop ends a word: positions are those of the whole text.
        ("好的,寄委", 3, "寄委", "纪委"),
    ],
)
def test_a_word_of_the_same_sound_is_found_first_where_the_characters_make_none(
    text, at, heard, written
):
    assert found(text)[0] == (at, heard, written)


@pytest.mark.parametrize(
    "text", ["路口交通", "我要写信", "用微信", "寄,委", "hello 寄", "", "12", "去银行"]
)
def test_what_makes_words_stays(text):
    assert found(text) == []


def test_ones_own_words_are_likelier_than_the_language_has_them():
    alike = {"威信": 4e-6, "微信": 5e-6}
    assert found("威信", Homophones(alike)) == []
    assert found("威信", Homophones(alike, ["微信"])) == [(0, "威信", "微信")]
    assert found("导一台", Homophones(SHARES, ["导医台"])) == [(0, "导一台", "导医台")]


def test_the_bundled_vocabulary_can_be_read():
    words = read_words(BUNDLED)
    assert {"医保", "号贩子"} <= set(words)
    assert len(words) == len(set(words))


def test_a_vocabulary_of_ones_own(tmp_path):
    file = tmp_path / "ours.txt"
    file.write_text("# our doctors\n张一鸣\n\n  导医台  \n", encoding="utf-8")
    assert read_words(str(file)) == ["张一鸣", "导医台"]


@pytest.mark.parametrize("line", ["号", "对乙酰氨基酚", "CT室", "导 医台"])
def test_what_is_no_word_is_told_with_its_line(tmp_path, line):
    file = tmp_path / "ours.txt"
    file.write_text(f"导医台\n{line}\n", encoding="utf-8")
    with pytest.raises(VocabularyError, match=r"ours\.txt:2: "):
        read_words(str(file))


def test_a_vocabulary_that_cannot_be_read_is_the_users_to_mend(tmp_path):
    with pytest.raises(VocabularyError, match="nowhere"):
        read_words(str(tmp_path / "nowhere.txt"))
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(VocabularyError):
        read_words(str(tmp_path / "bytes.txt"))


def test_each_pass_of_the_recogniser_counts():
    words = {f"{character}委": 1e-5 for character in "纪计继记际季既济"}
    assert len(Homophones(words).candidates("寄委" * 20)) == 6


@pytest.mark.parametrize(
    ("heard", "word", "cost"),
    [
        ("纪委", "纪委", 0),
        ("寄委", "纪委", 1.5),
        ("几位", "纪委", 6),
        ("学", "血", 3),
        ("次", "志", 5),
    ],
)
def test_sounds_that_differ_cost(heard, word, cost):
    assert distance(heard, word) == cost


GOOD = Candidate(at=3, heard="寄委", written="纪委", gain=9.8, distance=1.5)
OTHER = Candidate(at=3, heard="寄委", written="计委", gain=8.6, distance=1.5)
LATER = Candidate(at=9, heard="剥打", written="拨打", gain=8.0, distance=1.5)
OVERLAPPING = Candidate(at=4, heard="委写", written="未写", gain=4.0, distance=3.0)


@pytest.mark.parametrize(
    ("changes", "believed"),
    [
        ({GOOD: 0.5}, [GOOD]),
        ({GOOD: -30.0}, []),
        ({OTHER: 0.0, GOOD: 0.0}, [GOOD]),
        # What the audio says outweighs how usual a word is.
        ({OTHER: 4.0, GOOD: 0.0}, [OTHER]),
        ({LATER: 0.0, OVERLAPPING: 5.0, GOOD: 1.0}, [GOOD, LATER]),
        ({}, []),
    ],
)
def test_words_and_audio_decide_together(changes, believed):
    assert chosen(list(changes), list(changes.values())) == believed


HAN = st.text(alphabet="我要给寄记纪委位几写信剥拨打,。1a 学血压", max_size=25)


@given(HAN, st.randoms(use_true_random=False))
def test_a_text_keeps_its_length_and_its_other_characters(text, random):
    candidates = homophones.candidates(text)
    changes = [random.uniform(-10, 10) for _ in candidates]
    changed = text
    places = set()
    for one in chosen(candidates, changes):
        assert text[one.at :].startswith(one.heard)
        assert SHARES[one.written]
        assert one.gain > one.distance > 0
        assert math.isfinite(one.gain)
        own = set(range(one.at, one.at + len(one.written)))
        assert places.isdisjoint(own)
        places |= own
        changed = one.in_text(changed)
    assert len(changed) == len(text)
    assert all(
        a == b for at, (a, b) in enumerate(zip(text, changed, strict=True)) if at not in places
    )
