"""What a sentence means, learned from sentences of known meaning."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qa_calls import final, play
from ruamel.yaml import YAML

from qa_engine.events import Alert
from qa_engine.meanings import NOTHING, Meanings
from qa_engine.pack import PackError, load
from qa_engine.text import normalise

CUSTOMER = {
    "refund": [
        "我想把挂号费退回来",
        "帮我退一下这个号的钱",
        "挂号费能不能退给我",
        "号不要了把钱退我",
    ],
    NOTHING: [
        "请问内科的号怎么挂",
        "骨科的号今天还能挂吗",
        "请问退烧药饭前吃吗",
        "挂号费一共是多少钱",
        "请问挂号费在哪里付",
    ],
}
MEANINGS = Meanings({"customer": CUSTOMER})
RULE = {
    "id": "refund",
    "type": "when",
    "kind": "refund",
    "severity": "high",
    "title": "退费",
    "title_en": "Refund",
    "find": {"op": "means", "role": "customer", "what": "refund", "share": 0.5},
}


def likeliest(text, meanings=MEANINGS):
    """The meaning of each stretch that was read, by its words."""
    normal = normalise(text)
    return {
        normal.text[reading.start : reading.end]: max(reading.shares, key=reading.shares.get)
        for reading in meanings.read("customer", normal)
    }


def written(folder, *rules, name="test", **top):
    """A pack of some rules, in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "pack.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(
            {"pack": name, "version": "1", "rules": [*rules], **top}, file
        )
    return folder


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("我不要这个号了，钱能退给我吗", "refund"),
        ("今天内科还有号吗，挂号费多少", NOTHING),
        ("我想把卦号废推回来", "refund"),  # as a recogniser may write it
        ("我想把挂号費退回來", "refund"),  # traditional characters
    ],
)
def test_other_words_of_the_same_meaning_are_known(text, meaning):
    assert set(likeliest(text).values()) == {meaning}


def test_a_sentence_among_others_is_read_by_itself():
    said = "喂，你好。请问内科的号怎么挂啊？挂号费能不能退给我？"
    assert likeliest(said)["挂号费能不能退给我"] == "refund"


def test_a_long_sentence_is_read_in_parts_and_no_clause_is_left_out():
    clauses = (
        ["请问骨科的号今天还能挂吗"] * 3 + ["帮我退一下这个号的钱"] + ["请问内科的号怎么挂"] * 4
    )
    normal = normalise("，".join(clauses))
    readings = MEANINGS.read("customer", normal)
    assert all(reading.end - reading.start <= 45 for reading in readings)
    for start, end in normal.clauses():
        assert any(one.start <= start and end <= one.end for one in readings)


@pytest.mark.parametrize("text", ["", "嗯", "退钱", "I want my money back", "12345678901"])
def test_nothing_is_said_of_what_is_too_short_or_of_another_tongue(text):
    assert likeliest(text) == {}


@given(st.text(alphabet="我想把挂号费退回来，。？请问内科怎么a1 ", max_size=120))
def test_readings_lie_in_the_text_and_their_shares_make_one(text):
    normal = normalise(text)
    for reading in MEANINGS.read("customer", normal):
        assert 0 <= reading.start < reading.end <= len(normal.text)
        assert sum(reading.shares.values()) == pytest.approx(1)
        assert set(reading.shares) == set(CUSTOMER)


def test_a_side_without_sentences_means_nothing():
    assert MEANINGS.known("agent") == frozenset()
    assert MEANINGS.read("agent", normalise("我想把挂号费退回来")) == ()


def test_the_same_sentences_teach_the_same():
    again = Meanings({"customer": CUSTOMER})
    text = normalise("我不要这个号了，钱能退给我吗")
    assert again.read("customer", text) == MEANINGS.read("customer", text)


def test_a_house_teaches_more_than_the_pack_it_includes(tmp_path):
    theirs = {"customer": {"park": ["车停哪里", "停车要钱吗", "地下车库满了吗"]}}
    written(tmp_path / "shared", {**RULE}, name="shared", sentences={"customer": CUSTOMER})
    rule = {**RULE, "id": "park", "find": {**RULE["find"], "what": "park"}}
    folder = written(tmp_path, rule, include=["shared"], sentences=theirs)
    assert load(folder).meanings.known("customer") == {"refund", "park"}


