"""The threads that serve the queue of what is to be decoded; see `asr.decode_queue`."""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import structlog

from asr.decode_queue import DecodeQueue, Kind, Queued
from asr.load import Ease, Pressure
from asr.own_words import own_words
from asr.recognisers.base import Recogniser, Recognition
from asr.resample import RATE, Audio
from asr.spool import Spool, SpooledAudio
from backbone.clock import Clock
from backbone.counters import Counters

_log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Work(Generic[T]):
    """Audio to decode, and what it belongs to. `languages` is asked when its turn comes.

    With `timed` times of its characters are wanted, be it a partial or not. The first `lead`
    samples of the audio, and those from `tail` on, are said in other segments.
    """

    audio: Audio | SpooledAudio
    languages: Callable[[], Sequence[str]]
    subject: T
    timed: bool = False
    lead: int = 0
    tail: int | None = None

    @functools.cached_property
    def heard(self) -> Audio:
        """The audio, from disk where it had to wait there.

        Raises:
            OSError: it cannot be read.
        """
        return self.audio.take() if isinstance(self.audio, SpooledAudio) else self.audio


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """The outcome of one job; `recognition` is None when the recogniser failed on it."""

    subject: T
    kind: Kind
    recognition: Recognition | None
    decode_s: float


Deliver = Callable[[Decoded[T]], Awaitable[None]]


_LARGEST_BATCH = 16
_WORDS_TAKE_S = 0.8  # with what is decoded around them


