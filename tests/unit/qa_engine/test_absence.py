"""What was not said: told once recognition has come so far, each absence for itself."""

import msgspec
import pytest
from qa_calls import ANSWERED, CALL, connected, ended, final, joined, legs, play, run, spoken
from qa_packs import write_pack

from asr.events import LegTranscribed
from qa_engine.events import Alert, ComplianceStep, Hit
from qa_engine.judge import CallJudge
from qa_engine.pack import load
from qa_engine.state import BEHIND_S, FINAL_GRACE_S

LISTS = {"ask": ["我要退费"], "time": ["三个工作日"], "papers": ["带身份证"]}

STEP = "type: step, role: agent, done_kind: step_done, any_of: [time], within_s: 15"
ABSENT = (
    "type: when, find: {op: absent, role: agent, within_s: 15, "
    "of: {op: words, role: agent, any_of: [time]}}"
)
RESPONSE = (
    "type: response, within_s: 12, trigger: {role: customer, lists: [ask]}, "
    "expected: {role: agent, lists: [time]}"
)
NOT = (
    "type: when, find: {op: all, within_s: 12, of: [{op: words, role: customer, any_of: [ask]}, "
    "{op: not, of: {op: words, role: agent, any_of: [time]}}]}"
)
ASKED = final("customer", 1, 3, "我要退费")
ANSWER = final("agent", 4, 6, "三个工作日")


@pytest.fixture
def pack_of(tmp_path):
    return lambda *rules: load(write_pack(tmp_path, *rules, lists=LISTS))


def missing(verdicts):
    """Rules that told that something was not said."""
    return [v.rule for v in verdicts if isinstance(v, Hit) and v.kind == "taboo_phrase"]


def begun(pack):
    judge = CallJudge(pack, CALL)
    run(judge, [joined(), connected(), *legs(), *spoken([ASKED])], ANSWERED + 3.5)
    return judge


@pytest.mark.parametrize("rule", [STEP, ABSENT, RESPONSE, NOT])
def test_recognition_that_is_far_behind_is_waited_for(pack_of, rule):
    judge = begun(pack_of(rule))
    started, stopped, _ = spoken([ANSWER])
    told = run(judge, [started, stopped], ANSWERED + 60)
    assert missing(told) == []
    late = msgspec.structs.replace(ANSWER, at=ANSWERED + 60)
    told = run(judge, [late], ANSWERED + 80)
    assert missing(told) == []


@pytest.mark.parametrize("rule", [STEP, ABSENT, RESPONSE, NOT])
def test_what_recognition_will_never_bring_is_not_waited_for(pack_of, rule):
    judge = begun(pack_of(rule))
    started, stopped, _ = spoken([ANSWER])
    done = LegTranscribed(
        at=ANSWERED + 7, call_id=CALL, role="agent", leg_id="leg-agent", segments=0
    )
    told = run(judge, [started, stopped, done], ANSWERED + 6 + FINAL_GRACE_S + 1)
    assert missing(told) == ["r0"]


def test_a_recogniser_that_died_does_not_keep_an_absence_for_ever(pack_of):
    judge = begun(pack_of(STEP))
    started, stopped, _ = spoken([ANSWER])
    told = run(judge, [started, stopped], ANSWERED + 6 + BEHIND_S - 1, step=1.0)
    assert missing(told) == []
    assert missing(run(judge, [], ANSWERED + 6 + BEHIND_S + 1, step=1.0)) == ["r0"]


def test_the_end_of_a_call_waits_for_recognition_that_is_far_behind(pack_of):
    rule = "type: step, role: agent, done_kind: step_done, any_of: [time], before_end_s: 30"
    judge = begun(pack_of(rule))
    started, stopped, said = spoken([ANSWER])
    told = run(judge, [started, stopped, ended(ANSWERED + 8)], ANSWERED + 50)
    assert not judge.closed
    told += judge.feed(said, ANSWERED + 50)
    told += judge.tick(ANSWERED + 51)
    assert judge.closed
    assert missing(told) == []
    assert [v.state for v in told if isinstance(v, ComplianceStep)] == ["done"]


@pytest.mark.parametrize("rule", [ABSENT.replace("}}", "}, after: {op: words, role: customer, "
                                  "any_of: [ask]}}"), RESPONSE, NOT])  # fmt: skip
def test_two_things_that_the_same_words_ask_for_are_each_told_when_missing(pack_of, rule):
    pack = pack_of(rule, rule.replace("[time]", "[papers]"))
    assert missing(play(pack, [ASKED], 60)) == ["r0", "r1"]
    assert missing(play(pack, [ASKED, ANSWER], 60)) == ["r1"]
    alerts = [v for v in play(pack, [ASKED], 60) if isinstance(v, Alert)]
    assert len({alert.alert_id for alert in alerts}) == 2


def test_words_with_an_exception_in_their_own_sentence_are_told_once(pack_of):
    rule = NOT.replace("within_s: 12", "within_sentences: 0")
    pack = pack_of(rule, rule.replace("[time]", "[papers]"))
    assert missing(play(pack, [ASKED], 60)) == ["r0"]


@pytest.mark.parametrize(("said", "found"), [([], ["r0", "r1"]), ([ANSWER], [])])
def test_a_step_counts_as_found_where_it_is_missing(pack_of, said, found):
    rule = (
        "type: when, find: {op: all, of: [{op: found, rules: [r0]}, "
        "{op: words, role: customer, any_of: [ask]}]}"
    )
    pack = pack_of(STEP.replace("15", "8"), rule)
    assert missing(play(pack, [*said, final("customer", 20, 22, "我要退费")], 60)) == found