@pytest.mark.parametrize(
    ("sentences", "reason"),
    [
        ({"customer": CUSTOMER}, "mean refunds; did you mean refund?"),
        ({}, "there are no sentences of the customer's of two meanings"),
        ({"customer": {"refunds": ["退钱给我"]}}, "no sentences of the customer's of two meanings"),
    ],
)
def test_what_was_never_taught_is_told_with_its_line(tmp_path, sentences, reason):
    rule = {**RULE, "find": {**RULE["find"], "what": "refunds"}}
    with pytest.raises(PackError) as refused:
        load(written(tmp_path, rule, sentences=sentences))
    (problem,) = refused.value.problems
    assert reason in problem.reason
    assert problem.line > 0


def test_another_sentence_changes_the_rules_that_learn_from_it_and_no_others(tmp_path):
    other = {
        **RULE,
        "id": "plain",
        "find": {"op": "regex", "role": "customer", "pattern": "退"},
    }
    before = load(written(tmp_path, RULE, other, sentences={"customer": CUSTOMER})).digests
    more = {**CUSTOMER, "refund": [*CUSTOMER["refund"], "退号"]}
    shutil.rmtree(tmp_path)
    after = load(written(tmp_path, RULE, other, sentences={"customer": more})).digests
    assert before["refund"] != after["refund"]
    assert before["plain"] == after["plain"]


WORDS = {
    "id": "words",
    "type": "words",
    "kind": "refund",
    "severity": "high",
    "role": "customer",
    "lists": ["back"],
    "title": "退费",
    "title_en": "Refund",
}
LISTS = {
    "back": {"about": "x", "words": ["退给我"]},
    "kept": {"about": "x", "words": ["已经收到"]},
}


def told(folder, *said):
    """The rules that alert a lead of what a caller says, one sentence each ten seconds."""
    finals = [
        final("customer", 10 * number, 10 * number + 4, text, number=number)
        for number, text in enumerate(said)
    ]
    return [event.rule for event in play(load(folder), finals, 120) if isinstance(event, Alert)]


def test_it_is_only_suspected_and_shows_how_sure_it_is(tmp_path):
    folder = written(tmp_path, RULE, sentences={"customer": CUSTOMER})
    (alert,) = [
        event
        for event in play(load(folder), [final("customer", 0, 4, "钱能不能给我退回来啊")], 60)
        if isinstance(event, Alert)
    ]
    assert (alert.suspected, alert.severity) == (True, "medium")
    assert 0.5 <= alert.evidence.measured <= 1
    assert alert.evidence.unit == "share"


def test_exact_words_of_the_kind_go_first(tmp_path):
    folder = written(tmp_path, RULE, WORDS, lists=LISTS, sentences={"customer": CUSTOMER})
    assert told(folder, "挂号费能不能退给我") == ["words"]
    assert told(folder, "我想把挂号费退回来") == ["refund"]


def test_what_the_words_wait_for_decides_for_it_too(tmp_path):
    waiting = {**WORDS, "settle": {"withdrawn_by": {"lists": ["kept"], "after_s": 20}}}
    folder = written(tmp_path, RULE, waiting, lists=LISTS, sentences={"customer": CUSTOMER})
    assert told(folder, "挂号费能不能推给我", "哦，我已经收到短信了") == []
    assert told(folder, "挂号费能不能推给我", "请问内科的号怎么挂") == ["words"]


@pytest.mark.parametrize(("seconds", "rules"), [(0, ["words", "refund"]), (30, ["words"])])
def test_it_is_quiet_where_its_kind_was_told_a_moment_ago(tmp_path, seconds, rules):
    quiet = {**RULE, "kind_cooldown_s": seconds}
    folder = written(tmp_path, quiet, WORDS, lists=LISTS, sentences={"customer": CUSTOMER})
    assert told(folder, "挂号费能不能退给我", "我想把挂号费退回来") == rules
    later = ["请问内科的号怎么挂"] * 3
    assert told(folder, "挂号费能不能退给我", *later, "我想把挂号费退回来")[-1] == "refund"
