"""Made-up history is like a hotline's, and the same each time."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from backbone.store.engine import open_engine, sqlite_url
from backbone.store.schema import agent_states, alerts, calls
from metrics.history import read_kpis
from metrics.periods import period_of
from metrics.settings import MetricsSettings
from metrics.synthetic import HistoryPlan, write_history
from qa_engine.storage import recent_alerts

PLAN = HistoryPlan(1500, date(2026, 11, 2), 7, ZoneInfo("Asia/Shanghai"))


def written(folder, plan=PLAN):
    engine = open_engine(sqlite_url(folder / "history.db"))
    assert write_history(engine, plan) == pytest.approx(plan.calls, abs=1)
    return engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = written(tmp_path_factory.mktemp("history"))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def week(engine):
    settings = MetricsSettings()
    period = period_of("week", PLAN.first, settings.zone)
    with engine.connect() as connection:
        return read_kpis(connection, period, settings, now=period.end, by=("queue", "hour_of_day"))


def test_a_week_has_all_its_calls_and_a_plausible_service(week):
    assert week.total.offered == pytest.approx(1500, abs=1)
    assert 0.85 < week.total.answer_rate < 1
    assert 0.1 < week.total.occupancy < 0.9
    assert 0 < week.total.repeat_rate < 0.3
    assert week.total.callbacks > 0
    assert week.total.satisfaction > 0.8
    hours = {row.key: row.kpis.offered for row in week.by["hour_of_day"]}
    assert hours["09"] > 10 * hours["23"]


def test_an_agent_does_one_thing_at_a_time(engine):
    table = agent_states.c
    with engine.connect() as connection:
        rows = connection.execute(
            select(table.agent, table.at, table.state).order_by(table.agent, table.at, table.seq)
        ).all()
    follow = {
        (before.state, after.state)
        for before, after in pairwise(rows)
        if before.agent == after.agent
    }
    assert ("talking", "talking") not in follow
    assert {after for before, after in follow if before == "talking"} == {"wrap_up"}


def test_alerts_can_be_read_as_the_console_reads_them(engine):
    with engine.connect() as connection:
        number = connection.scalar(select(func.count()).select_from(alerts))
        stored = recent_alerts(connection, limit=5)
    assert number > 100
    assert [alert.alert.title for alert in stored if not alert.alert.title] == []
    assert len(stored) == 5


def test_the_same_seed_gives_the_same_history(engine, tmp_path):
    again = written(tmp_path)
    query = select(calls).order_by(calls.c.call_id)
    with engine.connect() as one, again.connect() as other:
        assert one.execute(query).all() == other.execute(query).all()
    again.dispose()
