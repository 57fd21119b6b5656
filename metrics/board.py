"""Tallies by queue, team, agent and time, side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

import msgspec

from metrics.figures import Kpis, figures
from metrics.periods import LocalTimes
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
    """Where what is read is counted: in the total, and in a tally for each key of each dimension.

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
        self.total = Tally()
        self._teams = teams
        self._scope = scope
        self._times = LocalTimes(zone)
        self._by: dict[Dimension, dict[str, Tally]] = {dimension: {} for dimension in by}
        self._teams_of: dict[tuple[str, str], list[str]] = {}

    def tallies(self, queue: str, agent: str, at: float) -> list[Tally]:
        """Where something is to be counted; an empty queue or agent has no row of its own."""
        if self._scope is not None and not self._scope.includes(queue, agent):
            return []
        found = [self.total]
        labels = self._times.labels(at)
        for dimension, tallies in self._by.items():
            if dimension in _TIMES:
                found.append(_tally(tallies, getattr(labels, dimension)))
            elif dimension == "team":
                found.extend(_tally(tallies, team) for team in self._teams_for(queue, agent))
            else:
                key = queue if dimension == "queue" else agent
                if key:
                    found.append(_tally(tallies, key))
        return found

    def rows(self) -> dict[Dimension, tuple[Row, ...]]:
        """The KPIs by dimension, sorted by key."""
        return {
            dimension: tuple(
                Row(key=key, kpis=figures(tally, of_agent=dimension == "agent"))
                for key, tally in sorted(tallies.items())
            )
            for dimension, tallies in self._by.items()
        }

    def _teams_for(self, queue: str, agent: str) -> list[str]:
        names = self._teams_of.get((queue, agent))
        if names is None:
            names = self._teams_of[queue, agent] = [
                name
                for name, team in self._teams.items()
                if queue in team.queues or agent in team.agents
            ]
        return names


def _tally(tallies: dict[str, Tally], key: str) -> Tally:
    tally = tallies.get(key)
    if tally is None:
        tally = tallies[key] = Tally()
    return tally
