"""Time as a thing that is handed in, so that tests and the demo can bend it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time and waiting."""

    rate: float
    """How many of this clock's seconds pass in a real one."""

    def time(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; they pass evenly while `time` may be set."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many of this clock's seconds."""
        ...


class SystemClock:
    """The machine's own clock."""

    rate = 1.0

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        await asyncio.sleep(seconds)


class ScaledClock:
    """A clock that starts now and runs `rate` times as fast as the machine's."""

    def __init__(self, rate: float) -> None:
        if rate <= 0:
            raise ValueError("a clock's rate must be above zero")
        self.rate = rate
        self._epoch = time.time()
        self._start = time.monotonic()

    def time(self) -> float:
        """Seconds since the epoch, had time run at this rate since the clock was made."""
        return self._epoch + self.monotonic()

    def monotonic(self) -> float:
        """This clock's seconds since it was made."""
        return (time.monotonic() - self._start) * self.rate

    async def sleep(self, seconds: float) -> None:
        """Wait that many of this clock's seconds."""
        await asyncio.sleep(seconds / self.rate)


class ManualClock:
    """A clock that stands still until a test moves it."""

    rate = 1.0

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def time(self) -> float:
        """The time it was last moved to."""
        return self._now

    def monotonic(self) -> float:
        """As `time`: nobody sets it."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has passed that many seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move time on, waking sleepers in order and letting each run before the next."""
        target = self._now + seconds
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, future = heapq.heappop(self._sleepers)
            self._now = due
            if not future.done():
                future.set_result(None)
            await _settle()
        self._now = target
        await _settle()


async def _settle() -> None:
    # A woken task may wake others: a few rounds of the loop let the chain run out.
    for _ in range(10):
        await asyncio.sleep(0)
