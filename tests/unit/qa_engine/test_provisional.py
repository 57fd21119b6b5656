"""Alerts on partials: told once, confirmed or withdrawn by the final."""

import msgspec
import pytest
from qa_calls import ANSWERED, CALL, connected, ended, final, joined, legs

from asr.events import FinalWanted, SpeechStarted, TranscriptPartial
from qa_engine.events import Alert, AlertWithdrawn, ProvisionalAlert
from qa_engine.judge import CallJudge
from qa_engine.pack import DEFAULT_PACK, load


@pytest.fixture(scope="module")
def pack():
    return load(DEFAULT_PACK)


@pytest.fixture
def judge(pack):
    judge = CallJudge(pack, CALL, provisional=True)
    for event in (joined(), connected(), *legs()):
        judge.feed(event, event.at)
    return judge


def partial(text, stable, *, revision=1, start=10.0, role="agent"):
    return TranscriptPartial(
        at=ANSWERED + start + revision, call_id=CALL, role=role, segment_id=f"{role}-{start}-0",
        start=start, end=start + revision, text=text, stable=stable, revision=revision,
    )  # fmt: skip


def said(judge, text, start=10.0, role="agent"):
    return judge.feed(final(role, start, start + 4, text), ANSWERED + start + 5)


def of(kind, verdicts):
    return [v for v in verdicts if isinstance(v, kind)]


def heard(judge, *partials):
    return [v for p in partials for v in of(ProvisionalAlert, judge.feed(p, p.at))]


def test_a_partial_alerts_once_and_the_final_confirms_it(judge):
    (early,) = heard(
        judge,
        partial("这个不", 3),
        partial("这个不归我管", 6, revision=2),
        partial("这个不归我管啊你", 7, revision=3),
    )
    assert (early.phrase, early.at) == ("不归我管", ANSWERED + 12)
    verdicts = said(judge, "这个不归我管啊。")
    (alert,) = of(Alert, verdicts)
    assert alert.confirms == early.alert_id
    assert of(AlertWithdrawn, verdicts) == []


def test_each_wording_of_an_agent_is_told_and_confirmed_by_its_own_alert(judge):
    early = heard(
        judge,
        partial("这个不归我管", 6),
        partial("这个不归我管你自己看着办", 12, revision=2),
        partial("这个不归我管你自己看着办吧", 13, revision=3),
    )
    assert [e.phrase for e in early] == ["不归我管", "你自己看着办"]
    verdicts = said(judge, "您这个不归我管，你自己看着办吧。")
    assert {a.confirms for a in of(Alert, verdicts)} == {e.alert_id for e in early}
    assert of(AlertWithdrawn, verdicts) == []


def test_of_a_customer_one_is_told_of_a_rule_in_a_segment(judge):
    early = heard(
        judge,
        partial("我要投诉你们", 6, role="customer"),
        partial("我要投诉你们我还要投诉医生", 13, revision=2, role="customer"),
    )
    assert len({e.rule for e in early}) == len(early) >= 1


def test_it_says_when_its_words_were_said(judge):
    (early,) = heard(judge, partial("这个不归我管你听见没有吗", 6, revision=6))
    assert 10.5 < early.start < early.end <= 13.1


def test_what_the_final_does_not_hold_is_withdrawn(judge):
    (early,) = heard(judge, partial("这个不归我管", 6))
    verdicts = said(judge, "这个号要到窗口办。")
    assert [w.alert_id for w in of(AlertWithdrawn, verdicts)] == [early.alert_id]
    assert of(Alert, verdicts) == []


def test_what_follows_may_make_it_harmless(judge):
    early = heard(judge, partial("我不知道", 4))
    verdicts = said(judge, "我不知道，我帮您查一下。")
    assert len(of(AlertWithdrawn, verdicts)) == len(early)
    assert not [a for a in of(Alert, verdicts) if a.confirms]


@pytest.mark.parametrize(
    "quiet",
    [
        partial("这个不归我管", 3),
        partial("这个不归我管", 0),
        partial("这个不归我管", 6, role="customer"),
        partial("这个不贵我管", 6),
        partial("您好请问有什么可以帮您", 11),
    ],
)
def test_what_is_not_stable_not_exact_or_not_theirs_is_not_told(judge, quiet):
    assert heard(judge, quiet) == []


