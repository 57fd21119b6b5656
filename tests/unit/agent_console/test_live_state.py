"""The fold that the live page is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_console.live.fold import TRANSITIONS
from agent_console.live.state import MOST_ALERTS, LiveState
from agent_console.live.views import CallView
from agent_console.live.wire import EventEncoder
from asr.events import TranscriptFinal, TranscriptPartial
from backbone.events import Envelope, Event, decode
from qa_engine.events import Alert, AlertAcknowledged, Evidence, Severity
from telephony.events import CallConnected, CallHeld, CallJoined, CallResumed

FOLD = Path(__file__).parents[2] / "data" / "console" / "live_fold.json"


def recorded() -> tuple[list[Envelope], dict[str, Any]]:
    document = json.loads(FOLD.read_text())
    envelopes = [
        Envelope(message["seq"], decode(message["type"], msgspec.json.encode(message)))
        for message in document["messages"]
    ]
    return envelopes, document["expected"]


def snapshot(state: LiveState) -> dict[str, Any]:
    built: dict[str, Any] = json.loads(msgspec.json.encode(state.snapshot()))
    return built


def test_recorded_events_give_the_state_that_the_page_must_reach_too() -> None:
    envelopes, expected = recorded()
    state = LiveState(30)
    for envelope in envelopes:
        state.apply(envelope)
    assert snapshot(state) == expected


@settings(deadline=None)  # how fast the machine is does not matter here
@given(st.data())
def test_hearing_anything_numbered_again_changes_nothing(data: st.DataObject) -> None:
    envelopes, expected = recorded()
    state = LiveState(30)
    numbered: list[Envelope] = []
    for envelope in envelopes:
        state.apply(envelope)
        if envelope.seq:
            numbered.append(envelope)
            for again in data.draw(st.lists(st.sampled_from(numbered), max_size=2)):
                state.apply(again)
    assert snapshot(state) == expected


def say(segment: str, text: str, *, start: float, revision: int | None) -> Event:
    common: dict[str, Any] = {
        "at": 0.0,
        "call_id": "c",
        "role": "agent",
        "segment_id": segment,
        "start": start,
        "end": start + 1,
        "text": text,
    }
    if revision is not None:
        return TranscriptPartial(**common, stable=0, revision=revision)
    return TranscriptFinal(
        **common,
        leg_id="l",
        language="zh",
        confidence=1.0,
        level_db=-20.0,
        lag_s=0.0,
        decode_s=0.0,
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.one_of(st.none(), st.integers(1, 5)), st.integers(0, 3)
        ),
        max_size=30,
    )
)
def test_one_turn_a_segment_in_order_of_time_and_a_final_one_stands(
    said: list[tuple[str, int | None, int]],
) -> None:
    state = joined()
    finals: dict[str, str] = {}
    for number, (segment, revision, start) in enumerate(said):
        text = f"{segment}{number}"
        if revision is None:
            finals.setdefault(segment, text)
        state.apply(Envelope(0, say(segment, text, start=float(start), revision=revision)))
    turns = state.calls["c"].turns
    assert sorted(turn.segment_id for turn in turns) == sorted({segment for segment, _, _ in said})
    assert [turn.start for turn in turns] == sorted(turn.start for turn in turns)
    assert {turn.segment_id: turn.text for turn in turns if turn.final} == finals


def joined(call: str = "c", at: float = 0.0) -> LiveState:
    state = LiveState(2)
    state.apply(Envelope(0, join(call, at)))
    return state


def join(call: str, at: float = 0.0) -> CallJoined:
    return CallJoined(
        at=at,
        call_id=call,
        system="pbx",
        uniqueid="1.1",
        linkedid="1.1",
        visit=1,
        queue="q",
        caller="13800138000",
        caller_name="王小明",
        position=1,
    )


def connect(call: str, at: float) -> CallConnected:
    return CallConnected(
        at=at,
        call_id=call,
        system="pbx",
        uniqueid="1.1",
        channel="PJSIP/a",
        queue="q",
        agent="PJSIP/1001",
        agent_name="",
        wait_s=2.0,
        ring_s=1.0,
        rings=1,
    )


def test_nothing_leaves_the_end_of_a_call() -> None:
    assert not [state for state, _ in TRANSITIONS if state == "ended"]


def test_hold_adds_up() -> None:
    state = joined()
    state.apply(Envelope(0, connect("c", 2.0)))
    for begin in (10.0, 30.0):
        state.apply(Envelope(0, CallHeld(at=begin, call_id="c")))
        assert state.calls["c"].state == "held"
        assert state.calls["c"].held_at == begin
        state.apply(Envelope(0, CallResumed(at=begin + 5, call_id="c", held_s=5.0)))
    assert state.calls["c"].state == "talking"
    assert state.calls["c"].hold_s == 10.0


def test_the_caller_is_masked_before_anything_is_kept() -> None:
    kept: CallView = joined().calls["c"]
    assert "13800138000" not in repr(kept)
    assert "小明" not in repr(kept)


def test_ended_calls_are_kept_up_to_a_number() -> None:
    envelopes, _ = recorded()
    ended = next(e.event for e in envelopes if type(e.event).__name__ == "CallEnded")
    state = LiveState(2)
    for name in ("a", "b", "c"):
        state.apply(Envelope(0, join(name)))
        state.apply(Envelope(0, msgspec.structs.replace(ended, call_id=name)))
    assert list(state.calls) == ["b", "c"]


def test_calls_whose_end_was_never_told_are_forgotten() -> None:
    state = joined("old", at=100.0)
    state.apply(Envelope(0, join("new", at=900.0)))
    state.forget_calls_before(500.0)
    assert list(state.calls) == ["new"]


def alert(name: str, severity: Severity = "low", at: float = 1.0) -> Alert:
    return Alert(
        at=at,
        alert_id=name,
        call_id="c",
        queue="q",
        agent="",
        rule="r",
        kind="k",
        severity=severity,
        role="call",
        title="t",
        title_en="t",
        phrase="",
        start=0.0,
        end=0.0,
        suspected=False,
        evidence=Evidence(),
    )


@pytest.mark.parametrize(("acknowledged", "left"), [(0, 60), (60, 50)])
def test_acknowledged_alerts_go_after_a_while_and_open_ones_stay(
    acknowledged: int, left: int
) -> None:
    state = LiveState(2)
    for number in range(60):
        state.apply(Envelope(0, alert(str(number))))
    for number in range(acknowledged):
        event = AlertAcknowledged(at=2.0, alert_id=str(number), call_id="c", by="lead")
        state.apply(Envelope(0, event))
    assert len(state.alerts) == left


def test_what_needs_a_person_is_kept_however_many_ordinary_alerts_follow() -> None:
    state = LiveState(2)
    state.apply(Envelope(0, alert("red line", "critical", 1.0)))
    state.apply(Envelope(0, alert("handled", "critical", 2.0)))
    done = AlertAcknowledged(at=2.0, alert_id="handled", call_id="c", by="lead")
    state.apply(Envelope(0, done))
    for number in range(MOST_ALERTS):
        state.apply(Envelope(0, alert(f"medium {number}", "medium", 3.0 + number)))
    assert len(state.alerts) == MOST_ALERTS
    assert "red line" in state.alerts
    assert {"handled", "medium 0"} & set(state.alerts) == set()
    assert [one.alert_id for one in state.snapshot().alerts][-1] == f"medium {MOST_ALERTS - 1}"


def test_personal_data_in_what_was_said_is_covered() -> None:
    envelopes, _ = recorded()
    state = LiveState(30)
    for envelope in envelopes:
        state.apply(envelope)
    call_id = next(iter(state.calls))
    said = TranscriptFinal(
        at=1.0, call_id=call_id, role="customer", leg_id="l", segment_id="personal", start=900.0,
        end=903.0, text="我叫张建国，电话13800138000", language="zh", confidence=0.9,
        level_db=-20.0, lag_s=0.1, decode_s=0.1,
    )  # fmt: skip
    envelope = Envelope(state.seq + 1, said)
    state.apply(envelope)
    (turn,) = [t for t in state.calls[call_id].turns if t.segment_id == "personal"]
    assert turn.text == "我叫张＊＊，电话＊＊＊＊＊＊＊8000"
    assert "＊＊＊＊＊＊＊8000" in EventEncoder()(envelope)
    assert "13800138000" not in EventEncoder()(envelope)
