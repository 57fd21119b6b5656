"""What is known of a call from its events, as the operators ask for it."""

import itertools

import msgspec
import pytest
from qa_calls import ANSWERED, CALL, connected, ended, final, joined, legs

from asr.events import AudioGap, LegTranscribed, SpeechStarted, SpeechStopped
from backbone.media import LegClosed, LegOpened
from qa_engine.events import RuleMuted, TopicDetected
from qa_engine.state import FINAL_GRACE_S, GAP_S, CallState
from qa_engine.words import WordIndex
from telephony.events import AgentSpeechEnds, CallHeld, CallResumed


def call(*events, now=0.0):
    """An answered call with both sides heard, after some events."""
    state = CallState(CALL, WordIndex(()))
    for event in (joined(), connected(), *legs(), *events):
        state.learn(event)
    state.now = ANSWERED + now
    return state


def closed(*, complete, leg="leg-agent"):
    return LegClosed(
        at=ANSWERED + 5, call_id=CALL, leg_id=leg, role="agent", samples=1, complete=complete,
        reason="x",
    )  # fmt: skip


def opened(leg):
    return LegOpened(
        at=ANSWERED + 6, call_id=CALL, leg_id=leg, role="agent", rate=8000, offset_s=6.0
    )


def started(role, start):
    segment_id = final(role, start, start, "").segment_id
    return SpeechStarted(
        at=ANSWERED + start, call_id=CALL, role=role, segment_id=segment_id, start=start
    )


def stopped(role, start, end):
    segment_id = final(role, start, end, "").segment_id
    return SpeechStopped(
        at=ANSWERED + end, call_id=CALL, role=role, segment_id=segment_id, start=start, end=end,
        level_db=-20.0,
    )  # fmt: skip


def gap(role, start, end):
    return AudioGap(
        at=ANSWERED + end, call_id=CALL, role=role, leg_id=f"leg-{role}", start=start, end=end
    )


@pytest.mark.parametrize(
    ("events", "lost"),
    [
        ([closed(complete=False)], True),
        ([closed(complete=True)], False),
        # Another tap of the same side goes on, or takes over.
        ([opened("second"), closed(complete=False)], False),
        ([closed(complete=False), opened("second")], False),
        ([opened("second"), closed(complete=False), closed(complete=False, leg="second")], True),
        ([ended(ANSWERED + 4), closed(complete=False)], False),
    ],
)
def test_a_side_is_lost_when_its_audio_breaks_off_while_the_call_goes_on(events, lost):
    state = call(*events)
    assert ("agent" in state.lost) is lost
    assert state.listened(["agent"], 0, 10) is not lost
    assert state.listened(["customer"], 0, 10)


@pytest.mark.parametrize(
    ("begin", "end", "heard"),
    [
        (0, 20, False),
        (11, 12, False),
        (0, 10, True),
        (14, 20, True),
        (0, 10 + GAP_S, True),  # nobody says a word in less
        (0, 10.1 + GAP_S, False),
        (14 - GAP_S, 20, True),
    ],
)
def test_silence_proves_nothing_where_nothing_was_heard(begin, end, heard):
    state = call(gap("customer", 10, 14))
    assert state.listened(["customer"], begin, end) is heard
    assert state.listened(["agent", "customer"], begin, end) is heard
    assert state.listened(["agent"], begin, end)
    assert state.unheard_until_s == 14


def test_the_end_of_what_was_not_heard_is_that_of_the_last_gap():
    assert call(gap("agent", 10, 14), gap("customer", 11, 12)).unheard_until_s == 14


SPOKEN = [started("agent", 2.0), stopped("agent", 2.0, 4.0)]


@pytest.mark.parametrize(
    ("events", "now", "awaited"),
    [
        (SPOKEN[:1], 100, True),  # it lasts
        (SPOKEN, 4 + FINAL_GRACE_S - 0.1, True),
        (SPOKEN, 4 + FINAL_GRACE_S, False),
        ([*SPOKEN, final("agent", 2.0, 4.0, "您好")], 5, False),
        ([*SPOKEN, final("agent", 2.0, 4.0, "")], 5, False),
    ],
)
def test_a_final_is_waited_for_until_it_comes_or_is_given_up(events, now, awaited):
    state = call(*events, now=now)
    assert state.awaiting() is state.awaiting(role="agent") is awaited
    assert state.awaiting(before=2.1) is awaited
    assert not state.awaiting(before=2.0)
    assert not state.awaiting(role="customer")


@pytest.mark.parametrize(
    ("events", "now", "complete"),
    [
        ([], 100, False),
        ([ended(ANSWERED + 30)], 30 + FINAL_GRACE_S - 0.1, False),  # the legs may have more
        ([ended(ANSWERED + 30)], 30 + FINAL_GRACE_S, True),
        ([ended(ANSWERED + 30), "agent"], 31, False),
        ([ended(ANSWERED + 30), "agent", "customer"], 31, True),
        ([*SPOKEN, "agent", "customer", ended(ANSWERED + 5)], 6, False),
    ],
)
def test_a_call_is_complete_when_all_of_it_was_told_or_waited_for(events, now, complete):
    told = [
        LegTranscribed(
            at=ANSWERED + 30, call_id=CALL, role=event, leg_id=f"leg-{event}", segments=1
        )
        if isinstance(event, str)
        else event
        for event in events
    ]
    assert call(*told, now=now).complete() is complete


