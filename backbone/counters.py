"""Counts of what was dropped, refused or retried, kept until somebody exports them."""

from __future__ import annotations

import threading
from collections import Counter
from typing import NamedTuple


class CounterKey(NamedTuple):
    """A counter's name and its labels, as `("bus_dropped", (("subscriber", "asr"),))`."""

    name: str
    labels: tuple[tuple[str, str], ...]


class Counters:
    """Thread-safe counters; they only grow.

    Names are snake case without unit or `_total`; label values come from a fixed set (a
    subscriber's name, a reason), never from a call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: Counter[CounterKey] = Counter()

    def add(self, name: str, amount: int = 1, **labels: str) -> None:
        """Count `amount` more of `name`."""
        key = CounterKey(name, tuple(sorted(labels.items())))
        with self._lock:
            self._values[key] += amount

    def get(self, name: str, **labels: str) -> int:
        """Read one counter; 0 when it was never counted."""
        with self._lock:
            return self._values[CounterKey(name, tuple(sorted(labels.items())))]

    def snapshot(self) -> dict[CounterKey, int]:
        """Read all counters at one instant."""
        with self._lock:
            return dict(self._values)
