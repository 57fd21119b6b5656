"""Taking up a call in the middle: its journal is heard again, and nothing is told twice.

Voice activity is not journalled; it is put back from the finals, so that silence and interruption
are seen where they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asr.events import FinalWanted, SpeechStarted, SpeechStopped, TranscriptFinal
from backbone.events import Event
from qa_engine.conditions.base import Moment
from qa_engine.events import (
    Alert,
    AlertWithdrawn,
    ComplianceStep,
    Hit,
    ProvisionalAlert,
    RunningScore,
    Score,
)
from qa_engine.judge import CallJudge
from qa_engine.sides import ROLES
from qa_engine.verdicts import Verdict
from telephony.events import CallConnected

TOLD = (Hit, Alert, ComplianceStep, Score)
"""What a judge has told durably."""

_TICK_S = 1.0


def take_up(judge: CallJudge, journalled: Sequence[Event], now: float) -> list[Verdict]:
    """Bring a new judge to where an earlier one of this call was.

    Args:
        judge: one that has heard nothing yet.
        journalled: the call's durable events in order, verdicts among them.
        now: seconds since the epoch.

    Returns:
        What a final said and nobody was told of, because the earlier run ended in between; and
        where the score stands.
    """
    told = [event for event in journalled if isinstance(event, TOLD)]
    found = list(_heard_again(judge, timeline([e for e in journalled if e not in told])))
    running = [verdict for verdict in found if isinstance(verdict, RunningScore)]
    known = {_identity(event) for event in told}
    missed = [verdict for verdict in found if _worth_telling(verdict, known)]
    for event in told:
        _remember(judge, event)
    # Nobody listened while nothing ran: neither silence nor absence may be told of that time.
    state = judge.state
    since = state.at(max((event.at for event in journalled), default=now))
    for role in ROLES:
        state.missed(role, since, state.at(now))
    return [*missed, *running[-1:]]


def _heard_again(judge: CallJudge, events: Sequence[Event]) -> Iterator[Verdict]:
    now = events[0].at if events else 0.0
    for event in events:
        while now + _TICK_S < event.at:
            now += _TICK_S
            yield from judge.tick(now)
        now = max(now, event.at)
        yield from judge.feed(event, now)


def timeline(events: Sequence[Event]) -> list[Event]:
    """A call's events by time, with the voice activity that its finals tell of."""
    answered = next((e.at for e in events if isinstance(e, CallConnected)), None)
    whole = list(events)
    if answered is not None:
        for event in events:
            if isinstance(event, TranscriptFinal):
                whole += _voice(event, answered)
    return sorted(whole, key=lambda event: event.at)


def _voice(final: TranscriptFinal, answered: float) -> tuple[Event, Event]:
    started = SpeechStarted(
        at=answered + final.start,
        call_id=final.call_id,
        role=final.role,
        segment_id=final.segment_id,
        start=final.start,
        continues=final.continues,
    )
    stopped = SpeechStopped(
        at=answered + final.end,
        call_id=final.call_id,
        role=final.role,
        segment_id=final.segment_id,
        start=final.start,
        end=final.end,
        level_db=final.level_db,
    )
    return started, stopped


def _identity(event: Event) -> object:
    match event:
        case Hit():
            return event.hit_id
        case Alert():
            return event.alert_id
        case ComplianceStep():
            return (event.step, event.state)
        case Score():
            return event.score_id
        case _:
            return None


def _worth_telling(verdict: Verdict, known: set[object]) -> bool:
    """Whether it is news, and certain without the voice activity of the time."""
    match verdict:
        case Hit() | Alert():
            certain = verdict.evidence.span is not None
        case ComplianceStep():
            certain = verdict.state != "missing"
        case RunningScore() | ProvisionalAlert() | AlertWithdrawn() | FinalWanted():
            certain = False
        case _:
            certain = True
    return certain and _identity(verdict) not in known


def _remember(judge: CallJudge, event: Event) -> None:
    match event:
        case Hit():
            judge.remember_hit(event, _moment(event))
        case ComplianceStep():
            judge.remember_step(event)
        case _:
            pass


def _moment(hit: Hit) -> Moment:
    return Moment(
        key=("journal", hit.hit_id),
        role=hit.role,
        start=hit.start,
        end=hit.end,
        phrase=hit.phrase,
        suspected=hit.suspected,
        evidence=hit.evidence,
    )
