"""Reports made by themselves, in a process of their own, so that no alert waits for one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import structlog
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from backbone.clock import Clock
from backbone.counters import Counters
from backbone.errors import UserError
from metrics.periods import period_of, today
from metrics.reports.files import Order, make_files_of, order_by
from metrics.reports.settings import ReportSettings
from metrics.settings import MetricsSettings

_log = structlog.get_logger(__name__)


class ReportJob:
    """Makes the reports that are due, at the time that is set and when the node starts.

    A report is due while its period is the last one that is over and one of its files is missing:
    a night without power costs no report. Counts `reports_made{period}` and
    `reports_failed{period}`; a failure is tried again the next day.
    """

    def __init__(
        self,
        settings: ReportSettings,
        metrics: MetricsSettings,
        url: URL,
        directory: Path,
        *,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._url = url
        self._directory = directory
        self._clock = clock
        self._counters = counters

    async def run(self) -> None:
        """Make what is due, wait for the time, and again, until cancelled."""
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
            loop = asyncio.get_running_loop()
            while True:
                for order in self.due():
                    now = self._clock.time()
                    made = loop.run_in_executor(
                        pool, make_files_of, self._url, order, self._metrics, now
                    )
                    await self._settle(order, made)
                await self._clock.sleep(self._seconds_until_next())

    def due(self) -> list[Order]:
        """The reports that should be there and are not."""
        here = today(self._clock.time(), self._metrics.zone)
        orders = []
        for kind in self._settings.kinds:
            last = period_of(kind, here, self._metrics.zone).previous()
            order = order_by(self._settings, kind, last.first, self._directory)
            if order.missing(last):
                orders.append(order)
        return orders

    async def _settle(self, order: Order, made: asyncio.Future[list[Path]]) -> None:
        try:
            files = await made
        except (UserError, OSError, SQLAlchemyError) as error:
            self._counters.add("reports_failed", period=order.kind)
            _log.error("report_failed", period=order.kind, error=type(error).__name__)
        else:
            self._counters.add("reports_made", period=order.kind)
            _log.info("report_made", period=order.kind, files=len(files))

    def _seconds_until_next(self) -> float:
        now = datetime.fromtimestamp(self._clock.time(), self._metrics.zone)
        hours, minutes = divmod(self._settings.minute_of_day, 60)
        due = now.replace(hour=hours, minute=minutes, second=0, microsecond=0)
        if due <= now:
            due += timedelta(days=1)
        return due.timestamp() - now.timestamp()