@pytest.mark.parametrize(
    ("events", "end_s"),
    [
        ([], None),
        ([ended(ANSWERED + 30)], 30),
        ([*SPOKEN, ended(ANSWERED + 3)], 4),  # what was said was said on the call
        ([AgentSpeechEnds(at=ANSWERED + 20, call_id=CALL), ended(ANSWERED + 30)], 20),
    ],
)
def test_the_agents_part_ends_with_the_agent(events, end_s):
    assert call(*events).end_s == end_s


def test_what_lasts_when_the_call_ends_ends_with_it():
    state = CallState(CALL, WordIndex(()))
    for event in (connected(), *SPOKEN, started("customer", 6.0), started("agent", 9.0)):
        state.learn(event)
    state.now = ANSWERED + 8
    assert [speech.start for speech in state.speaking()] == [6.0, 9.0]
    assert state.last_speech_s == 4.0
    state.learn(ended(ANSWERED + 8))
    assert [(speech.start, speech.end) for speech in state.speech] == [
        (2.0, 4.0), (6.0, 8.0), (9.0, 9.0),
    ]  # fmt: skip
    assert state.speaking() == []


@pytest.mark.parametrize(
    ("side", "turn"), [("agent", (1.0, 5.0)), ("customer", (7.0, 8.0)), ("either", (1.0, 5.0))]
)
def test_a_first_turn_lasts_until_the_other_side_speaks(side, turn):
    finals = [
        final("agent", 3.0, 5.0, "您好"),
        final("agent", 1.0, 2.0, "喂"),
        final("customer", 7.0, 8.0, "你好"),
        final("agent", 9.0, 12.0, "您说"),
    ]
    assert call(*finals).first_turn(side) == turn


def test_the_last_speech_is_that_which_ended_last():
    assert call().last_speech_s == 0.0
    long, short = final("agent", 1.0, 9.0, "您好"), final("customer", 3.0, 4.0, "嗯")
    assert call(long, short).last_speech_s == 9.0


def test_who_said_nothing_has_no_first_turn():
    assert call(final("agent", 1.0, 2.0, "喂")).first_turn("customer") is None


def test_a_turn_that_lasts_has_no_length_yet():
    assert call(started("agent", 1.0)).first_turn("agent") == (1.0, 1.0)


def test_what_was_said_is_in_order_of_speech_not_of_recognition_and_counts_once():
    late, early = final("agent", 5.0, 7.0, "请稍等"), final("customer", 1.0, 2.0, "喂")
    state = call()
    assert [state.learn(event) is not None for event in (late, early, late)] == [True, True, False]
    assert [said.final for said in state.said] == [early, late]
    assert [said.final for said in state.by("either", after=1.0, until=4.9)] == [early]
    assert [said.final for said in state.by("agent", after=5.0, until=5.0)] == [late]
    assert list(state.by("agent", after=5.1)) == []


def test_a_sentence_is_known_by_its_first_part():
    parts = [final("customer", start, start + 1, "我要投诉") for start in (1.0, 2.0, 3.0)]
    parts[1:] = [
        msgspec.structs.replace(part, continues=before.segment_id)
        for before, part in itertools.pairwise(parts)
    ]
    state = call(*parts)
    assert {state.whole(part.segment_id) for part in parts} == {parts[0].segment_id}
    assert state.whole("never heard of") == "never heard of"


def test_the_call_is_held_until_it_is_resumed():
    state = call(CallHeld(at=ANSWERED + 10, call_id=CALL))
    assert state.held
    state.learn(CallResumed(at=ANSWERED + 25, call_id=CALL, held_s=15))
    assert (state.held, state.held_until_s) == (False, 25)


def test_the_clock_starts_with_the_first_answer():
    state = CallState(CALL, WordIndex(()), now=ANSWERED + 3)
    assert state.clock == 0.0
    state.learn(connected())
    assert state.clock == 3.0
    state.learn(connected(ANSWERED + 2))  # told again when the connection came back
    assert state.clock == 3.0


def test_who_takes_the_call_and_what_it_is_about_are_the_latest():
    state = CallState(CALL, WordIndex(()), seniorities={"PJSIP/1001": "new"})
    assert state.seniority == "regular"
    for topic in ("refund", "booking"):
        for event in (
            joined(),
            connected(),
            TopicDetected(at=ANSWERED, call_id=CALL, topic=topic, confidence=1.0),
        ):
            state.learn(event)
    assert (state.queue, state.agent, state.seniority) == ("general", "PJSIP/1001", "new")
    assert state.topics == {"booking"}


def test_a_rule_is_muted_until_it_is_not():
    state = call()
    for muted, rules in ((True, {"r1"}), (True, {"r1"}), (False, set())):
        state.learn(RuleMuted(at=ANSWERED, call_id=CALL, rule="r1", muted=muted, by="lead"))
        assert state.muted == rules
