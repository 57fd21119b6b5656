"""Agents' time by state, from which occupancy is taken."""

from __future__ import annotations

from collections import defaultdict

from metrics.board import Board
from metrics.periods import QUARTER_S
from metrics.tally import SUM_OF_STATE


class StateTimes:
    """Adds up time by agent and by quarter of an hour, and counts it at the end.

    Args:
        start: epoch seconds; time before it is cut off.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._agents: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._quarters: defaultdict[tuple[int, str], float] = defaultdict(float)

    def add(self, agent: str, state: str, since: float, until: float) -> None:
        """An agent was in a state from `since` to `until`; a state that is not counted is none."""
        name = SUM_OF_STATE.get(state)
        since = max(since, self._start)
        if name is None or since >= until:
            return
        self._agents[agent, name] += until - since
        quarter, last = int(since // QUARTER_S), int(until // QUARTER_S)
        while quarter < last:
            boundary = (quarter + 1) * QUARTER_S
            self._quarters[quarter, name] += boundary - since
            quarter, since = quarter + 1, boundary
        if since < until:
            self._quarters[quarter, name] += until - since

    def count(self, board: Board) -> None:
        """Put what was added up on a board; states belong to agents, not to queues."""
        for (agent, name), seconds in self._agents.items():
            board.place("", agent).add({name: seconds})
        if board.by_time:
            for (quarter, name), seconds in self._quarters.items():
                board.quarter(quarter).add({name: seconds})
