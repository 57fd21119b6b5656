"""Sums over visits and what belongs to them, from which the KPIs of `metrics.kpi` are taken.

A tally is fed one visit at a time, so a month is never in memory; what belongs to visits (rings,
ratings, alerts …) the database adds up under the names of these sums. Who feeds it sees to it that
a visit comes once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from metrics.kpi import is_short_abandon
from telephony.events import Outcome

SUM_OF_STATE: dict[str, str] = {
    "talking": "talk_state_s",
    "on_hold": "hold_state_s",
    "wrap_up": "wrap_state_s",
    "available": "idle_s",
    "ringing": "idle_s",
    "paused": "paused_s",
}
"""Which sum a state's time adds to; time logged out or unreachable adds to none."""


class Visit(NamedTuple):
    """One decided queue visit: over, or answered and still talking (`talk_s` unknown then).

    `at` is its joining in epoch seconds, `channel` the caller's channel (a caller transferred back
    into a queue is a second visit on the same channel), `first` whether it is the channel's first.
    Durations in seconds, None when unknown.
    """

    call_id: str
    queue: str
    agent: str
    caller: str
    channel: str
    first: bool
    at: float
    outcome: Outcome
    wait_s: float | None
    rings: int | None
    talk_s: float | None
    hold_s: float
    wrap_up_s: float | None
    transferred: bool


@dataclass(frozen=True, slots=True)
class Conventions:
    """What a site counts by: T of the service level in seconds, the ring limit, short abandons."""

    service_level_s: float = 15.0
    ring_limit: int = 3
    short_abandon_s: float = 0.0


@dataclass(slots=True)
class Tally:
    """The sums.

    Attributes:
        calls: visits that are their caller's first on that channel: calls, each counted once
            however often it was transferred back into a queue.
        joined: visits that entered a queue; `outcomes` are those by outcome.
        short_abandons: abandons that waited less than the threshold.
        refused: callers whom a full or empty queue did not take in.
        wait_known: answered visits whose wait is known; `wait_sum_s` adds up those.
        longest_wait_s: of all answered and abandoned visits.
        answered_within, abandoned_within: with a wait of at most T (short abandons too).
        ring_known, ring_within: answered visits whose rings are known, and within the limit.
        handled: answered visits whose talk time is known; `talk_sum_s` and `hold_sum_s` add up
            those, talk containing hold. `wrapped` of them have a known wrap-up.
        rings_answered, rings_missed: agents' phones that rang and were or were not answered.
        *_state_s, idle_s, paused_s: agents' time, see `SUM_OF_STATE`.
        judged*, returned*: see `metrics.first_contact`; matured are those older than the window.
        known, repeats: visits with a number, and those whose caller had called before.
        unanswered_known, called_back: unanswered visits with a number, and those called back.
        coded, resolved: calls whose agent said whether they were resolved, and those that were.
        likes, rated, satisfied, rating_sum: presses of the key for liking; ratings on the scale
            of five, those of 4 and 5, and their sum.
        acknowledge_sum_s: from raising to acknowledging, over the acknowledged alerts.
        legs_closed, legs_complete: audio legs that ended, and those that lack nothing.
        segments, unintelligible, confidence_sum: finals; the confidence is of those understood.
    """

    calls: int = 0
    joined: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    short_abandons: int = 0
    refused: int = 0
    wait_known: int = 0
    wait_sum_s: float = 0.0
    longest_wait_s: float = 0.0
    answered_within: int = 0
    abandoned_within: int = 0
    ring_known: int = 0
    ring_within: int = 0
    handled: int = 0
    talk_sum_s: float = 0.0
    hold_sum_s: float = 0.0
    wrapped: int = 0
    wrap_sum_s: float = 0.0
    transferred: int = 0
    rings_answered: int = 0
    rings_missed: int = 0
    talk_state_s: float = 0.0
    hold_state_s: float = 0.0
    wrap_state_s: float = 0.0
    idle_s: float = 0.0
    paused_s: float = 0.0
    known: int = 0
    repeats: int = 0
    judged: int = 0
    returned: int = 0
    judged_matured: int = 0
    returned_matured: int = 0
    coded: int = 0
    resolved: int = 0
    unanswered_known: int = 0
    called_back: int = 0
    likes: int = 0
    rated: int = 0
    satisfied: int = 0
    rating_sum: float = 0.0
    alerts: int = 0
    red_lines: int = 0
    acknowledged: int = 0
    acknowledge_sum_s: float = 0.0
    script_required: int = 0
    script_done: int = 0
    legs_closed: int = 0
    legs_complete: int = 0
    segments: int = 0
    unintelligible: int = 0
    confidence_sum: float = 0.0

    @property
    def answered(self) -> int:
        """Visits that an agent took."""
        return self.outcomes.get("answered", 0)

    @property
    def abandoned(self) -> int:
        """Visits whose caller hung up while waiting, short ones included."""
        return self.outcomes.get("abandoned", 0)

    def merge(self, other: Tally) -> None:
        """Add another tally's sums."""
        self.add({name: getattr(other, name) for name in _SUMS})
        self.longest_wait_s = max(self.longest_wait_s, other.longest_wait_s)
        for outcome, number in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + number

    def add_visit(self, visit: Visit, conventions: Conventions) -> None:
        """Count a visit."""
        self.calls += visit.first
        self.joined += 1
        self.outcomes[visit.outcome] = self.outcomes.get(visit.outcome, 0) + 1
        wait_s = visit.wait_s
        if visit.outcome == "answered":
            if wait_s is not None:
                self.wait_known += 1
                self.wait_sum_s += wait_s
                self.longest_wait_s = max(self.longest_wait_s, wait_s)
                self.answered_within += wait_s <= conventions.service_level_s
            self._add_answer(visit, conventions)
        elif visit.outcome == "abandoned" and wait_s is not None:
            self.longest_wait_s = max(self.longest_wait_s, wait_s)
            self.abandoned_within += wait_s <= conventions.service_level_s
            self.short_abandons += is_short_abandon(
                visit.outcome, wait_s, conventions.short_abandon_s
            )

    def _add_answer(self, visit: Visit, conventions: Conventions) -> None:
        self.transferred += visit.transferred
        if visit.rings is not None:
            self.ring_known += 1
            self.ring_within += visit.rings <= conventions.ring_limit
        if visit.talk_s is not None:
            self.handled += 1
            self.talk_sum_s += visit.talk_s
            self.hold_sum_s += visit.hold_s
            if visit.wrap_up_s is not None:
                self.wrapped += 1
                self.wrap_sum_s += visit.wrap_up_s

    def add_known(
        self, visit: Visit, *, repeat: bool, returned: bool, matured: bool, called_back: bool
    ) -> None:
        """Count what knowing the caller's number tells of a visit."""
        self.known += 1
        self.repeats += repeat
        if visit.outcome != "answered":
            self.unanswered_known += 1
            self.called_back += called_back
            return
        self.judged += 1
        self.returned += returned
        if matured:
            self.judged_matured += 1
            self.returned_matured += returned

    def add(self, sums: Mapping[str, float]) -> None:
        """Add to the sums of these names."""
        for name, value in sums.items():
            setattr(self, name, getattr(self, name) + value)


_SUMS = tuple(
    each.name for each in fields(Tally) if each.name not in {"outcomes", "longest_wait_s"}
)
