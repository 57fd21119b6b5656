"""How long a month takes to read, and a scrape to answer, on made-up history."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from backbone.clock import SystemClock
from backbone.counters import Counters
from backbone.store.engine import open_engine, sqlite_url
from metrics.board import Dimension
from metrics.history import read_kpis
from metrics.periods import PeriodKind, period_of
from metrics.projection import MetricsProjection
from metrics.settings import MetricsSettings
from metrics.synthetic import HistoryPlan, write_history
from qa_engine.events import SEVERITIES
from qa_engine.kinds import KINDS

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
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_read, file, kind, on).result()


def _read(file: Path, kind: PeriodKind, on: date) -> Reading:
    engine = open_engine(sqlite_url(file))
    settings = MetricsSettings()
    period = period_of(kind, on, settings.zone)
    started, cpu = time.perf_counter(), time.process_time()
    with engine.connect() as connection:
        report = read_kpis(connection, period, settings, now=period.end, by=_DIMENSIONS)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB
    return Reading(report.total.offered, seconds, time.process_time() - cpu, peak)


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
