"""Made-up history: weeks of a hospital hotline's calls, written straight to the store.

For measuring and for trying reports; nothing in it is anybody's. A day is played as a queue:
callers come by the hour's usual share, the agent who has been free longest takes the next one, and
who waits beyond their patience gives up. The same seed gives the same history.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select

from backbone.store.schema import agent_states, calls, direct_calls, journal, ring_attempts
from metrics.periods import midnight
from metrics.synthetic_rows import Rows
from metrics.synthetic_talks import Talk, Talks

SYSTEM = "history"
QUEUES = ("appointment", "consultation", "complaint", "insurance", "report", "follow-up")
_QUEUE_SHARES = (38, 27, 6, 10, 12, 7)
_HOURS = (1, 1, 0, 0, 0, 1, 4, 22, 60, 78, 74, 52, 30, 42, 62, 60, 48, 32, 18, 14, 10, 7, 4, 2)
"""Callers by the local hour, relative: two peaks, and little at night."""
_WEEKDAYS = (1.25, 1.1, 1.0, 1.0, 0.98, 0.72, 0.55)
_CALLS_AN_AGENT_A_DAY = 105.0
_OFFICE = (7.5 * 3600, 18.5 * 3600)
"""The day shift, in seconds after midnight."""

# Shares of calls; what is said of a hotline, roughly.
_ON_DAY_SHIFT = 0.85
_WITHHELD = 0.02
_CALLED_LATELY = 0.11
_REMEMBERED = 3000
_MISSED_RING = 0.03
_HELD = 0.12
_TIMED_OUT = 0.1
_CALLED_BACK = 0.8


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """What to make: `calls` spread over `days` local days from `first`."""

    calls: int
    first: date
    days: int
    zone: ZoneInfo
    seed: int = 20261101

    @property
    def agents(self) -> int:
        """Seats on a day, enough for a service that is good but not perfect."""
        return max(3, round(self.calls / self.days / _CALLS_AN_AGENT_A_DAY))


def write_history(engine: Engine, plan: HistoryPlan) -> int:
    """Write a history into a store, beside what is there.

    Returns:
        How many calls were written.
    """
    with engine.begin() as connection:
        seq = connection.scalar(select(func.max(journal.c.seq))) or 0
        last_state = connection.scalar(select(func.max(agent_states.c.seq))) or 0
    maker = _Maker(plan, max(seq, last_state))
    written = 0
    for number in range(plan.days):
        with engine.begin() as connection:
            rows = Rows(connection)
            written += maker.day(plan.first + timedelta(days=number), rows)
            rows.flush()
    return written


@dataclass(frozen=True, slots=True)
class _Caller:
    """One call before it is known how it goes."""

    call_id: str
    at: float
    queue: str
    number: str


class _Seat(NamedTuple):
    """An agent on shift; the one who has been free longest sorts first."""

    free_at: float
    agent: str
    until: float


class _Ring(NamedTuple):
    agent: str
    ended_at: float
    ring_s: float
    result: str


class _Maker:
    def __init__(self, plan: HistoryPlan, seq: int) -> None:
        self._plan = plan
        self._chance = random.Random(plan.seed)  # noqa: S311 - made-up calls, no secrets
        self._seq = itertools.count(seq + 1)
        self._talks = Talks(self._chance, self._seq)
        self._number = 0
        weights = [
            _WEEKDAYS[(plan.first + timedelta(days=day)).weekday()] for day in range(plan.days)
        ]
        self._per_weight = plan.calls / sum(weights)
        self._owed = 0.0
        self._recent: list[str] = []

    def day(self, on: date, rows: Rows) -> int:
        """Play one day.

        Returns:
            How many callers came.
        """
        start = midnight(on, self._plan.zone)
        self._owed += self._per_weight * _WEEKDAYS[on.weekday()]
        count = round(self._owed)
        self._owed -= count
        free: list[_Seat] = []
        day_shift = round(self._plan.agents * _ON_DAY_SHIFT)
        for number in range(self._plan.agents):
            agent = f"PJSIP/{1001 + number}"
            begins, ends = _OFFICE if number < day_shift else (0.0, 86_000.0)
            begins += start + self._chance.uniform(0, 600)
            self._state(rows, agent, begins, "available")
            free.append(_Seat(begins, agent, start + ends))
        heapq.heapify(free)
        for caller in self._callers(start, count):
            while len(free) > 1 and max(free[0].free_at, caller.at) > free[0].until:
                self._go_home(heapq.heappop(free), rows)
            self._call(caller, free, rows)
        for seat in free:
            self._go_home(seat, rows)
        return count

    def _go_home(self, seat: _Seat, rows: Rows) -> None:
        self._state(rows, seat.agent, max(seat.free_at, seat.until), "logged_out")

    def _callers(self, start: float, count: int) -> Iterator[_Caller]:
        hours = self._chance.choices(range(24), _HOURS, k=count)
        arrivals = sorted(start + (hour + self._chance.random()) * 3600 for hour in hours)
        queues = self._chance.choices(QUEUES, _QUEUE_SHARES, k=count)
        for at, queue in zip(arrivals, queues, strict=True):
            self._number += 1
            yield _Caller(f"history-{at:.0f}-{self._number}", at, queue, self._caller_number())

    def _caller_number(self) -> str:
        """One in nine has called lately; some hide their number."""
        fate = self._chance.random()
        if fate < _WITHHELD:
            return "anonymous"
        if fate < _WITHHELD + _CALLED_LATELY and self._recent:
            return self._chance.choice(self._recent)
        number = f"1990{self._chance.randrange(10_000_000):07}"
        if len(self._recent) < _REMEMBERED:
            self._recent.append(number)
        else:
            self._recent[self._chance.randrange(_REMEMBERED)] = number
        return number

    def _call(self, caller: _Caller, free: list[_Seat], rows: Rows) -> None:
        chance = self._chance
        patience = chance.expovariate(1 / 180.0) + 2.0
        free_at, agent, until = free[0]
        ring_s = min(28.0, 2.0 + chance.expovariate(1 / 4.5))
        wait_s = max(0.0, free_at - caller.at) + ring_s + 0.2
        if wait_s > patience:
            self._gave_up(caller, patience, rows)
            return
        missed = chance.random() < _MISSED_RING
        if missed:  # the phone rang in vain, and the next agent took the call
            self._ring(rows, caller, _Ring(agent, caller.at + 15.0, 15.0, "no_answer"))
            heapq.heapreplace(free, _Seat(max(free_at, caller.at) + 16.0, agent, until))
            free_at, agent, until = free[0]
            wait_s = max(15.2, free_at - caller.at) + ring_s
        talk_s = 20.0 + chance.lognormvariate(4.75, 0.6)
        wrap_s = chance.uniform(5.0, 40.0)
        answered_at = caller.at + wait_s
        ended_at = answered_at + talk_s
        self._ring(rows, caller, _Ring(agent, answered_at, ring_s, "answered"))
        self._state(rows, agent, answered_at - ring_s, "ringing")
        self._state(rows, agent, answered_at, "talking")
        self._state(rows, agent, ended_at, "wrap_up")
        self._state(rows, agent, ended_at + wrap_s, "available")
        heapq.heapreplace(free, _Seat(ended_at + wrap_s, agent, until))
        rows.add(
            calls,
            **self._common(caller),
            agent=agent,
            outcome="answered",
            answered_at=answered_at,
            ended_at=ended_at,
            wait_s=wait_s,
            ring_s=ring_s,
            rings=int(ring_s // 5) + 1,
            talk_s=talk_s,
            hold_s=talk_s * 0.2 if chance.random() < _HELD else 0.0,
            transfers=0,
            hangup_by=chance.choices(("customer", "agent", "transfer"), (70, 26, 4))[0],
            wrap_up_s=wrap_s,
            complete=True,
        )
        talk = Talk(caller.call_id, caller.queue, agent, answered_at, ended_at)
        self._talks.add(talk, rows)

    def _gave_up(self, caller: _Caller, patience: float, rows: Rows) -> None:
        left_at = caller.at + patience
        rows.add(
            calls,
            **self._common(caller),
            agent="",
            outcome="timeout" if self._chance.random() < _TIMED_OUT else "abandoned",
            answered_at=None,
            ended_at=left_at,
            wait_s=patience,
            ring_s=None,
            rings=None,
            talk_s=None,
            hold_s=0.0,
            transfers=0,
            hangup_by="customer",
            wrap_up_s=None,
            complete=True,
        )
        if caller.number != "anonymous" and self._chance.random() < _CALLED_BACK:
            dialled_at = left_at + self._chance.uniform(600, 7200)
            rows.add(
                direct_calls,
                call_id=f"{caller.call_id}-back",
                system=SYSTEM,
                uniqueid=f"{caller.call_id}-back",
                direction="outbound",
                agent=f"PJSIP/{1001 + self._chance.randrange(self._plan.agents)}",
                number=f"9{caller.number}",
                started_at=dialled_at,
                answered_at=dialled_at + 8.0,
                ended_at=dialled_at + 90.0,
                ring_s=8.0,
                talk_s=82.0,
                outcome="answered",
                complete=True,
            )

    def _common(self, caller: _Caller) -> dict[str, Any]:
        return {
            "call_id": caller.call_id,
            "system": SYSTEM,
            "uniqueid": caller.call_id,
            "visit": 1,
            "queue": caller.queue,
            "caller": caller.number,
            "joined_at": caller.at,
        }

    def _ring(self, rows: Rows, caller: _Caller, ring: _Ring) -> None:
        rows.add(
            ring_attempts,
            call_id=caller.call_id,
            attempt_id=f"{caller.call_id}-{ring.agent}-{ring.result}",
            queue=caller.queue,
            agent=ring.agent,
            ended_at=ring.ended_at,
            ring_s=ring.ring_s,
            rings=int(ring.ring_s // 5) + 1,
            result=ring.result,
        )

    def _state(self, rows: Rows, agent: str, at: float, state: str) -> None:
        rows.add(agent_states, seq=next(self._seq), system=SYSTEM, agent=agent, at=at, state=state)
