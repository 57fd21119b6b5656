"""What a node says of its own recognition."""

from __future__ import annotations

import structlog

from asr.events import AsrHealth
from asr.live_leg import Segment, Totals
from asr.load import LoadWatch
from asr.recognisers.base import HasWorkers, Recogniser
from asr.scheduler import DecodeScheduler
from asr.settings import AsrSettings
from backbone.clock import Clock
from backbone.counters import Counters

_log = structlog.get_logger(__name__)


class HealthReport:
    """Puts a node's health together, and logs when it falls behind and when it has caught up."""

    def __init__(
        self,
        settings: AsrSettings,
        recogniser: Recogniser,
        scheduler: DecodeScheduler[Segment],
        totals: Totals,
        *,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._node = settings.node
        self._recogniser = recogniser
        self._scheduler = scheduler
        self._totals = totals
        self._clock = clock
        self._counters = counters
        self._load = LoadWatch(settings.late_after_s)
        self._counted_skips = 0

    def now(self, *, legs: int) -> AsrHealth:
        """The state at this moment, with so many legs under recognition."""
        queue, totals, now = self._scheduler.queue, self._totals, self._clock.time()
        if queue.skipped > self._counted_skips:
            self._counters.add("asr_partials_skipped", queue.skipped - self._counted_skips)
            self._counted_skips = queue.skipped
        oldest = min((work.subject.spoken_at for work in queue.waiting_finals()), default=now)
        lag = max(0.0, now - oldest) / self._clock.rate
        if self._load.feed(lag, queue.finals):
            tell = _log.warning if self._load.overloaded else _log.info
            what = "asr_overloaded" if self._load.overloaded else "asr_caught_up"
            tell(what, queued=queue.finals)
        workers = self._recogniser.workers if isinstance(self._recogniser, HasWorkers) else None
        return AsrHealth(
            at=now,
            node=self._node,
            ready=True,
            legs=legs,
            lag_s=lag,
            queued=queue.finals,
            segments=totals.segments,
            partials=totals.partials,
            partials_skipped=queue.skipped,
            redecodes=totals.redecodes,
            audio_s=totals.audio_s,
            decode_s=self._scheduler.decode_s,
            detail=self._load.words,
            overloaded=self._load.overloaded,
            late=totals.late,
            ahead=totals.ahead,
            ahead_wasted=totals.ahead_wasted,
            ease=self._scheduler.ease.value,
            workers=len(workers.pids) if workers else 0,
            workers_replaced=workers.replaced if workers else 0,
        )
