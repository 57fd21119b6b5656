"""Tallies by queue, team, agent and time, side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

import msgspec

from metrics.figures import Kpis, figures
from metrics.periods import QUARTER_S, LocalTimes
from metrics.tally import Tally

TimeDimension = Literal["hour", "hour_of_day", "weekday", "day", "week", "month"]
Dimension = Literal["queue", "team", "agent", TimeDimension]

_TIMES: frozenset[str] = frozenset(get_args(TimeDimension))


class Team(NamedTuple):
    """A team by its queues and its agents' interfaces; a visit to either is the team's."""

    queues: frozenset[str]
    agents: frozenset[str]


class Scope(NamedTuple):
    """Whose numbers are read: a queue or an agent among these; None for all."""

    queues: Collection[str] = ()
    agents: Collection[str] = ()

    def includes(self, queue: str, agent: str) -> bool:
        """Whether something of this queue and this agent (empty: of none) belongs."""
        return queue in self.queues or agent in self.agents


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The KPIs of one queue, team, agent or time."""

    key: str
    kpis: Kpis


class Board:
    """Where what is read is counted, and the KPIs by every dimension made of it.

    Every dimension goes either by queue and agent or by time, so a thing is counted twice only,
    in its queue and agent's tally and in its quarter of an hour's; the dimensions are added up
    from these at the end.

    Args:
        by: the dimensions.
        zone: whose hours and days they are.
        teams: by name; needed for the dimension team.
        scope: what is counted at all.
    """

    def __init__(
        self,
        by: Sequence[Dimension],
        zone: ZoneInfo,
        teams: Mapping[str, Team],
        scope: Scope | None,
    ) -> None:
        self._by = by
        self._teams = teams
        self.scope = scope
        self._times = LocalTimes(zone)
        self.by_time = not _TIMES.isdisjoint(by)
        """Whether there is a dimension of time, and so quarters."""
        self._places: dict[tuple[str, str], Tally] = {}
        self._quarters: dict[int, Tally] = {}

    def includes(self, queue: str, agent: str) -> bool:
        """Whether something of this queue and agent (empty where there is none) is counted."""
        return self.scope is None or self.scope.includes(queue, agent)

    def place(self, queue: str, agent: str) -> Tally:
        """The tally of a queue and agent; empty where there is none."""
        tally = self._places.get((queue, agent))
        if tally is None:
            tally = self._places[queue, agent] = Tally()
        return tally

    def quarter(self, number: int) -> Tally:
        """The tally of a quarter of an hour, by how many there were since the epoch."""
        tally = self._quarters.get(number)
        if tally is None:
            tally = self._quarters[number] = Tally()
        return tally

    def tallies(self, queue: str, agent: str, at: float) -> tuple[Tally, ...]:
        """Where something is to be counted."""
        if not self.includes(queue, agent):
            return ()
        place = self.place(queue, agent)
        return (place, self.quarter(int(at // QUARTER_S))) if self.by_time else (place,)

    def total(self) -> Kpis:
        """The KPIs of all that was counted."""
        total = Tally()
        for tally in self._places.values():
            total.merge(tally)
        return figures(total)

    def rows(self, dimension: Dimension) -> tuple[Row, ...]:
        """The KPIs by one dimension, sorted by key; what has no queue or agent is in no row."""
        tallies: dict[str, Tally] = {}
        for key, part in self._parts(dimension):
            if key:
                tallies.setdefault(key, Tally()).merge(part)
        return tuple(
            Row(key=key, kpis=figures(tally, of_agent=dimension == "agent"))
            for key, tally in sorted(tallies.items())
        )

    def _parts(self, dimension: Dimension) -> Iterator[tuple[str, Tally]]:
        if dimension in _TIMES:
            for quarter, tally in self._quarters.items():
                yield getattr(self._times.labels(quarter * QUARTER_S), dimension), tally
            return
        for (queue, agent), tally in self._places.items():
            if dimension == "queue":
                yield queue, tally
            elif dimension == "agent":
                yield agent, tally
            else:
                for name, team in self._teams.items():
                    if queue in team.queues or agent in team.agents:
                        yield name, tally
