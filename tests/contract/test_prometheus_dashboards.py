"""Debian's Prometheus scrapes a real HTTP server; every panel of every dashboard has data."""

from __future__ import annotations

import time

import pytest
from metrics_program import Program
from metrics_script import day_report
from prometheus_fixture import dashboard_queries, scraping

from metrics.first_contact import Contact

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


@pytest.fixture(scope="module")
def prometheus():
    with (
        Program(Store(), TOKEN) as program,
        scraping(f"127.0.0.1:{program.port}", token=TOKEN) as prometheus,
    ):
        prometheus.wait_for_scrapes(2)
        program.work()  # the queue's series appear, at zero and at their first counts
        prometheus.wait(
            lambda: not prometheus.without_data(),
            lambda: f"panels without data: {prometheus.without_data()}",
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
