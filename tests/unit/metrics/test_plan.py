"""The week ahead, from a store to the command line."""

from __future__ import annotations

import json
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from backbone.errors import UserError
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.schema import alerts, calls
from backbone.store.tables.guidance import call_topics
from metrics.forecast.complaints import TopicWeek
from metrics.forecast.plan import DEFAULT_AHT_S, plan_week, read_past
from metrics.forecast.staffing import ServiceTarget
from metrics.periods import midnight
from tingzhen.cli import app

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 23)
FIRST = TODAY - timedelta(weeks=8)


def call(number, at, **other):
    return {
        "call_id": str(number),
        "system": "main",
        "uniqueid": f"{at}.{number}",
        "visit": 1,
        "queue": "support",
        "joined_at": at,
        "outcome": "answered",
        "wait_s": 4.0,
        "talk_s": 100.0,
        "wrap_up_s": 20.0,
        **other,
    }


def alert(number, **other):
    return {
        "alert_id": str(number),
        "call_id": str(number),
        "rule": "complaint",
        "kind": "customer_complaint",
        "severity": "ordinary",
        "role": "customer",
        "title": "",
        "title_en": "",
        "phrase": "",
        "start": 0.0,
        "end": 0.0,
        "suspected": False,
        "evidence": "{}",
        "at": 0.0,
        "state": "open",
        **other,
    }


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Eight weeks with two calls at 09:30 each day, and one of them about charges."""
    monkeypatch.setenv("TINGZHEN_DATA_DIR", str(tmp_path))
    rows, topics, complaints = [], [], []
    for day in range(56):
        start = midnight(FIRST + timedelta(days=day), SHANGHAI) + 9.5 * 3600
        rows += [call(2 * day, start), call(2 * day + 1, start + 60)]
        topics.append(2 * day)
    rows.append(call("again", rows[-1]["joined_at"] + 9, visit=2))
    rows.append(call("gone", midnight(TODAY, SHANGHAI) - 60, outcome="abandoned", talk_s=None))
    rows.append(call("today", midnight(TODAY, SHANGHAI) + 5))
    complaints = [topics[2], *topics[-7:]]
    engine = open_engine(sqlite_url(tmp_path / "tingzhen.sqlite3"))
    with engine.begin() as connection:
        connection.execute(insert(calls), rows)
        connection.execute(
            insert(call_topics),
            [
                {
                    "call_id": str(number),
                    "topic": "charges",
                    "title": "费用",
                    "title_en": "Charges",
                    "confidence": 1.0,
                    "stable": True,
                    "at": 0.0,
                }
                for number in topics
            ],
        )
        connection.execute(insert(alerts), [alert(number) for number in complaints])
        connection.execute(insert(alerts), [alert("twice", call_id=str(topics[-1]))])
    yield engine
    engine.dispose()


def test_whole_weeks_before_today_are_read_and_a_call_counts_once(store):
    with store.connect() as connection:
        past = read_past(connection, SHANGHAI, TODAY)
    assert past.first == FIRST
    assert past.history.shape == (56, 48)
    assert past.history[:, 19].tolist() == [2.0] * 56
    assert past.history[-1, 47] == 1
    assert past.history.sum() == 113
    assert past.aht_s == pytest.approx(120)
    assert past.patience_s == pytest.approx(114 * 4)
    assert past.topics == {
        "charges": (TopicWeek(7, 1), *[TopicWeek(7, 0)] * 6, TopicWeek(7, 7)),
    }


def test_the_plan_has_seven_days_with_seats_by_both_models_and_the_warning(store):
    with store.connect() as connection:
        plan = plan_week(read_past(connection, SHANGHAI, TODAY), ServiceTarget())
    assert [day.day for day in plan.days] == [TODAY + timedelta(days=ahead) for ahead in range(7)]
    busy = plan.days[2].slots[19]
    assert (busy.time, busy.calls) == ("09:30", 2)
    assert busy.by_erlang_a is not None
    assert busy.by_erlang_a.seats <= busy.by_erlang_c.seats
    assert plan.errors is not None
    assert plan.errors.wape == pytest.approx(1 / 57)  # the one who hung up
    assert [warning.topic for warning in plan.warnings] == ["charges"]


def test_an_empty_store_has_no_week_to_go_by(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "empty.sqlite3"))
    with engine.connect() as connection:
        past = read_past(connection, SHANGHAI, TODAY)
    engine.dispose()
    assert (len(past.history), past.aht_s, past.patience_s, past.topics) == (0, None, None, {})
    with pytest.raises(ValueError, match="0 days"):
        plan_week(past, ServiceTarget())


def test_without_a_handled_call_the_handle_time_is_said_to_be_assumed(store):
    with store.connect() as connection:
        past = read_past(connection, SHANGHAI, TODAY)
    past = type(past)(
        first=past.first, history=past.history, aht_s=None, patience_s=None, topics={}
    )
    plan = plan_week(past, ServiceTarget())
    assert (plan.aht_s, plan.aht_known) == (DEFAULT_AHT_S, False)
    assert plan.days[0].slots[0].by_erlang_a is None


def run(*arguments):
    return CliRunner().invoke(app, ["forecast", "--on", TODAY.isoformat(), *arguments])


def test_the_command_prints_days_basis_and_json(store):  # noqa: ARG001 - read by the command
    shown = run()
    assert shown.exit_code == 0
    assert "2026-11-23 Mon" in shown.stdout
    assert "09:30" in shown.stdout
    assert "mean of 6 weeks; handle time 120 s" in shown.stdout
    assert "complaints: charges: 7 of 7" in shown.stdout
    assert len(run("--half-hours").stdout.splitlines()) > 7 * 48
    lines = [json.loads(line) for line in run("--json").stdout.splitlines()]
    assert [line["type"] for line in lines] == ["forecast_day"] * 7 + ["forecast"]
    assert lines[0]["slots"][19]["by_erlang_c"]["seats"] >= 1
    assert lines[-1]["errors"]["weeks"] == 4


@pytest.mark.parametrize(
    ("arguments", "word"), [(["--on", "soon"], "not a day"), (["--on", "2020-01-01"], "0 days")]
)
def test_what_cannot_be_forecast_is_said_in_a_line(store, arguments, word):  # noqa: ARG001 - read
    result = CliRunner().invoke(app, ["forecast", *arguments])
    assert isinstance(result.exception, UserError)
    assert word in str(result.exception)
