"""KPIs of records as the store gives them, and the same computed from queue_log's lines alone."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

from backbone.store.engine import open_engine, sqlite_url
from metrics.figures import Kpis
from metrics.history import read_kpis
from metrics.periods import period_of, today
from metrics.settings import MetricsSettings
from telephony.events import CallEnded
from telephony.storage import PROJECTIONS

ROUNDING_S = 0.2
"""queue_log counts whole seconds. The difference of two such is off by less than one, to either
side alike, so the mean of a hundred is off by a fifth of a second once in a million times."""


def kpis_of_records(ended: Iterable[CallEnded], folder: Path) -> dict[str, Kpis]:
    """By queue, through a store, as the console and the reports read them."""
    engine = open_engine(sqlite_url(folder / "kpis.db"))
    with engine.begin() as connection:
        for seq, event in enumerate(ended, 1):
            for project in PROJECTIONS[CallEnded]:
                project(connection, seq, event)
    now = time.time()
    # A zone in which it is about noon: the half hour does not cross its midnight.
    settings = MetricsSettings(time_zone=f"Etc/GMT{time.gmtime(now).tm_hour - 12:+d}")
    period = period_of("day", today(now, ZoneInfo(settings.time_zone)), settings.zone)
    with engine.connect() as connection:
        report = read_kpis(connection, period, settings, now=now, by=("queue",))
    engine.dispose()
    return {row.key: row.kpis for row in report.by["queue"]}


def assert_kpis_equal_queue_log(kpis: dict[str, Kpis], queue_log: Path) -> None:
    """Counts without a difference; means of durations within what whole seconds allow."""
    events: dict[str, Counter[str]] = defaultdict(Counter)
    waits: dict[str, list[int]] = defaultdict(list)
    for line in queue_log.read_text(encoding="utf-8").splitlines():
        _, _, queue, _, event, *data = line.split("|")
        events[queue][event] += 1
        if event == "CONNECT":
            waits[queue].append(int(data[0]))
    logged = {queue: counts for queue, counts in events.items() if counts["ENTERQUEUE"]}
    assert set(kpis) == set(logged)
    for queue, counts in logged.items():
        found = kpis[queue]
        transferred = counts["BLINDTRANSFER"] + counts["ATTENDEDTRANSFER"]
        expected = {
            "joined": counts["ENTERQUEUE"],
            "offered": counts["ENTERQUEUE"],
            "answered": counts["CONNECT"],
            "abandoned": counts["ABANDON"],
            "timeouts": counts["EXITWITHTIMEOUT"],
            "key_exits": counts["EXITWITHKEY"],
            "transferred": transferred,
            "answer_rate": counts["CONNECT"] / counts["ENTERQUEUE"],
            "abandonment_rate": counts["ABANDON"] / counts["ENTERQUEUE"],
            "transfer_rate": transferred / counts["CONNECT"] if counts["CONNECT"] else None,
        }
        assert {name: getattr(found, name) for name in expected} == expected, queue
    answered = sum(map(len, waits.values()))
    logged_mean = sum(map(sum, waits.values())) / answered
    ours = sum(k.average_speed_of_answer_s * k.answered for k in kpis.values() if k.answered)
    assert abs(ours / answered - logged_mean) < ROUNDING_S
