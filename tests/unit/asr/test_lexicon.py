import csv
import json
from pathlib import Path

import pytest
from audio_probes import SPEECH
from hypothesis import given
from hypothesis import strategies as st

from asr.editor import Editor
from asr.events import Correction
from asr.lexicon import BUNDLED, Entry, Lexicon, LexiconError, load, parse
from asr.recognisers.base import Recognition

bundled = load(BUNDLED)


def _heard(text, language="zh", corrections=()):
    return Recognition(text=text, language=language, corrections=corrections)


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("要做合词共振吗", "要做核磁共振吗"),
        ("带上医宝卡", "带上医保卡"),
        ("该七要提前一天", "改期要提前一天"),
        ("选择科试", "选择科室"),
        ("推号在公众号上", "退号在公众号上"),
        ("和词共整", "核磁共振"),  # zheng for zhen
    ],
)
def test_a_word_of_the_same_sound_becomes_the_lexicons(heard, written):
    text, corrections = bundled.correct(heard)
    assert text == written
    assert len(text) == len(heard)
    (one,) = corrections
    assert heard[one.at : one.at + len(one.heard)] == one.heard
    assert text[one.at : one.at + len(one.written)] == one.written


@pytest.mark.parametrize("text", ["可是我不想", "上课时间", "做完核磁共振", "沙子", "医生出诊", ""])
def test_real_words_stay(text):
    assert bundled.correct(text) == (text, ())


def test_listed_neighbours_stay_and_others_do_not():
    lexicon = Lexicon([Entry("傻子", stay=frozenset({"沙子"}))])
    assert lexicon.correct("沙子")[0] == "沙子"
    assert lexicon.correct("杀子")[0] == "傻子"


def test_the_longer_word_wins():
    lexicon = Lexicon([Entry("共振"), Entry("核磁共振")])
    text, corrections = lexicon.correct("合词共阵")
    assert text == "核磁共振"
    assert corrections == (Correction(0, "合词共阵", "核磁共振"),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("核\tword", ":1: .*two characters"),
        ("# x\n甲乙\n甲乙", ":3: .*twice"),
        ("甲乙\ta\tb\tc", ":1: "),
    ],
)
def test_a_broken_file_is_told_with_its_line(text, reason):
    with pytest.raises(LexiconError, match=f"my.tsv{reason}"):
        parse(text, "my.tsv")


def test_a_lexicon_that_is_not_there_is_the_users_to_mend(tmp_path):
    with pytest.raises(LexiconError, match="nowhere"):
        Editor(str(tmp_path / "nowhere.tsv"))
    (tmp_path / "bytes.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LexiconError):
        load(str(tmp_path / "bytes.tsv"))


@given(st.text(alphabet="核合河磁词共公工振阵真医宝保卡科可室是试,a ", max_size=30))
def test_length_stays_and_a_second_look_changes_nothing(text):
    once, _ = bundled.correct(text)
    assert len(once) == len(text)
    assert bundled.correct(once) == (once, ())


def test_an_edited_text_says_what_it_was():
    edited = Editor(BUNDLED).edit(_heard("工号幺零三幺,带医宝卡"))
    assert edited.text == "工号幺零三幺,带医保卡"
    assert edited.corrections == (Correction(8, "医宝卡", "医保卡"),)
    assert edited.display == "工号1031,带医保卡"
    before = (Correction(0, "公号", "工号"), Correction(9, "以宝", "医宝"))
    edited = Editor(BUNDLED).edit(_heard("工号幺零三幺,带医宝卡", corrections=before))
    assert [one.written for one in edited.corrections] == ["工号", "医保卡", "医宝"]
    assert Editor("").edit(_heard("带医宝卡")).text == "带医宝卡"
    assert Editor(BUNDLED).edit(_heard("two", "en")).text == "two"


def test_what_was_really_said_stays():
    calls = Path(__file__).parents[3] / "tingzhen" / "demo" / "calls"
    with (SPEECH / "transcripts.tsv").open(encoding="utf-8") as lines:
        texts = [row["text"] for row in csv.DictReader(lines, delimiter="\t")]
    for call in calls.glob("*.json"):
        turns = json.loads(call.read_text(encoding="utf-8"))["utterances"]
        texts += [turn.get("spoken", turn["text"]) for turn in turns]
    assert len(texts) > 100
    assert [text for text in texts if bundled.correct(text)[1]] == []
