"""The floor now: agents and queues, with what the day has brought so far."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from agent_console.live.state import LiveState
from agent_console.scope import Scope
from agent_console.teams import Team
from backbone.clock import Clock
from metrics.figures import Kpis
from metrics.history import KpiReport, read_kpis
from metrics.periods import period_of, today
from metrics.settings import MetricsSettings
from telephony.events import AgentPhase, AgentState, QueueState

_FRESH_S = 10.0


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent: `since` and `wrap_up_until` in epoch seconds, `occupancy` 0..1 of today.

    `missed_rings` are those in a row, since the last answer; `missed_today` of the day.
    """

    system: str
    agent: str
    name: str
    teams: tuple[str, ...]
    state: AgentPhase
    since: float
    reason: str
    queues: tuple[str, ...]
    paused_in: tuple[str, ...]
    call_id: str
    missed_rings: int
    missed_today: int
    wrap_up_until: float | None
    handled: int
    occupancy: float | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller in a queue since epoch seconds; position 1 is next. Agents see no `call_id`."""

    position: int
    since: float
    call_id: str


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue now; `answered`, `offered`, `service_level` and what follows are of today."""

    system: str
    queue: str
    waiting: tuple[Waiting, ...]
    longest_wait_s: float | None
    members: int
    members_free: int
    members_paused: int
    offered: int
    answered: int
    abandoned: int
    answer_rate: float | None
    service_level: float | None
    average_speed_of_answer_s: float | None


class Today:
    """The day's figures by queue and agent, read anew at most every ten seconds."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        settings: MetricsSettings,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._settings = settings
        self._monotonic = monotonic
        self._read_at = float("-inf")
        self._queues: dict[str, Kpis] = {}
        self._agents: dict[str, Kpis] = {}
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Read, unless what is known is fresh. Many who ask at once cause one reading."""
        async with self._lock:
            if self._monotonic() - self._read_at < _FRESH_S:
                return
            report = await asyncio.to_thread(self._read)
            self._queues = {row.key: row.kpis for row in report.by["queue"]}
            self._agents = {row.key: row.kpis for row in report.by["agent"]}
            self._read_at = self._monotonic()

    def queue(self, name: str) -> Kpis | None:
        """A queue's figures; None when nothing happened in it."""
        return self._queues.get(name)

    def agent(self, name: str) -> Kpis | None:
        """An agent's figures; None when there are none."""
        return self._agents.get(name)

    def _read(self) -> KpiReport:
        now = self._clock.time()
        zone = self._settings.zone
        with self._engine.connect() as connection:
            return read_kpis(
                connection,
                period_of("day", today(now, zone), zone),
                self._settings,
                now=now,
                by=("queue", "agent"),
                speech=False,
            )


def agent_rows(state: LiveState, scope: Scope, teams: Sequence[Team], day: Today) -> list[AgentRow]:
    """The agents that may be seen: of the scope, or at work in one of its queues."""
    return [
        _agent_row(event, teams, day)
        for event in sorted(state.agents.values(), key=lambda agent: (agent.name, agent.agent))
        if scope.sees("", {event.agent}) or not scope.queues.isdisjoint(event.queues)
    ]


def queue_rows(
    state: LiveState, scope: Scope, day: Today, now: float, *, anonymous: bool
) -> list[QueueRow]:
    """The queues that may be seen; of an agent those the agent works in.

    Args:
        state: of the floor.
        scope: of who asks.
        day: today's figures.
        now: epoch seconds.
        anonymous: leave out which calls wait, and take the queues of the scope's agents.
    """
    mine = {
        queue
        for agent in state.agents.values()
        if anonymous and agent.agent in scope.agents
        for queue in agent.queues
    }
    return [
        _queue_row(event, day, now, anonymous=anonymous)
        for event in sorted(state.queues.values(), key=lambda queue: queue.queue)
        if scope.sees(event.queue, ()) or event.queue in mine
    ]


def _agent_row(event: AgentState, teams: Sequence[Team], day: Today) -> AgentRow:
    figures = day.agent(event.agent)
    return AgentRow(
        system=event.system,
        agent=event.agent,
        name=event.name,
        teams=tuple(team.team for team in teams if event.agent in team.agents),
        state=event.state,
        since=event.since,
        reason=event.reason,
        queues=event.queues,
        paused_in=event.paused_in,
        call_id=event.call_id,
        missed_rings=event.missed_in_a_row,
        missed_today=figures.missed_rings if figures else 0,
        wrap_up_until=event.wrap_up_until,
        handled=figures.handled if figures else 0,
        occupancy=figures.occupancy if figures else None,
    )


def _queue_row(event: QueueState, day: Today, now: float, *, anonymous: bool) -> QueueRow:
    figures = day.queue(event.queue)
    longest = None if event.longest_since is None else max(0.0, now - event.longest_since)
    return QueueRow(
        system=event.system,
        queue=event.queue,
        waiting=tuple(
            Waiting(caller.position, caller.since, "" if anonymous else caller.call_id)
            for caller in event.waiting
        ),
        longest_wait_s=longest,
        members=event.members,
        members_free=event.available,
        members_paused=event.paused,
        offered=figures.offered if figures else 0,
        answered=figures.answered if figures else 0,
        abandoned=figures.abandoned if figures else 0,
        answer_rate=figures.answer_rate if figures else None,
        service_level=figures.service_level if figures else None,
        average_speed_of_answer_s=figures.average_speed_of_answer_s if figures else None,
    )
