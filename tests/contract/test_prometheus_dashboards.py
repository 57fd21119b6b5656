"""Debian's Prometheus scrapes a real HTTP server; every panel of every dashboard has data."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from metrics_script import day_report, round_of_calls
from prometheus_client import CollectorRegistry
from prometheus_fixture import dashboard_queries, scraping
from starlette.routing import Route

from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters
from metrics.exposition import MetricsApp
from metrics.first_contact import Contact
from metrics.host import HostCollector
from metrics.projector import MetricsProjector
from metrics.settings import MetricsSettings

pytestmark = pytest.mark.prometheus

DAY = 86_400.0
TOKEN = "sesame"


class Store:
    """A fortnight of calls: one caller of ten comes back on the same day."""

    def open_calls(self, since):  # noqa: ARG002 - the store's signature
        return []

    def open_alerts(self, limit):  # noqa: ARG002 - the store's signature
        return []

    def contacts(self, since):  # noqa: ARG002 - the store's signature
        now = time.time()
        first = [
            Contact(f"{n}", now - (n % 13 + 0.5) * DAY, answered=True, channel=f"{n}")
            for n in range(130)
        ]
        again = [
            Contact(c.caller, c.at + 3600, answered=True, channel=f"{c.caller}+")
            for c in first[::10]
        ]
        return first + again

    def day_totals(self, now):
        return day_report(now)


class Program:
    """Bus, projector and /metrics in a loop of their own, as in a node."""

    def __init__(self):
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._rounds = itertools.count(1)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()
        self._loop.close()

    def work(self):
        """Let another stretch of scripted calls happen, and wait until it is counted."""
        asyncio.run_coroutine_threadsafe(self._work(), self._loop).result(30)

    async def _work(self):
        for event in round_of_calls(next(self._rounds), time.time()):
            await self._bus.publish(event)

    async def _run(self):
        self._stop = asyncio.Event()
        counters, registry = Counters(), CollectorRegistry()
        self._bus = Bus(counters)
        # A reader on another host: only the token lets Prometheus in.
        settings = MetricsSettings(token=TOKEN, allowed_networks=())
        projector = MetricsProjector(
            settings, self._bus, counters, SystemClock(), registry, store=Store()
        )
        registry.register(HostCollector(Path(__file__).parent))
        console = FastAPI()
        console.router.routes.append(Route("/metrics", MetricsApp(settings, registry)))
        config = uvicorn.Config(
            console, host="127.0.0.1", port=0, log_level="warning", lifespan="off"
        )
        server = uvicorn.Server(config)
        projecting = asyncio.create_task(projector.run())
        serving = asyncio.create_task(server._serve())  # serve() would take the test's signals
        while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)
        self.port = server.servers[0].sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.should_exit = True
        await serving
        projecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await projecting


@pytest.fixture(scope="module")
def prometheus():
    with (
        Program() as program,
        scraping(f"127.0.0.1:{program.port}", token=TOKEN) as prometheus,
    ):
        prometheus.wait_for_scrapes(2)
        program.work()  # the queue's series appear, at zero and at their first counts
        prometheus.wait(
            lambda: not prometheus.without_data(),
            lambda: f"panels without data: {prometheus.without_data()}",
            timeout=60,
            meanwhile=program.work,
        )
        yield prometheus


@pytest.mark.parametrize(
    "query", dashboard_queries(), ids=lambda q: f"{q.dashboard}-{q.panel}-{q.ref_id}"
)
def test_every_query_of_every_panel_returns_data(prometheus, query):
    assert prometheus.known(query.expr)


def test_ratios_are_what_the_script_plays(prometheus):
    found = {query.panel: prometheus.known(query.expr) for query in dashboard_queries()}
    assert 0 < found["今日接通率"][0].value < 1  # one of two was answered
    assert found["今日平均应答速度"][0].value == pytest.approx(8.0)
    assert found["三声内接听(近 1 小时)"][0].value == pytest.approx(1.0)
    assert found["AMI 连接"][0].value == 1
    resolution = {sample.labels["maturity"] for sample in found["首次解决率(7 天内未再来电)"]}
    assert resolution == {"matured", "provisional"}


def test_the_rules_evaluate_without_error(prometheus):
    prometheus.wait(
        lambda: all(rule["health"] != "unknown" for rule in prometheus.rules()),
        "rules that were not evaluated",
    )
    rules = prometheus.rules()
    assert len(rules) > 10
    assert {(rule["health"], rule.get("lastError", "")) for rule in rules} == {("ok", "")}


def test_a_scrape_takes_under_fifty_milliseconds(prometheus):
    fastest = prometheus.known('min_over_time(scrape_duration_seconds{job="tingzhen"}[10m])')
    assert fastest[0].value < 0.05
