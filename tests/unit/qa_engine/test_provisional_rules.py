"""Provisional alerts where several rules find something in what is being said."""

import pytest
from qa_calls import ANSWERED, CALL, connected, final, joined, legs
from qa_packs import MANNER_RULES, write_pack

from asr.events import TranscriptPartial
from qa_engine.events import Alert, AlertWithdrawn, ProvisionalAlert
from qa_engine.judge import CallJudge
from qa_engine.pack import load

SHORT, LONG = "不归我管", "不归我管你找别人"


def listening(pack):
    """A judge of an answered call."""
    judge = CallJudge(load(pack), CALL, provisional=True)
    for event in (joined(), connected(), *legs()):
        judge.feed(event, event.at)
    return judge


def one_kind(folder, first, second):
    """Rules r0 and r1 of one kind, with a word each; the second is the graver one."""
    rule = "type: words, role: agent, lists: [{}]"
    path = write_pack(
        folder, rule.format("one"), rule.format("other"), lists={"one": [first], "other": [second]}
    )
    file = path / "pack.yaml"
    text = file.read_text(encoding="utf-8")
    before, _, after = text.partition("id: r0")
    file.write_text(before + "id: r0" + after.replace("high", "low", 1), encoding="utf-8")
    return path


def two_kinds(folder):
    """Rules `rude` and `cure` of two kinds, with the same word."""
    word = f"{{about: x, words: [{SHORT}]}}"
    (folder / "pack.yaml").write_text(
        f'pack: test\nversion: "1"\nlists:\n  rude: {word}\n  cure: {word}\nrules:\n{MANNER_RULES}',
        encoding="utf-8",
    )
    return folder


def heard(judge, *texts):
    """What is told of a growing partial, all of it stable."""
    told = []
    for revision, text in enumerate(texts, 1):
        partial = TranscriptPartial(
            at=ANSWERED + 10 + revision, call_id=CALL, role="agent", segment_id="agent-10.0-0",
            start=10.0, end=10.0 + revision, text=text, stable=len(text), revision=revision,
        )  # fmt: skip
        told += judge.feed(partial, partial.at)
    return [verdict for verdict in told if isinstance(verdict, ProvisionalAlert)]


def settled(judge, text):
    """What the final confirms, by rule, and what is withdrawn."""
    verdicts = judge.feed(final("agent", 10.0, 14.0, text), ANSWERED + 15)
    return (
        {v.rule: v.confirms for v in verdicts if isinstance(v, Alert)},
        [v.alert_id for v in verdicts if isinstance(v, AlertWithdrawn)],
    )


def test_words_told_of_are_not_told_again_when_another_rule_of_the_kind_finds_more(tmp_path):
    judge = listening(one_kind(tmp_path, SHORT, LONG))
    (early,) = heard(judge, SHORT, LONG)
    assert early.rule == "r0"
    # That rule finds them in the final, and it is the same to a lead.
    assert settled(judge, LONG) == ({"r1": early.alert_id}, [])


def test_words_side_by_side_are_told_each(tmp_path):
    judge = listening(one_kind(tmp_path, SHORT, "随便你"))
    early = {one.rule: one.alert_id for one in heard(judge, SHORT, SHORT + "随便你")}
    assert set(early) == {"r0", "r1"}
    assert settled(judge, SHORT + "随便你") == (early, [])


@pytest.mark.parametrize("text", [SHORT, "您好这件事真的" + SHORT])
def test_of_two_kinds_on_the_same_words_each_is_told_and_confirmed(tmp_path, text):
    judge = listening(two_kinds(tmp_path))
    early = {one.rule: one.alert_id for one in heard(judge, SHORT)}
    assert set(early) == {"rude", "cure"}
    # The final may have put other words before them.
    assert settled(judge, text) == (early, [])


def test_an_alert_confirms_nothing_of_a_rule_that_was_muted_meanwhile(tmp_path):
    judge = listening(two_kinds(tmp_path))
    early = {one.rule: one.alert_id for one in heard(judge, SHORT)}
    judge.state.muted.add("rude")
    confirmed, withdrawn = settled(judge, "您好这件事真的" + SHORT)
    assert (confirmed, withdrawn) == ({"cure": early["cure"]}, [early["rude"]])


@pytest.mark.parametrize(
    ("text", "told"), [("不规我管", [ProvisionalAlert]), (f"不规我管就是{SHORT}", [Alert])]
)
def test_what_may_be_taken_back_is_not_told_beside_what_is_certain(tmp_path, text, told):
    settle = "settle: {withdrawn_by: {lists: [sorry], role: customer, after_s: 5}}"
    rule = f"type: words, role: customer, lists: [any], {settle}"
    judge = listening(write_pack(tmp_path, rule, lists={"any": [SHORT], "sorry": ["对不起"]}))
    verdicts = judge.feed(final("customer", 10.0, 14.0, text), ANSWERED + 15)
    assert [type(v) for v in verdicts if isinstance(v, ProvisionalAlert | Alert)] == told


def test_times_are_told_to_the_hundredth(tmp_path):
    judge = listening(two_kinds(tmp_path))
    told = heard(judge, f"您好{SHORT}吧")
    assert [(one.start, one.end) for one in told] == [(10.29, 10.86)] * 2
