"""Slows down guessing of passwords."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

_MOST_KEYS = 10_000


class Throttle:
    """At most `limit` failures per key in any `window_s` seconds.

    An attempt counts as failed from its start until `succeeded` says otherwise, so that many
    guesses at the same time are no way around it.
    """

    def __init__(self, limit: int, window_s: float, now: Callable[[], float]) -> None:
        self._limit = limit
        self._window_s = window_s
        self._now = now
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def attempt(self, key: str) -> float:
        """Count an attempt. Returns 0 if it may go on, else the seconds to wait."""
        now = self._now()
        failures = self._failures.setdefault(key, deque())
        self._failures.move_to_end(key)
        if len(self._failures) > _MOST_KEYS:
            self._failures.popitem(last=False)
        while failures and failures[0] <= now - self._window_s:
            failures.popleft()
        if len(failures) >= self._limit:
            return failures[0] + self._window_s - now
        failures.append(now)
        return 0.0

    def succeeded(self, key: str) -> None:
        """Forget a key's failures."""
        self._failures.pop(key, None)
