"""How long a month takes to read, and a scrape to answer, on made-up history."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Connection

from backbone.clock import SystemClock
from backbone.counters import Counters
from backbone.store.engine import open_engine, sqlite_url
from metrics.board import Dimension
from metrics.history import read_kpis
from metrics.periods import Period, PeriodKind, period_of
from metrics.projection import MetricsProjection
from metrics.settings import MetricsSettings
from metrics.synthetic import HistoryPlan, write_history
from qa_engine.events import SEVERITIES
from qa_engine.kinds import KINDS
from tingzhen.extras import need_report

_DIMENSIONS: tuple[Dimension, ...] = ("queue", "agent", "hour_of_day", "day", "hour")
_SCRAPES = 20
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Reading:
    """One period read in a process of its own; memory is that process's peak."""

    offered: int
    seconds: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Scrape:
    """What /metrics weighs, and the best time it took to make."""

    seconds: float
    size_bytes: int


def make_history(file: Path, calls: int, first: date, days: int, settings: MetricsSettings) -> None:
    """Write made-up history into a new store, or beside what an old one holds."""
    engine = open_engine(sqlite_url(file))
    write_history(engine, HistoryPlan(calls, first, days, settings.zone))
    engine.dispose()


def read_alone(file: Path, kind: PeriodKind, on: date) -> Reading:
    """Read a period by queue, agent, day and hour, in a process that has done nothing else."""
    return _alone(_read_kpis, file, kind, on)


def report_alone(file: Path, kind: PeriodKind, on: date) -> Reading:
    """Read a period's report and make its page, PDF and workbook, in a process of its own."""
    return _alone(_make_report, file, kind, on)


_Work = Callable[[Connection, Period, MetricsSettings], int]


def _alone(work: _Work, file: Path, kind: PeriodKind, on: date) -> Reading:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measure, work, file, kind, on).result()


def _measure(work: _Work, file: Path, kind: PeriodKind, on: date) -> Reading:
    engine = open_engine(sqlite_url(file))
    settings = MetricsSettings()
    started, cpu = time.perf_counter(), time.process_time()
    with engine.connect() as connection:
        offered = work(connection, period_of(kind, on, settings.zone), settings)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB
    return Reading(offered, seconds, time.process_time() - cpu, peak)


def _read_kpis(connection: Connection, period: Period, settings: MetricsSettings) -> int:
    report = read_kpis(connection, period, settings, now=period.end, by=_DIMENSIONS)
    return report.total.offered


def _make_report(connection: Connection, period: Period, settings: MetricsSettings) -> int:
    need_report()
    from metrics.reports.content import read_report  # noqa: PLC0415 - the extra may be missing
    from metrics.reports.page import html_page, pdf  # noqa: PLC0415 - the same
    from metrics.reports.workbook import workbook  # noqa: PLC0415 - the same

    report = read_report(connection, period, settings, now=period.end)
    pdf(html_page(report, "zh"))
    workbook(report, "zh")
    return report.total.offered


def scrape(queues: int) -> Scrape:
    """Make /metrics of a node with so many queues, every series of each present."""
    registry = CollectorRegistry()
    depths: Mapping[str, int] = dict.fromkeys(("metrics", "console", "qa", "notifier"), 0)
    MetricsProjection(
        MetricsSettings(queues=tuple(f"queue-{n}" for n in range(queues)), max_queues=queues),
        Counters(),
        lambda: depths,
        SystemClock(),
        registry,
        alert_kinds=[(kind, severity) for kind in KINDS for severity in SEVERITIES],
    )
    best = float("inf")
    page = b""
    for _ in range(_SCRAPES):
        started = time.perf_counter()
        page = generate_latest(registry)
        best = min(best, time.perf_counter() - started)
    return Scrape(best, len(page))
