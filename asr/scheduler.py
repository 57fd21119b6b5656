"""Who is decoded next: one queue for all legs of a node, and the threads that serve it.

Finals go before partials and are never dropped; among finals the earliest deadline goes first,
and those of one leg come out in order. A leg has at most one partial waiting, the newest; one
that was not served before the next was due is skipped and counted. So what gives way under load
is the partials.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from asr.recognisers.base import Recogniser, Recognition
from asr.resample import Audio
from backbone.clock import Clock
from backbone.counters import Counters

_log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Queued(Generic[T]):
    """Something to decode: for a leg, before a time on the clock."""

    leg: str
    deadline: float
    partial: bool
    item: T


class DecodeQueue(Generic[T]):
    """The order of decoding. Pure: it is told the time.

    Whoever takes a job for a leg calls `done` when it is decoded; until then no other of that
    leg is handed out.

    Args:
        partials_at_once: so many partials at most are handed out before one of them is done.
    """

    def __init__(self, partials_at_once: int = 1_000) -> None:
        self._partials_at_once = partials_at_once
        self._looking: set[str] = set()  # legs whose partial is being decoded
        self._finals: list[tuple[float, int, Queued[T]]] = []
        self._partials: dict[str, Queued[T]] = {}
        self._busy: set[str] = set()
        self._order = itertools.count()
        self.skipped = 0
        """Partials that were given up."""

    @property
    def finals(self) -> int:
        """Finals that wait."""
        return len(self._finals)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is being decoded."""
        return not (self._finals or self._partials or self._busy)

    def waiting_finals(self) -> list[T]:
        """The finals that wait, in no particular order."""
        return [queued.item for _, _, queued in self._finals]

    def add_final(self, leg: str, deadline: float, item: T) -> None:
        """Queue a final. A partial of the same leg that still waits has become pointless."""
        if self._partials.pop(leg, None) is not None:
            self.skipped += 1
        # Whatever the deadlines say, a leg's finals keep their order.
        deadline = max(
            deadline, *(other for other, _, queued in self._finals if queued.leg == leg), deadline
        )
        queued = Queued(leg, deadline, partial=False, item=item)
        self._finals.append((deadline, next(self._order), queued))
        self._finals.sort(key=lambda entry: entry[:2])

    def add_partial(self, leg: str, deadline: float, item: T) -> None:
        """Queue a partial in place of an older one of the same leg."""
        if self._partials.pop(leg, None) is not None:
            self.skipped += 1
        self._partials[leg] = Queued(leg, deadline, partial=True, item=item)

    def take(self, now: float) -> Queued[T] | None:
        """The next job, or None when there is none that may be decoded now."""
        final = self.take_final(lambda _: True)
        if final is not None:
            return final
        overdue = [leg for leg, queued in self._partials.items() if queued.deadline < now]
        for leg in overdue:
            del self._partials[leg]
        self.skipped += len(overdue)
        ready = [queued for leg, queued in self._partials.items() if leg not in self._busy]
        if not ready or len(self._looking) >= self._partials_at_once:
            return None
        first = min(ready, key=lambda queued: queued.deadline)
        del self._partials[first.leg]
        self._busy.add(first.leg)
        self._looking.add(first.leg)
        return first

    def take_final(self, suits: Callable[[T], bool]) -> Queued[T] | None:
        """The most urgent final that suits and may be decoded now, or None."""
        held: set[str] = set()
        for index, (_, _, queued) in enumerate(self._finals):
            # An earlier final of the leg that has to wait holds up the later ones.
            free = queued.leg not in self._busy and queued.leg not in held
            if free and suits(queued.item):
                del self._finals[index]
                self._busy.add(queued.leg)
                return queued
            held.add(queued.leg)
        return None

    def done(self, leg: str) -> None:
        """What was taken for this leg is decoded and delivered."""
        self._busy.discard(leg)
        self._looking.discard(leg)


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """Audio to decode, and what it belongs to. `languages` is asked when its turn comes."""

    audio: Audio
    languages: Callable[[], Sequence[str]]
    subject: T


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """The outcome of one job; `recognition` is None when the recogniser failed on it."""

    subject: T
    partial: bool
    recognition: Recognition | None
    decode_s: float


Deliver = Callable[[Decoded[T]], Awaitable[None]]