def test_what_no_final_decides_is_withdrawn_at_the_end(judge):
    (early,) = heard(judge, partial("这个不归我管", 6))
    judge.feed(ended(ANSWERED + 20), ANSWERED + 20)
    assert [w.alert_id for w in of(AlertWithdrawn, judge.close(ANSWERED + 40))] == [early.alert_id]


def test_each_provisional_alert_has_exactly_one_end(judge):
    early = heard(judge, partial("不归我管，随便你", 8), partial("不归我管", 4, start=30.0))
    ends = [*said(judge, "不归我管，随便你"), *said(judge, "好的", start=30.0)]
    confirmed = [a.confirms for a in of(Alert, ends) if a.confirms]
    withdrawn = [w.alert_id for w in of(AlertWithdrawn, ends)]
    assert sorted(confirmed + withdrawn) == sorted(a.alert_id for a in early)


def test_off_unless_asked_for(pack):
    judge = CallJudge(pack, CALL)
    judge.feed(connected(), ANSWERED)
    assert heard(judge, partial("这个不归我管", 6)) == []


def test_of_two_rules_of_a_kind_on_the_same_words_one_is_told(pack, judge):
    assert {"taboo_shirk", "taboo_manner"} <= {rule.id for rule in pack.rules}
    (early,) = heard(judge, partial("这个不归我管", 6))
    assert early.rule == "taboo_shirk"
    judge.state.muted.add("taboo_shirk")  # by the time the final comes
    verdicts = said(judge, "这个不归我管。")
    assert [w.alert_id for w in of(AlertWithdrawn, verdicts)] == [early.alert_id]
    assert of(Alert, verdicts) == []


def asked(judge, *partials):
    return [v for p in partials for v in of(FinalWanted, judge.feed(p, p.at))]


def test_the_final_is_asked_for_once_where_a_partial_holds_what_would_be_told(judge):
    (wanted,) = asked(
        judge,
        partial("这个不", 0),
        partial("这个不归我管", 0, revision=2),
        partial("这个不归我管啊你", 7, revision=3),
    )
    assert (wanted.call_id, wanted.role, wanted.segment_id) == (CALL, "agent", "agent-10.0-0")
    assert 12.0 <= wanted.after < 12.3
    assert len(asked(judge, partial("这个不归我管", 0, start=20.0))) == 1


def timed(text, *, revision=6, character_s=0.25):
    """A partial of which is known when its characters were said, from the call's tenth second."""
    times = tuple(10 + at * character_s for at in range(len(text)))
    return msgspec.structs.replace(partial(text, 0, revision=revision), char_times=times)


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("这个不归我管，你先等一下吧好不好", "这个不归我管"),
        ("不归我管，你自己看着办，我这边还有事", "不归我管，你自己看着办"),  # both are told
        ("他的手机号是1990，您记一下好不好", "他的手机号是1990"),  # no number is cut
        ("不归我管，打02088889999转一下好不好啊", "不归我管，打02088889999"),
    ],
)
def test_a_final_is_wanted_up_to_the_end_of_what_matters(judge, text, needed):
    heard_so_far = timed(text)
    (wanted,) = asked(judge, heard_so_far)
    end = heard_so_far.char_times[len(needed)]
    assert end + 0.5 < wanted.after < end + 0.9 < heard_so_far.end


def test_what_was_heard_last_may_be_heard_by_half(judge):
    going_on = timed("这个不归我管。", revision=2, character_s=0.32)
    (wanted,) = asked(judge, going_on)
    assert 12.0 < wanted.after < 12.3
    # All of it is stable: it was decoded up to a pause.
    paused = msgspec.structs.replace(going_on, segment_id="other", stable=6)
    (wanted,) = asked(judge, paused)
    assert wanted.after == 12.0


