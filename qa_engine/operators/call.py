"""`call`: a figure of the call itself passes a limit: rings, wait, talk, transfers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from backbone.events import Event
from qa_engine.events import Evidence
from qa_engine.operators.base import BaseRule, Finding, Outcome, Quiet
from qa_engine.sides import ROLES
from telephony.events import (
    CallConnected,
    CallEnded,
    CallHeld,
    CallRecord,
    CallResumed,
    CallTransferred,
    RingEnded,
    RingStarted,
)

if TYPE_CHECKING:
    from qa_engine.state import CallState

Measure = Literal[
    "rings",
    "wait_s",
    "talk_s",
    "hold_s",
    "holds",
    "held_total_s",
    "transfers",
    "abandoned",
    "last_word_s",
    "hung_up",
]

_UNITS: dict[Measure, str] = {
    "rings": "rings",
    "wait_s": "s",
    "talk_s": "s",
    "hold_s": "s",
    "holds": "holds",
    "held_total_s": "s",
    "transfers": "transfers",
    "abandoned": "s",
    "last_word_s": "s",
    "hung_up": "times",
}

_STRETCHES: frozenset[Measure] = frozenset({"talk_s", "hold_s", "last_word_s"})


class CallRule(BaseRule):
    """A figure of the call is above a limit, told while it happens."""

    type: Literal["call"]
    measure: Measure = Field(
        description="rings of one agent's phone; wait_s from joining to the answer; talk_s since "
        "the answer; hold_s of one hold; holds, how many; held_total_s, all of them; transfers, "
        "0 or 1 because the agent's part ends with it; "
        "abandoned: the wait of a caller who gave up; last_word_s from the last word to the "
        "hang-up; hung_up: 1 at the hang-up of an answered call."
    )
    hangup_by: Literal["customer", "agent"] | None = Field(
        None, description="Only if this side hung up; told at the end."
    )
    above: float = Field(ge=0, description="The limit; a figure equal to it is still good.")
    ring_cycle_s: float = Field(
        5.0, gt=0, description="Seconds from ring to ring while it rings (China: 1 on, 4 off)."
    )


class CallOperator(Quiet):
    """Watches one figure of one call."""

    def __init__(self, rule: CallRule) -> None:
        self._rule = rule
        self._ringing: dict[str, float] = {}
        self._held_since: float | None = None
        self._transfers = 0
        self._holds = 0
        self._held_s = 0.0
        self._longest_hold_s = 0.0
        self._rings = 0

    def feed(self, state: CallState, event: Event, said: object) -> Iterable[Outcome]:
        """Follow the call's own events."""
        del said
        self._count(event)
        figure, what = self._figure(state, event)
        if isinstance(event, CallResumed | CallEnded):
            self._held_since = None
        if self._rule.hangup_by is not None and not _hung_up(event, self._rule.hangup_by):
            return
        if figure is not None:
            yield from self._compare(state, figure, what)

    def _count(self, event: Event) -> None:
        match event:
            case RingStarted():
                self._ringing[event.attempt_id] = event.at
            case RingEnded():
                self._ringing.pop(event.attempt_id, None)
                self._rings = max(self._rings, event.rings or 0)
            case CallHeld():
                self._held_since = event.at
                self._holds += 1
            case CallResumed():
                self._held_s += event.held_s
                self._longest_hold_s = max(self._longest_hold_s, event.held_s)
            case CallTransferred():
                # A transfer into a parking space is told again, with the space.
                if event.kind != "parked" or not self._transfers:
                    self._transfers += 1
            case CallConnected() | CallEnded():
                self._ringing.clear()
            case _:
                pass

    def _figure(self, state: CallState, event: Event) -> tuple[float | None, object]:
        """The figure that an event tells, and which of several it is."""
        figure: tuple[float | None, object] = None, ""
        match self._rule.measure, event:
            case "rings", RingEnded():
                figure = event.rings, event.attempt_id
            case "wait_s", CallConnected():
                figure = event.wait_s, ""
            case "hold_s", CallResumed():
                began = event.at - event.held_s if self._held_since is None else self._held_since
                figure = event.held_s, round(began)
            case "holds", CallHeld():
                figure = self._holds, ""
            case "held_total_s", CallResumed():
                figure = self._held_s, ""
            case "transfers", CallTransferred():
                figure = self._transfers, ""
            case _, CallEnded():
                figure = self._at_the_end(state, event.record), ""
            case _:
                pass
        return figure

    def _at_the_end(self, state: CallState, record: CallRecord) -> float | None:
        ends: dict[Measure, float | None] = {
            "wait_s": record.wait_s,
            "talk_s": record.talk_s,
            "held_total_s": record.hold_s,
        }
        if self._rule.hangup_by is not None:
            # Told at no other time: without a side they were told when they came up.
            ends |= self._counted(state)
        if record.outcome == "abandoned":
            ends["abandoned"] = record.wait_s
        if record.answered_at is not None:
            ends["hung_up"] = 1.0
            if state.speech and state.listened(ROLES, 0.0, 0.0):
                # In a gap a last word may have been said; it is not held against anybody.
                last = max(state.last_speech_s, state.unheard_until_s)
                ends["last_word_s"] = state.at(record.ended_at) - last
        return ends.get(self._rule.measure)

    def _counted(self, state: CallState) -> dict[Measure, float | None]:
        """What was counted until the hang-up, by which a hold ends that lasts until then."""
        last = 0.0 if self._held_since is None else state.now - self._held_since
        return {
            "rings": self._rings,
            "holds": self._holds,
            "hold_s": max(self._longest_hold_s, last),
            "transfers": self._transfers,
        }

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """Tell of a figure while it grows."""
        if state.ended is not None or self._rule.hangup_by is not None:
            return
        match self._rule.measure:
            case "rings":
                for attempt, since in self._ringing.items():
                    rings = math.floor(max(0.0, state.now - since) / self._rule.ring_cycle_s) + 1
                    yield from self._compare(state, rings, attempt)
            case "wait_s" if state.connected_at is None and state.joined_at is not None:
                yield from self._compare(state, state.now - state.joined_at)
            case "talk_s" if state.connected_at is not None and state.agent_left_s is None:
                yield from self._compare(state, state.clock)
            case "hold_s" if self._held_since is not None:
                held = state.now - self._held_since
                yield from self._compare(state, held, round(self._held_since))
            case "held_total_s" if self._held_since is not None:
                yield from self._compare(state, self._held_s + state.now - self._held_since)
            case _:
                pass

    def _compare(self, state: CallState, figure: float, what: object = "") -> Iterator[Finding]:
        rule = self._rule
        if figure <= rule.above:
            return
        yield Finding(
            # The same thing seen again, by tick and at its end, is no second finding.
            key=(rule.measure, what),
            role="call",
            phrase="",
            # A stretch of the conversation goes back from now; all else happens now.
            start=max(0.0, state.clock - figure) if rule.measure in _STRETCHES else state.clock,
            end=state.clock,
            evidence=Evidence(
                measured=round(figure, 2), limit=rule.above, unit=_UNITS[rule.measure]
            ),
        )


def _hung_up(event: Event, side: str) -> bool:
    return isinstance(event, CallEnded) and event.record.hangup_by == side
