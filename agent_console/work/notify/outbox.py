"""Pushes that wait to go out: bounded, the most severe first."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass

from agent_console.work.notify.plan import Message, Target
from qa_engine.events import SEVERITIES, Severity


@dataclass(frozen=True, slots=True)
class Push:
    """One message to one target."""

    target: Target
    message: Message
    severity: Severity


class Outbox:
    """A queue of at most `size` pushes.

    When it is full, the least severe one is left out: of equal ones the newest, so that a flood
    does not push out what waits already.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._order = itertools.count()
        self._heap: list[tuple[int, int, Push]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def offer(self, push: Push) -> Push | None:
        """Take one in; returns the one that was left out for it, which may be itself."""
        entry = (-SEVERITIES.index(push.severity), next(self._order), push)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, entry)
            return None
        worst = max(self._heap, key=lambda kept: kept[:2])
        if entry[:2] > worst[:2]:
            return push
        self._heap.remove(worst)
        heapq.heapify(self._heap)
        heapq.heappush(self._heap, entry)
        return worst[2]

    def take(self) -> Push | None:
        """The most severe one that has waited longest; None when there is none."""
        return heapq.heappop(self._heap)[2] if self._heap else None