def test_it_says_when_its_words_were_said_where_that_is_known(judge):
    early = msgspec.structs.replace(timed("这个不归我管你先等一下吧"), stable=12)
    (told,) = heard(judge, early)
    assert (told.start, told.end) == (10.5, 11.5)


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("您稍等我帮您查", "agent"),
        ("这个不归我管", "customer"),  # it is a rule for agents
        ("我不知道您方便什么时候来", "agent"),
        ("他的手机号是199", "agent"),  # a number has just begun
        ("他的手机号是1-9。9", "agent"),
        ("他的手机号是幺九九", "agent"),
    ],
)
def test_no_final_is_asked_for(judge, text, role):
    assert asked(judge, partial(text, 0, role=role)) == []


@pytest.mark.parametrize(
    "text", ["他的手机号是1990", "他的手机号是幺九九零", "他的手机号是199 0000"]
)
def test_a_number_need_not_be_told_to_its_end(judge, text):
    assert len(asked(judge, partial(text, 0, role="agent"))) == 1


def test_words_that_only_sound_alike_are_asked_about_but_not_told(judge):
    told = judge.feed(heard_so_far := partial("这个不规我管", 6), heard_so_far.at)
    assert of(FinalWanted, told)
    assert of(ProvisionalAlert, told) == []


def test_what_a_lead_was_just_told_is_neither_asked_about_nor_told_again(judge):
    said(judge, "这个不归我管。")
    assert heard(judge, partial("都说了不归我管", 7, start=20.0)) == []
    assert asked(judge, partial("都说了不归我管", 7, start=24.0)) == []
    # After the rule's cool-down it is news again.
    assert len(heard(judge, partial("都说了不归我管", 7, start=60.0))) == 1


def test_a_caller_is_told_of_once_in_a_sentence_that_was_cut(judge):
    def customer(start, text, continues=""):
        event = final("customer", start, start + 2, text)
        return msgspec.structs.replace(event, continues=continues)

    first = customer(10.0, "我要投诉你们。")
    assert len(of(Alert, judge.feed(first, ANSWERED + 13))) == 1
    began = SpeechStarted(
        at=ANSWERED + 12.2, call_id=CALL, role="customer", segment_id="customer-12.0-0",
        start=12.0, continues=first.segment_id,
    )  # fmt: skip
    judge.feed(began, began.at)
    rest = partial("我要投诉他", 5, start=12.0, role="customer")
    assert heard(judge, rest) == asked(judge, rest) == []
    second = customer(12.0, "我要投诉他。", continues=first.segment_id)
    assert of(Alert, judge.feed(second, ANSWERED + 15)) == []
    third = customer(15.0, "我要投诉他。")
    assert len(of(Alert, judge.feed(third, ANSWERED + 18))) == 1


def test_what_may_still_be_taken_back_is_told_at_once_and_confirmed_in_its_time(judge):
    (held,) = of(ProvisionalAlert, said(judge, "这个不规我管。"))
    assert held.phrase == "不规我管"
    early = [v for s in range(16, 19) for v in judge.tick(ANSWERED + s)]
    assert [v for v in of(Alert, early) if v.phrase] == []
    late = [v for s in range(19, 30) for v in judge.tick(ANSWERED + s)]
    (alert,) = [v for v in of(Alert, late) if v.phrase]
    assert (alert.confirms, alert.suspected) == (held.alert_id, True)
    assert of(AlertWithdrawn, judge.close(ANSWERED + 40)) == []


def test_what_is_taken_back_is_withdrawn(judge):
    (held,) = of(ProvisionalAlert, said(judge, "这个不规我管。"))
    later = said(judge, "不好意思，我帮您转到医务科。", start=14.5)
    later += [v for s in range(19, 30) for v in judge.tick(ANSWERED + s)]
    assert [w.alert_id for w in of(AlertWithdrawn, later)] == [held.alert_id]
    assert [v for v in of(Alert, later) if v.phrase] == []


def test_without_provisional_alerts_nothing_is_told_before_its_time(pack):
    judge = CallJudge(pack, CALL)
    for event in (joined(), connected(), *legs()):
        judge.feed(event, event.at)
    assert of(ProvisionalAlert, said(judge, "这个不规我管。")) == []
