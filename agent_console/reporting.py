"""Reports that somebody asks for: one after the other, in a process of its own, at low priority."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TYPE_CHECKING, Literal

import structlog
from sqlalchemy import URL

from backbone.clock import Clock
from backbone.counters import Counters
from metrics.periods import PeriodKind
from metrics.settings import MetricsSettings

if TYPE_CHECKING:
    from metrics.reports.files import Order

_log = structlog.get_logger(__name__)

MOST_WAITING = 8
_FAILED_KEPT = 8

State = Literal["waiting", "making", "failed"]


@dataclass(slots=True)
class Asked:
    """A report that is not there yet; `label` names its period, `asked_at` in epoch seconds."""

    period: PeriodKind
    label: str
    asked_at: float
    order: Order = field(repr=False)
    state: State = "waiting"


class FullError(RuntimeError):
    """So many reports wait already that no further one is taken."""


def _own_process() -> Executor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1)


class ReportMaker:
    """Makes what is asked for; `asked` is what is not done, and what failed last.

    Counts `reports_made{period}` and `reports_failed{period}` as the reports that are made by
    themselves.

    Args:
        executor: gives the process that reports are made in.
    """

    def __init__(
        self,
        metrics: MetricsSettings,
        url: URL,
        clock: Clock,
        counters: Counters,
        *,
        executor: Callable[[], Executor] = _own_process,
    ) -> None:
        self._metrics = metrics
        self._url = url
        self._clock = clock
        self._counters = counters
        self._executor = executor
        self._waiting: asyncio.Queue[Asked] = asyncio.Queue(MOST_WAITING)
        self._open: list[Asked] = []
        self._failed: deque[Asked] = deque(maxlen=_FAILED_KEPT)

    @property
    def asked(self) -> list[Asked]:
        """What waits or is being made, in order, and what failed."""
        return [*self._open, *self._failed]

    def ask(self, order: Order, label: str) -> Asked:
        """Have a report made; the same one that waits already is not made twice.

        Raises:
            FullError: too many wait.
        """
        for known in self._open:
            if known.order == order:
                return known
        one = Asked(order.kind, label, self._clock.time(), order)
        try:
            self._waiting.put_nowait(one)
        except asyncio.QueueFull:
            raise FullError from None
        self._open.append(one)
        return one

    async def run(self) -> None:
        """Make what is asked for until cancelled."""
        while True:
            one = await self._waiting.get()
            one.state = "making"
            await self._make(one)
            self._open.remove(one)
            self._waiting.task_done()

    async def idle(self) -> None:
        """Wait until all that was asked for has been made, or has failed."""
        await self._waiting.join()

    async def _make(self, one: Asked) -> None:
        from metrics.reports.files import make_files_of  # noqa: PLC0415 - an extra

        loop = asyncio.get_running_loop()
        try:
            with self._executor() as pool:
                now = self._clock.time()
                await loop.run_in_executor(
                    pool, make_files_of, self._url, one.order, self._metrics, now
                )
        except Exception as error:  # noqa: BLE001 - what spoils one report must not end the others
            one.state = "failed"
            self._failed.append(one)
            self._counters.add("reports_failed", period=one.period)
            _log.error("report_failed", period=one.period, error=type(error).__name__)
        else:
            self._counters.add("reports_made", period=one.period)
            _log.info("report_made", period=one.period)
