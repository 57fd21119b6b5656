"""The dashboards' day is the KPI function's day, queue by queue, to the last digit."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo

import pytest
from metrics_program import Program
from prometheus_fixture import dashboard_queries, scraping

from backbone.store.engine import open_engine, sqlite_url
from metrics.history import read_kpis
from metrics.periods import period_of, today
from metrics.settings import MetricsSettings
from metrics.store import SqlMetricsStore
from metrics.synthetic import QUEUES, HistoryPlan, write_history

pytestmark = pytest.mark.prometheus

SETTINGS = MetricsSettings()
ZONE = ZoneInfo(SETTINGS.time_zone)
FIELDS = {
    "今日接通率": "answer_rate",
    "今日平均应答速度": "average_speed_of_answer_s",
    "今日来电": "offered",
    "今日服务水平(15 秒)": "service_level",
    "今日放弃率": "abandonment_rate",
}


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    engine = open_engine(sqlite_url(tmp_path_factory.mktemp("day") / "calls.db"))
    on = today(time.time(), ZONE)
    write_history(engine, HistoryPlan(400, on, 1, ZONE))
    store = SqlMetricsStore(engine, SETTINGS)
    with (
        Program(store, "sesame") as program,
        scraping(f"127.0.0.1:{program.port}", token="sesame") as prometheus,
    ):
        prometheus.wait_for_scrapes(2)
        prometheus.wait(lambda: prometheus.known("tingzhen_day_read_timestamp_seconds"), "no day")
        with engine.connect() as connection:
            report = read_kpis(
                connection, period_of("day", on, ZONE), SETTINGS, now=time.time(), by=("queue",)
            )
        yield prometheus, report
    engine.dispose()


def shown(prometheus, queue):
    variables = {"queue": queue, "__rate_interval": "1m", "__interval": "15s", "__range": "6h"}
    return {
        query.panel: prometheus.known(query.expr)[0].value
        for query in dashboard_queries(variables)
        if query.panel in FIELDS
    }


@pytest.mark.parametrize("queue", [*QUEUES, ".*"])
def test_a_dashboard_shows_what_the_kpi_function_says(day, queue):
    prometheus, report = day
    rows = {row.key: row.kpis for row in report.by["queue"]} | {".*": report.total}
    found = shown(prometheus, queue)
    assert set(found) == set(FIELDS)
    for panel, field in FIELDS.items():
        assert found[panel] == pytest.approx(getattr(rows[queue], field), rel=1e-9), panel
