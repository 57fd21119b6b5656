"""Scripted calls, and calls written in a few lines, as the events that a judge is fed with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from asr.events import SpeechStarted, SpeechStopped, TranscriptFinal
from backbone.events import Event
from backbone.media import LegOpened, Role
from qa_engine.evaluate import Truth, Utterance
from qa_engine.judge import CallJudge, Verdict
from qa_engine.pack import Pack
from telephony.events import CallConnected, CallEnded, CallJoined, CallRecord, HangupBy

CALLS = Path(__file__).parents[1] / "tingzhen" / "demo" / "calls"
ANSWERED = 1_700_000_000.0
LAG_S = 0.4
CALL = "call-1"


def joined(at: float = ANSWERED - 5, call_id: str = CALL) -> CallJoined:
    return CallJoined(
        at=at, call_id=call_id, system="pbx", uniqueid="1.1", linkedid="1.1", visit=1,
        queue="general", caller="13900000000", caller_name="张三", position=1,
    )  # fmt: skip


def connected(
    at: float = ANSWERED, wait_s: float | None = 5.0, call_id: str = CALL
) -> CallConnected:
    return CallConnected(
        at=at, call_id=call_id, system="pbx", uniqueid="1.1", channel="PJSIP/x", queue="general",
        agent="PJSIP/1001", agent_name="", wait_s=wait_s, ring_s=4.0, rings=1,
    )  # fmt: skip


def ended(
    at: float, *, outcome: str = "answered", wait_s: float = 5.0, answered: bool = True,
    hangup_by: HangupBy = "customer", call_id: str = CALL,
) -> CallEnded:  # fmt: skip
    record = CallRecord(
        call_id=call_id, system="pbx", uniqueid="1.1", linkedid="1.1", visit=1, queue="general",
        caller="13900000000", caller_name="张三", agent="PJSIP/1001", outcome=outcome,
        joined_at=ANSWERED - wait_s, answered_at=ANSWERED if answered else None, ended_at=at,
        wait_s=wait_s, ring_s=4.0, rings=1, talk_s=at - ANSWERED if answered else None,
        hold_s=0.0, transfers=0, hangup_by=hangup_by, hangup_cause=16, unanswered=(), complete=True,
    )  # fmt: skip
    return CallEnded(at=at, call_id=call_id, record=record)


def legs(call_id: str = CALL) -> list[LegOpened]:
    return [
        LegOpened(at=ANSWERED, call_id=call_id, leg_id=f"leg-{r}", role=r, rate=8000, offset_s=0.0)
        for r in ("agent", "customer")
    ]


def final(
    role: Role, start: float, end: float, text: str, *, number: int = 0, call_id: str = CALL
) -> TranscriptFinal:
    return TranscriptFinal(
        at=ANSWERED + end + LAG_S, call_id=call_id, role=role, leg_id=f"leg-{role}",
        segment_id=f"{role}-{start}-{number}", start=start, end=end, text=text, language="zh",
        confidence=0.9, level_db=-22.0, lag_s=LAG_S, decode_s=0.1,
    )  # fmt: skip


def spoken(finals: Iterable[TranscriptFinal]) -> list[Event]:
    """Finals with their voice activity, in order of time."""
    timed: list[tuple[float, Event]] = []
    for said in finals:
        key = {"call_id": said.call_id, "role": said.role, "segment_id": said.segment_id}
        started = SpeechStarted(at=ANSWERED + said.start + 0.1, start=said.start, **key)
        stopped = SpeechStopped(
            at=ANSWERED + said.end + 0.3, start=said.start, end=said.end, level_db=-22.0, **key
        )
        timed += [(e.at, e) for e in (started, stopped, said)]
    return [event for _, event in sorted(timed, key=lambda pair: pair[0])]


def run(
    judge: CallJudge, events: Sequence[Event], until: float, step: float = 0.25
) -> list[Verdict]:
    """Feed events at their times with ticks in between, as the service does."""
    verdicts: list[Verdict] = []
    now = min((e.at for e in events), default=ANSWERED)
    for event in events:
        while now < event.at:
            verdicts += judge.tick(now)
            now += step
        verdicts += judge.feed(event, event.at)
    while now <= until:
        verdicts += judge.tick(now)
        now += step
    return verdicts


def play(pack: Pack, finals: Sequence[TranscriptFinal], duration: float) -> list[Verdict]:
    """A whole answered call."""
    judge = CallJudge(pack, CALL)
    events: list[Event] = [
        joined(),
        connected(),
        *legs(),
        *spoken(finals),
        ended(ANSWERED + duration),
    ]
    events.sort(key=lambda e: e.at)
    return run(judge, events, ANSWERED + duration + 15)


def utterances(truth: Truth) -> Iterator[TranscriptFinal]:
    for number, said in enumerate(truth.utterances):
        yield final(_role(said), said.start, said.end, said.text, number=number)


def _role(said: Utterance) -> Role:
    return "agent" if said.role == "agent" else "customer"


def dialogue(
    *lines: tuple[Role, str], pace: float = 4.0, pause: float = 0.6
) -> list[TranscriptFinal]:
    """Lines one after the other at `pace` characters a second."""
    finals, clock = [], 1.0
    for number, (role, text) in enumerate(lines):
        end = clock + max(0.8, len(text) / pace)
        finals.append(final(role, clock, end, text, number=number))
        clock = end + pause
    return finals
