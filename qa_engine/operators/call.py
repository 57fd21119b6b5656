"""`call`: a figure of the call itself passes a limit: rings, wait, talk, transfers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from backbone.events import Event
from qa_engine.events import Evidence
from qa_engine.operators.base import BaseRule, Finding, Outcome, Quiet
from telephony.events import (
    CallConnected,
    CallEnded,
    CallHeld,
    CallResumed,
    CallTransferred,
    RingEnded,
    RingStarted,
)

if TYPE_CHECKING:
    from qa_engine.state import CallState

Measure = Literal["rings", "wait_s", "talk_s", "hold_s", "transfers", "abandoned"]

_UNITS: dict[Measure, str] = {
    "rings": "rings",
    "wait_s": "s",
    "talk_s": "s",
    "hold_s": "s",
    "transfers": "transfers",
    "abandoned": "s",
}


class CallRule(BaseRule):
    """A figure of the call is above a limit, told while it happens."""

    type: Literal["call"]
    measure: Measure = Field(
        description="rings of one agent's phone; wait_s from joining to the answer; talk_s since "
        "the answer; hold_s of one hold; transfers; abandoned: the wait of a caller who gave up."
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

    def feed(self, state: CallState, event: Event, said: object) -> Iterable[Outcome]:
        """Follow the call's own events."""
        del said
        measure = self._rule.measure
        match event:
            case RingStarted():
                self._ringing[event.attempt_id] = event.at
            case RingEnded():
                self._ringing.pop(event.attempt_id, None)
                if measure == "rings" and event.rings is not None:
                    yield from self._compare(state, event.rings, event.attempt_id)
            case CallConnected():
                self._ringing.clear()
                if measure == "wait_s" and event.wait_s is not None:
                    yield from self._compare(state, event.wait_s)
            case CallHeld():
                self._held_since = event.at
            case CallResumed():
                since, self._held_since = self._held_since, None
                if measure == "hold_s":
                    began = event.at - event.held_s if since is None else since
                    yield from self._compare(state, event.held_s, round(began))
            case CallTransferred():
                self._transfers += 1
                if measure == "transfers":
                    yield from self._compare(state, self._transfers)
            case CallEnded():
                self._ringing.clear()
                self._held_since = None
                yield from self._ended(state, event)
            case _:
                pass

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """Tell of a figure while it grows."""
        if state.ended is not None:
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
            case _:
                pass

    def _ended(self, state: CallState, event: CallEnded) -> Iterator[Outcome]:
        record = event.record
        match self._rule.measure:
            case "wait_s" if record.wait_s is not None:
                yield from self._compare(state, record.wait_s)
            case "talk_s" if record.talk_s is not None:
                yield from self._compare(state, record.talk_s)
            case "abandoned" if record.outcome == "abandoned":
                yield from self._compare(state, record.wait_s or 0.0)
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
            start=0.0,
            end=state.clock,
            evidence=Evidence(
                measured=round(figure, 2), limit=rule.above, unit=_UNITS[rule.measure]
            ),
        )
