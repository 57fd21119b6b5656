"""Once a night: yesterday's records beside the PBX's queue_log, and the result told."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from backbone.errors import UserError
from telephony.events import ReconcileFinished
from telephony.queue_log import QueueLog, read_queue_log
from telephony.reconcile import Comparison, compare
from telephony.settings import ReconcileSettings
from telephony.storage import records_between

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from backbone.bus import Bus
    from backbone.clock import Clock
    from backbone.counters import Counters

_log = structlog.get_logger(__name__)

MARGIN_S = 5.0
"""Records read beyond the window: one side's clock may put a visit just outside of it."""
_LISTED = 20


class QueueLogError(UserError):
    """The file cannot be read; one line for people."""


def load_queue_log(path: Path) -> QueueLog:
    """Read a queue_log from a file.

    Raises:
        QueueLogError: it cannot be read, or no line of it is one of a queue_log.
    """
    try:
        with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
            log = read_queue_log(lines)
    except OSError as error:
        raise QueueLogError(f"{path}: {error.strerror or 'cannot be read'}") from None
    if log.first_at is None and log.bad_lines:
        raise QueueLogError(f"{path}: no queue_log: none of its lines is time|uniqueid|queue|…")
    return log


class ReconcileJob:
    """Compares the day before, every day at the time that is set.

    Publishes `ReconcileFinished` and counts `reconcile_differences{kind}`, `reconcile_runs` and
    `reconcile_failures`; the first differences of a run are logged by uniqueid.
    """

    def __init__(
        self,
        settings: ReconcileSettings,
        system: str,
        engine: Engine,
        *,
        bus: Bus,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._settings = settings
        self._system = system
        self._engine = engine
        self._bus = bus
        self._clock = clock
        self._counters = counters

    async def run(self) -> None:
        """Wait for the time and compare, until cancelled."""
        while True:
            now = datetime.fromtimestamp(self._clock.time()).astimezone()
            await self._clock.sleep(seconds_until(now, self._settings.at_minute))
            today = datetime.fromtimestamp(self._clock.time()).astimezone()
            midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
            await self.compare_day(midnight - timedelta(days=1), midnight)

    async def compare_day(self, begins: datetime, ends: datetime) -> Comparison | None:
        """Compare one day and tell; None when the log or the store could not be read."""
        since, until = begins.timestamp(), ends.timestamp()
        try:
            found, bad_lines = await asyncio.to_thread(self._compare, since, until)
        except (QueueLogError, SQLAlchemyError) as error:
            self._counters.add("reconcile_failures", system=self._system)
            _log.error("reconcile_failed", system=self._system, error=type(error).__name__)
            return None
        self._counters.add("reconcile_runs", system=self._system)
        for kind, count in found.counts.items():
            self._counters.add("reconcile_differences", count, system=self._system, kind=kind)
        for difference in found.differences[:_LISTED]:
            _log.warning(
                "reconcile_difference",
                system=self._system,
                kind=difference.kind,
                uniqueid=difference.uniqueid,
                line=difference.line,
            )
        await self._bus.publish(
            ReconcileFinished(
                at=self._clock.time(),
                system=self._system,
                since=since,
                until=until,
                visits=found.compared,
                differences=found.counts,
                bad_lines=bad_lines,
            )
        )
        return found

    def _compare(self, since: float, until: float) -> tuple[Comparison, int]:
        assert self._settings.queue_log is not None  # noqa: S101 - without it there is no job
        log = load_queue_log(self._settings.queue_log)
        with self._engine.connect() as connection:
            records = records_between(connection, since - MARGIN_S, until + MARGIN_S, self._system)
        return compare(records, log, since=since, until=until), len(log.bad_lines)


def seconds_until(now: datetime, minute_of_day: int) -> float:
    """Seconds from `now` to the next time the clock shows that minute of a day."""
    due = now.replace(hour=minute_of_day // 60, minute=minute_of_day % 60, second=0, microsecond=0)
    if due <= now:
        due += timedelta(days=1)
    return (due - now).total_seconds()
