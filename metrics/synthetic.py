"""Made-up history: weeks of a hospital hotline's calls, written straight to the store.

For measuring and for trying reports; nothing in it is anybody's. A day is played as a queue:
callers come by the hour's usual share, the agent who has been free longest takes the next one, and
who waits beyond their patience gives up. The same seed gives the same history.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Engine, Table, func, insert, select

from backbone.events import encode, kind_of
from backbone.store.schema import (
    agent_states,
    alerts,
    calls,
    direct_calls,
    journal,
    legs,
    ratings,
    ring_attempts,
)
from backbone.store.tables.guidance import call_scripts, call_topics
from metrics.periods import midnight
from qa_engine.events import Alert, Evidence

SYSTEM = "history"
QUEUES = ("appointment", "consultation", "complaint", "insurance", "report", "follow-up")
_QUEUE_SHARES = (38, 27, 6, 10, 12, 7)
_HOURS = (1, 1, 0, 0, 0, 1, 4, 22, 60, 78, 74, 52, 30, 42, 62, 60, 48, 32, 18, 14, 10, 7, 4, 2)
"""Callers by the local hour, relative: two peaks, and little at night."""
_WEEKDAYS = (1.25, 1.1, 1.0, 1.0, 0.98, 0.72, 0.55)
TOPICS = (
    ("appointment", "预约挂号", "Appointment", 34),
    ("report", "报告查询", "Test report", 17),
    ("insurance", "医保报销", "Insurance", 13),
    ("department", "科室咨询", "Departments", 12),
    ("fee", "费用咨询", "Fees", 9),
    ("admission", "住院办理", "Admission", 7),
    ("complaint_service", "服务投诉", "Complaint about service", 4),
    ("complaint_wait", "等候投诉", "Complaint about waiting", 4),
)
_KINDS = (
    ("dead_air", "medium", "agent", "长时间静默", "Dead air", 34),
    ("interruption", "medium", "agent", "打断客户", "Interruption", 26),
    ("missing_closing", "low", "agent", "缺少结束语", "Missing closing", 18),
    ("customer_complaint", "high", "customer", "客户投诉", "Complaint", 12),
    ("taboo_phrase", "high", "agent", "服务禁语", "Taboo phrase", 7),
    ("red_line", "critical", "agent", "红线", "Red line", 1),
)
_CALLS_AN_AGENT_A_DAY = 105.0
_BATCH = 20_000
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
_WHOLE_LEG = 0.995
_STEP_MISSED = 0.2
_ALERTED = 0.15
_RATED = 0.3
_ACKNOWLEDGED = 0.93


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
            sink = _Sink(connection)
            written += maker.day(plan.first + timedelta(days=number), sink)
            sink.flush()
    return written


class _Sink:
    """Rows on their way into the tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[Table, list[Mapping[str, Any]]] = {}

    def add(self, table: Table, **values: Any) -> None:
        rows = self._rows.setdefault(table, [])
        rows.append(values)
        if len(rows) >= _BATCH:
            self._write(table)

    def flush(self) -> None:
        for table in list(self._rows):
            self._write(table)

    def _write(self, table: Table) -> None:
        rows = self._rows.pop(table)
        self._connection.execute(insert(table), rows)


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
        self._seq = seq
        self._number = 0
        weights = [
            _WEEKDAYS[(plan.first + timedelta(days=day)).weekday()] for day in range(plan.days)
        ]
        self._per_weight = plan.calls / sum(weights)
        self._owed = 0.0
        self._recent: list[str] = []

    def day(self, on: date, sink: _Sink) -> int:
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
            self._state(sink, agent, begins, "available")
            free.append(_Seat(begins, agent, start + ends))
        heapq.heapify(free)
        for caller in self._callers(start, count):
            while len(free) > 1 and max(free[0].free_at, caller.at) > free[0].until:
                self._go_home(heapq.heappop(free), sink)
            self._call(caller, free, sink)
        for seat in free:
            self._go_home(seat, sink)
        return count

    def _go_home(self, seat: _Seat, sink: _Sink) -> None:
        self._state(sink, seat.agent, max(seat.free_at, seat.until), "logged_out")

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

    def _call(self, caller: _Caller, free: list[_Seat], sink: _Sink) -> None:
        chance = self._chance
        patience = chance.expovariate(1 / 180.0) + 2.0
        free_at, agent, until = free[0]
        ring_s = min(28.0, 2.0 + chance.expovariate(1 / 4.5))
        wait_s = max(0.0, free_at - caller.at) + ring_s + 0.2
        if wait_s > patience:
            self._gave_up(caller, patience, sink)
            return
        missed = chance.random() < _MISSED_RING
        if missed:  # the phone rang in vain, and the next agent took the call
            self._ring(sink, caller, _Ring(agent, caller.at + 15.0, 15.0, "no_answer"))
            heapq.heapreplace(free, _Seat(max(free_at, caller.at) + 16.0, agent, until))
            free_at, agent, until = free[0]
            wait_s = max(15.2, free_at - caller.at) + ring_s
        talk_s = 20.0 + chance.lognormvariate(4.75, 0.6)
        wrap_s = chance.uniform(5.0, 40.0)
        answered_at = caller.at + wait_s
        ended_at = answered_at + talk_s
        self._ring(sink, caller, _Ring(agent, answered_at, ring_s, "answered"))
        self._state(sink, agent, answered_at - ring_s, "ringing")
        self._state(sink, agent, answered_at, "talking")
        self._state(sink, agent, ended_at, "wrap_up")
        self._state(sink, agent, ended_at + wrap_s, "available")
        heapq.heapreplace(free, _Seat(ended_at + wrap_s, agent, until))
        sink.add(
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
        self._conversation(caller, agent, answered_at, ended_at, sink)

    def _gave_up(self, caller: _Caller, patience: float, sink: _Sink) -> None:
        left_at = caller.at + patience
        sink.add(
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
            sink.add(
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

    def _conversation(
        self, caller: _Caller, agent: str, answered_at: float, ended_at: float, sink: _Sink
    ) -> None:
        """What was heard in a call: legs, topic, script, alerts, rating."""
        chance = self._chance
        for role in ("agent", "customer"):
            whole = chance.random() < _WHOLE_LEG
            sink.add(
                legs,
                leg_id=f"{caller.call_id}-{role}",
                call_id=caller.call_id,
                role=role,
                rate=8000,
                opened_at=answered_at,
                offset_s=0.0,
                closed_at=ended_at,
                samples=int(8000 * (ended_at - answered_at)),
                complete=whole,
                reason="" if whole else "media_server_stopped",
            )
        topic, title, title_en, _ = chance.choices(TOPICS, [each[-1] for each in TOPICS])[0]
        sink.add(
            call_topics,
            call_id=caller.call_id,
            topic=topic,
            title=title,
            title_en=title_en,
            confidence=chance.uniform(0.6, 1.0),
            stable=True,
            at=answered_at + 20.0,
        )
        sink.add(
            call_scripts,
            call_id=caller.call_id,
            script=topic,
            topic=topic,
            required=5,
            done=5 - (chance.random() < _STEP_MISSED),
            steps="[]",
            at=ended_at,
        )
        if chance.random() < _ALERTED:
            self._alert(caller, agent, chance.uniform(answered_at, ended_at), answered_at, sink)
        if chance.random() < _RATED:
            sink.add(
                ratings,
                call_id=caller.call_id,
                queue=caller.queue,
                agent=agent,
                scale="five",
                value=chance.choices((5, 4, 3, 2, 1), (72, 21, 4, 2, 1))[0],
                at=ended_at + 6.0,
            )

    def _alert(
        self, caller: _Caller, agent: str, at: float, answered_at: float, sink: _Sink
    ) -> None:
        chance = self._chance
        kind, severity, role, title, title_en, _ = chance.choices(
            _KINDS, [each[-1] for each in _KINDS]
        )[0]
        self._seq += 1
        alert = Alert(
            at=at,
            alert_id=f"{caller.call_id}-alert",
            call_id=caller.call_id,
            queue=caller.queue,
            agent=agent,
            rule=f"{kind}_history",
            kind=kind,
            severity=severity,  # type: ignore[arg-type]  # mypy sees the table's column as str
            role=role,  # type: ignore[arg-type]  # the same
            title=title,
            title_en=title_en,
            phrase="",
            start=at - answered_at,
            end=at - answered_at + 2.0,
            suspected=False,
            evidence=Evidence(),
        )
        sink.add(
            journal,
            seq=self._seq,
            kind=kind_of(Alert),
            call_id=caller.call_id,
            at=at,
            payload=encode(alert),
        )
        columns = {name: getattr(alert, name) for name in _ALERT_COLUMNS}
        seen = chance.random() < _ACKNOWLEDGED
        sink.add(
            alerts,
            **columns,
            seq=self._seq,
            evidence=msgspec.json.encode(alert.evidence).decode(),
            state="acknowledged" if seen else "open",
            acknowledged_by="lead" if seen else None,
            acknowledged_at=at + chance.expovariate(1 / 25.0) if seen else None,
        )

    def _ring(self, sink: _Sink, caller: _Caller, ring: _Ring) -> None:
        sink.add(
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

    def _state(self, sink: _Sink, agent: str, at: float, state: str) -> None:
        self._seq += 1
        sink.add(agent_states, seq=self._seq, system=SYSTEM, agent=agent, at=at, state=state)


_ALERT_COLUMNS = tuple(
    name for name in Alert.__struct_fields__ if name in alerts.c and name != "evidence"
)
