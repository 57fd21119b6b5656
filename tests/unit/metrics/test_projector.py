from __future__ import annotations

import asyncio
import contextlib

import pytest
from metrics_script import CALLER, alert, connected, day_report, ended, joined, record
from patience import PATIENCE_S
from prometheus_client import CollectorRegistry
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.schema import alerts as alerts_table
from backbone.store.schema import calls as calls_table
from metrics.first_contact import Contact
from metrics.projector import MetricsProjector
from metrics.settings import MetricsSettings
from metrics.store import OpenAlert, OpenCall, SqlMetricsStore

NOW = 1_700_000_000.0
DAY = 86_400.0


class FakeStore:
    def __init__(self):
        self.broken = False
        self.reads = 0

    def _read(self):
        self.reads += 1
        if self.broken:
            raise OperationalError("select", {}, Exception("disk I/O error"))

    def open_calls(self, since):
        self._read()
        return [OpenCall("old", "support", since + 1, None)]

    def open_alerts(self, limit):
        self._read()
        return [OpenAlert("a", "high", NOW - 5)][:limit]

    def contacts(self, since):
        self._read()
        return [Contact("1", since + DAY, answered=True, channel="x")]

    def day_totals(self, now):
        self._read()
        return day_report(now)


class Running:
    def __init__(self, store=None):
        self.counters = Counters()
        self.bus = Bus(self.counters)
        self.clock = ManualClock(NOW)
        self.registry = CollectorRegistry()
        self.projector = MetricsProjector(
            MetricsSettings(), self.bus, self.counters, self.clock, self.registry, store=store
        )

    def value(self, name, **labels):
        return self.registry.get_sample_value(f"tingzhen_{name}", labels)

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - metrics tell nobody that they have changed
                await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def running(store=None):
    it = Running(store)
    task = asyncio.create_task(it.projector.run())
    await it.until(lambda: "metrics" in it.bus.depths())
    yield it
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert it.bus.depths() == {}


async def test_events_from_the_bus_become_metrics():
    async with running() as it:
        await it.bus.publish(joined("1", at=NOW))
        await it.bus.publish(connected("1", at=NOW + 8))
        await it.bus.publish(ended("1"))
        await it.until(lambda: it.value("calls_ended_total", queue="support", outcome="answered"))
        assert it.value("calls_joined_total", queue="support") == 1
        assert it.value("bus_queue_depth", subscriber="metrics") == 0


async def test_what_was_under_way_before_a_restart_is_shown_again():
    store = FakeStore()
    async with running(store) as it:
        await it.until(lambda: it.value("calls_waiting", queue="support") == 1)
        assert it.value("alerts_open", severity="high") == 1
        assert it.value("calls_joined_total", queue="support") == 0


async def test_first_contact_resolution_is_read_every_minute():
    store = FakeStore()
    labels = {"window": "7d", "maturity": "matured"}
    async with running(store) as it:
        await it.until(lambda: it.value("first_contact_resolution_ratio", **labels) == 1.0)
        assert it.value("first_contact_read_timestamp_seconds") == NOW
        await it.clock.advance(59.0)
        assert it.value("first_contact_read_timestamp_seconds") == NOW
        await it.clock.advance(1.0)
        await it.until(lambda: it.value("first_contact_read_timestamp_seconds") == NOW + 60)


async def test_a_store_that_fails_costs_no_metrics_and_is_counted():
    store = FakeStore()
    store.broken = True
    async with running(store) as it:
        await it.until(lambda: (it.value("metrics_store_failures_total") or 0) >= 2)
        await it.bus.publish(alert("1"))
        await it.until(lambda: it.value("alerts_open", severity="high") == 1)
        store.broken = False
        failed = it.clock.time()
        async with asyncio.timeout(PATIENCE_S):
            while not it.value("first_contact_read_timestamp_seconds"):
                await it.clock.advance(60.0)
        assert it.value("first_contact_read_timestamp_seconds") > failed


async def test_an_event_that_cannot_be_counted_does_not_end_the_others():
    async with running() as it:
        broken = joined("1", queue=None)  # type: ignore[arg-type]  # what a bug would send
        await it.bus.publish(broken)
        await it.bus.publish(joined("2", at=NOW))
        await it.until(lambda: it.value("calls_joined_total", queue="support") == 1)
        assert it.counters.get("metrics_event_failures", event="CallJoined") == 1


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "calls.sqlite3"))
    yield engine
    engine.dispose()


def row(call, **more):
    made = record(call, **more)
    names = {column.name for column in calls_table.columns} - {
        "unanswered",
        "attempts",
        "handovers",
    }
    return {name: getattr(made, name) for name in names}


def test_the_call_store_is_read(engine):
    with engine.begin() as connection:
        connection.execute(insert(calls_table), [row("done", joined_at=NOW - 100)])
        waiting = row("waiting", joined_at=NOW - 10) | {
            "outcome": None,
            "ended_at": None,
            "answered_at": None,
        }
        forgotten = row("forgotten", joined_at=NOW - DAY) | {"outcome": None, "ended_at": None}
        connection.execute(insert(calls_table), [waiting, forgotten])
        for name, state in (("open", "open"), ("seen", "acknowledged")):
            made = alert(name, at=NOW)
            values = {
                column.name: getattr(made, column.name)
                for column in alerts_table.columns
                if hasattr(made, column.name)
            }
            values |= {"evidence": "{}", "state": state}
            connection.execute(insert(alerts_table).values(values))
    store = SqlMetricsStore(engine, MetricsSettings())
    assert store.open_calls(NOW - 3600) == [OpenCall("waiting", "support", NOW - 10, None)]
    assert store.open_alerts(10) == [OpenAlert("open", "high", NOW)]
    assert store.open_alerts(0) == []
    assert sorted(store.contacts(NOW - 3600), key=lambda c: c.at) == [
        Contact(CALLER, NOW - 100, answered=True, channel="pbx/done.1"),
        Contact(CALLER, NOW - 10, answered=False, channel="pbx/waiting.1"),
    ]


async def test_todays_totals_are_read_every_quarter_of_a_minute():
    store = FakeStore()
    async with running(store) as it:
        await it.until(lambda: it.value("day_answer_rate_ratio", queue="support") == 0.5)
        assert it.value("site_day_calls_offered") == 2
        assert it.value("site_day_occupancy_ratio") == pytest.approx(0.6)
        assert it.value("day_read_timestamp_seconds") == NOW
        await it.clock.advance(15.0)
        await it.until(lambda: it.value("day_read_timestamp_seconds") == NOW + 15)