class DecodeScheduler(Generic[T]):
    """Feeds a recogniser from a `DecodeQueue` on threads of its own.

    The threads wait for worker processes or for native code, so the GIL is no matter. Where the
    recogniser gains from batches, finals that wait together are decoded together.

    Args:
        recogniser: what decodes.
        threads: decodings at the same time.
        clock: paces nothing here; deadlines and waits are on it.
        counters: of failures and of what was spooled.
        hurry_after_s: what has waited so long is decoded quickly, and everything while the node
            is not at ease; unless it is infinite.
        memory_s: seconds of audio that may wait in memory; what is more waits on disk, so that
            memory stays bounded however far finals fall behind.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        threads: int,
        clock: Clock,
        counters: Counters,
        *,
        memory_s: float = math.inf,
        hurry_after_s: float = math.inf,
    ) -> None:
        self.queue: DecodeQueue[Work[T]] = DecodeQueue(threads)
        self.decode_s = 0.0
        """Seconds spent decoding, over all threads."""
        self._recogniser = recogniser
        self._largest_batch = _LARGEST_BATCH if recogniser.capabilities.batch else 1
        self._threads = threads
        self._pressure = Pressure(threads)
        self._clock = clock
        self._counters = counters
        self._hurry_after_s = hurry_after_s
        self._changed = asyncio.Condition()
        self._spool = Spool()
        self._room = memory_s * RATE  # samples that may still wait in memory

    @property
    def ease(self) -> Ease:
        """How much there is time for beside finals."""
        return self._pressure.ease(self._clock.time())

    async def add_final(self, leg: str, deadline: float, work: Work[T]) -> None:
        """Have a whole segment decoded, sooner or later."""
        work = await self._stored(work)
        async with self._changed:
            self.queue.add_final(leg, deadline, work, self._clock.time())
            self._changed.notify_all()

    async def _stored(self, work: Work[T]) -> Work[T]:
        """A final's work as it shall wait: with its audio in memory, or on disk."""
        if isinstance(work.audio, SpooledAudio):
            return work
        self._room -= len(work.audio)
        if self._room >= 0:
            return work
        try:
            spooled = await asyncio.to_thread(self._spool.put, work.audio)
        except OSError as error:
            self._counters.add("asr_spool_failures")
            _log.error("asr_spool_failed", error=type(error).__name__)
            return work
        self._room += len(work.audio)
        self._counters.add("asr_finals_spooled")
        return replace(work, audio=spooled)

    def _taken(self, batch: list[Queued[Work[T]]]) -> None:
        """Finals leave the queue, and with them what they took of the memory."""
        for queued in batch:
            if queued.kind is Kind.FINAL and not isinstance(queued.item.audio, SpooledAudio):
                self._room += len(queued.item.audio)

    async def add_ahead(self, leg: str, deadline: float, work: Work[T]) -> None:
        """Have a segment that has probably ended decoded, if there is time for it."""
        async with self._changed:
            self.queue.add_ahead(leg, deadline, work, self._clock.time())
            self._changed.notify_all()

    def drop_ahead(self, leg: str) -> bool:
        """Take that back, if it still waits; whether it did."""
        return self.queue.drop_ahead(leg)

    async def add_partial(self, leg: str, deadline: float, work: Work[T], *, first: bool) -> None:
        """Have a segment so far decoded, if there is time for it before the deadline."""
        async with self._changed:
            self.queue.add_partial(leg, deadline, work, self._clock.time(), first=first)
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
            self._spool.close()

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
                now = self._clock.time()
                first = self.queue.take(now, self.ease)
                if first is not None:
                    batch = [first]
                    if first.kind is Kind.FINAL:
                        self._pressure.waited(now, now - first.since)
                        batch = self._with_others(first)
                    self._taken(batch)
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
        started, began = time.perf_counter(), self._clock.time()
        recognitions: Sequence[Recognition | None] = [None] * len(batch)
        partial = batch[0].partial
        quick = self._hurries(began, batch)
        try:
            recognitions = await asyncio.get_running_loop().run_in_executor(
                pool,
                functools.partial(
                    self._recognise,
                    [queued.item for queued in batch],
                    partial=partial,
                    quick=quick,
                ),
            )
        except Exception as error:  # noqa: BLE001 - one bad segment must not end the others
            if len(batch) > 1:  # nor take those with it that were decoded beside it
                return [one for queued in batch for one in await self._decode(pool, [queued])]
            self._counters.add("asr_decode_failures")
            _log.error("asr_decode_failed", error=type(error).__name__, partial=partial)
        took = time.perf_counter() - started
        self.decode_s += took
        ended = self._clock.time()
        self._pressure.worked(ended, ended - began)
        return [
            Decoded(queued.item.subject, queued.kind, recognition, took / len(batch))
            for queued, recognition in zip(batch, recognitions, strict=True)
        ]

    def _hurries(self, now: float, batch: list[Queued[Work[T]]]) -> bool:
        if math.isinf(self._hurry_after_s):
            return False
        waited = max(now - queued.since for queued in batch)
        return waited > self._hurry_after_s or self.ease is not Ease.CALM

    def _recognise(self, works: list[Work[T]], *, partial: bool, quick: bool) -> list[Recognition]:
        languages = works[0].languages()
        if len(works) == 1:
            (work,) = works
            found = self._recogniser.decode(
                work.heard,
                languages=languages,
                partial=partial,
                timed=work.timed or work.lead > 0,
                quick=quick,
            )
            return [self._own(work, found, partial=partial, quick=quick)]
        batch = [work.heard for work in works]
        together = self._recogniser.decode_batch(batch, languages=languages, quick=quick)
        return [
            self._own(work, found, partial=False, quick=quick)
            for work, found in zip(works, together, strict=True)
        ]

    def _own(self, work: Work[T], found: Recognition, *, partial: bool, quick: bool) -> Recognition:
        """What is said in the work's own audio; that is decoded alone where it held nothing.

        A recogniser may take the pause before a cut for the end of all that is said.
        """
        if not work.lead and work.tail is None:
            return found
        lead_s = work.lead / RATE
        own = own_words(found, lead_s, math.inf if work.tail is None else work.tail / RATE)
        audio = work.heard[work.lead : work.tail]
        if partial or own.text or not found.text or len(audio) < _WORDS_TAKE_S * RATE:
            return own
        alone = self._recogniser.decode(
            audio, languages=[found.language], partial=False, quick=quick
        )
        times = tuple(round(lead_s + seconds, 2) for seconds in alone.char_times)
        return replace(alone, redecoded=True, char_times=times)