_LARGEST_BATCH = 16


class DecodeScheduler(Generic[T]):
    """Feeds a recogniser from a `DecodeQueue` on threads of its own.

    The threads wait for worker processes or for native code, so the GIL is no matter. Where the
    recogniser gains from batches, finals that wait together are decoded together.
    """

    def __init__(
        self, recogniser: Recogniser, threads: int, clock: Clock, counters: Counters
    ) -> None:
        # One stays free for finals, which would else wait until some partial is decoded.
        self.queue: DecodeQueue[Work[T]] = DecodeQueue(max(1, threads - 1))
        self.decode_s = 0.0
        """Seconds spent decoding, over all threads."""
        self._recogniser = recogniser
        self._largest_batch = _LARGEST_BATCH if recogniser.capabilities.batch else 1
        self._threads = threads
        self._clock = clock
        self._counters = counters
        self._changed = asyncio.Condition()

    async def add_final(self, leg: str, deadline: float, work: Work[T]) -> None:
        """Have a whole segment decoded, sooner or later."""
        async with self._changed:
            self.queue.add_final(leg, deadline, work)
            self._changed.notify_all()

    async def add_partial(self, leg: str, deadline: float, work: Work[T]) -> None:
        """Have a segment so far decoded, if there is time for it before the deadline."""
        async with self._changed:
            self.queue.add_partial(leg, deadline, work)
            self._changed.notify_all()

    async def has_room(self, most_finals: int) -> None:
        """Wait until at most so many finals wait."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.queue.finals <= most_finals)

    async def run(self, deliver: Deliver[T]) -> None:
        """Decode until cancelled, handing each outcome to `deliver`."""
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="decode")
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._threads):
                    group.create_task(self._serve(pool, deliver))
        finally:
            # A thread inside native code cannot be stopped; it ends with its segment.
            pool.shutdown(wait=False, cancel_futures=True)

    async def _serve(self, pool: ThreadPoolExecutor, deliver: Deliver[T]) -> None:
        while True:
            batch = await self._next()
            try:
                for decoded in await self._decode(pool, batch):
                    await deliver(decoded)
            finally:
                async with self._changed:
                    for queued in batch:
                        self.queue.done(queued.leg)
                    self._changed.notify_all()

    async def _next(self) -> list[Queued[Work[T]]]:
        async with self._changed:
            while True:
                first = self.queue.take(self._clock.time())
                if first is not None:
                    batch = [first] if first.partial else self._with_others(first)
                    self._changed.notify_all()
                    return batch
                await self._changed.wait()

    def _with_others(self, first: Queued[Work[T]]) -> list[Queued[Work[T]]]:
        """A final and those that can be decoded with it."""
        batch = [first]
        languages = tuple(first.item.languages())
        while len(batch) < self._largest_batch:
            more = self.queue.take_final(lambda work: tuple(work.languages()) == languages)
            if more is None:
                break
            batch.append(more)
        return batch

    async def _decode(
        self, pool: ThreadPoolExecutor, batch: list[Queued[Work[T]]]
    ) -> list[Decoded[T]]:
        started = time.perf_counter()
        recognitions: Sequence[Recognition | None] = [None] * len(batch)
        partial = batch[0].partial
        try:
            recognitions = await asyncio.get_running_loop().run_in_executor(
                pool, self._recognise, [queued.item for queued in batch], partial
            )
        except Exception as error:  # noqa: BLE001 - one bad segment must not end the others
            if len(batch) > 1:  # nor take those with it that were decoded beside it
                return [one for queued in batch for one in await self._decode(pool, [queued])]
            self._counters.add("asr_decode_failures")
            _log.error("asr_decode_failed", error=type(error).__name__, partial=partial)
        took = time.perf_counter() - started
        self.decode_s += took
        return [
            Decoded(queued.item.subject, partial, recognition, took / len(batch))
            for queued, recognition in zip(batch, recognitions, strict=True)
        ]

    def _recognise(self, works: list[Work[T]], partial: bool) -> list[Recognition]:  # noqa: FBT001 - called by position through the executor
        languages = works[0].languages()
        if len(works) == 1:
            return [self._recogniser.decode(works[0].audio, languages=languages, partial=partial)]
        return self._recogniser.decode_batch([work.audio for work in works], languages=languages)
