"""A supervisor's rule: too many rings left unanswered within a week."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

WEEK_S = 7 * 86_400.0


def missed_within(missed_at: Iterable[float], now: float, window_s: float = WEEK_S) -> int:
    """How many of these unanswered rings ended within `window_s` before `now`."""
    return sum(now - window_s < at <= now for at in missed_at)


class MissedRings:
    """Tells when an agent's unanswered rings reach the limit.

    It tells once, and again only after the number within the window has fallen below the limit.

    Args:
        limit: unanswered rings that are too many.
        window_s: seconds within which they count.
    """

    def __init__(self, limit: int = 3, window_s: float = WEEK_S) -> None:
        self.limit = limit
        self.window_s = window_s
        self._missed: dict[str, deque[float]] = {}
        self._told: set[str] = set()

    def restore(self, rings: Iterable[tuple[str, float]], now: float) -> None:
        """Begin with what the store knows: agent and end of each ring, oldest first."""
        for agent, at in rings:
            self._note(agent, at)
        self._told = {
            agent
            for agent, missed in self._missed.items()
            if missed_within(missed, now, self.window_s) >= self.limit
        }

    def missed(self, agent: str, at: float) -> int | None:
        """Note an unanswered ring; the number within the window when it reaches the limit."""
        missed = self._note(agent, at)
        count = missed_within(missed, at, self.window_s)
        if count < self.limit:
            self._told.discard(agent)
            return None
        if agent in self._told:
            return None
        self._told.add(agent)
        return count

    def _note(self, agent: str, at: float) -> deque[float]:
        missed = self._missed.setdefault(agent, deque(maxlen=max(self.limit, 1)))
        missed.append(at)
        return missed
