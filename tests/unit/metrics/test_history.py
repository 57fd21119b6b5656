"""KPIs of a period, read from a real store."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from backbone.store.engine import open_engine, sqlite_url
from backbone.store.schema import (
    agent_states,
    alerts,
    calls,
    direct_calls,
    legs,
    ratings,
    refused_calls,
    ring_attempts,
    segments,
)
from backbone.store.tables.guidance import call_scripts
from backbone.store.tables.work import registers
from metrics.board import Scope, Team
from metrics.history import read_kpis
from metrics.periods import period_of
from metrics.settings import MetricsSettings

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 20)
SETTINGS = MetricsSettings()
REGISTER = {
    **dict.fromkeys(("queue", "agent", "caller_id", "sex", "address", "channel"), ""),
    **dict.fromkeys(("topic", "need", "outcome", "by"), ""),
    "version": 1,
    "complete": True,
    "at": 0.0,
    "first_at": 0.0,
}
MUCH_LATER = datetime(2027, 1, 1, tzinfo=ZONE).timestamp()


def at(clock, day=DAY):
    """A local time of the day, as `09:30:15`."""
    return datetime.fromisoformat(f"{day.isoformat()}T{clock}").replace(tzinfo=ZONE).timestamp()


class World:
    """A store, and short words to put something into it."""

    def __init__(self, engine):
        self.engine = engine
        self._number = 0

    def put(self, table, **values):
        with self.engine.begin() as connection:
            connection.execute(insert(table).values(values))

    def call(self, joined_at, *, outcome="answered", **more):
        self._number += 1
        call_id = f"call-{self._number}"
        answered = outcome in {"answered", None}
        values = {
            "call_id": call_id,
            "system": "pbx",
            "uniqueid": call_id,
            "visit": 1,
            "queue": "support",
            "caller": f"1380000{self._number:04d}",
            "agent": "PJSIP/1001" if answered else "",
            "outcome": outcome,
            "joined_at": joined_at,
            "answered_at": joined_at + 8 if answered else None,
            "ended_at": None if outcome is None else joined_at + 100,
            "wait_s": 8.0,
            "ring_s": 6.0 if answered else None,
            "rings": 2 if answered else None,
            "talk_s": 92.0 if outcome == "answered" else None,
            "hangup_by": "customer",
            "complete": True,
        }
        self.put(calls, **(values | more))
        return call_id

    def state(self, agent, when, state):
        self._number += 1
        self.put(agent_states, seq=self._number, system="pbx", agent=agent, at=when, state=state)

    def alert(self, when, *, kind="dead_air", acknowledged_at=None, **more):
        self._number += 1
        values = {
            "alert_id": f"alert-{self._number}",
            "call_id": "call-1",
            "queue": "support",
            "agent": "PJSIP/1001",
            "rule": kind,
            "kind": kind,
            "severity": "high",
            "role": "agent",
            "title": "",
            "title_en": "",
            "phrase": "",
            "start": 0.0,
            "end": 1.0,
            "suspected": False,
            "evidence": "{}",
            "at": when,
            "state": "acknowledged" if acknowledged_at else "open",
            "acknowledged_at": acknowledged_at,
        }
        self.put(alerts, **(values | more))

    def read(self, kind="day", on=DAY, *, now=MUCH_LATER, settings=SETTINGS, **more):
        with self.engine.connect() as connection:
            period = period_of(kind, on, settings.zone)
            return read_kpis(connection, period, settings, now=now, **more)


@pytest.fixture
def world(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "calls.db"))
    yield World(engine)
    engine.dispose()


def keyed(report, dimension):
    return {row.key: row.kpis for row in report.by[dimension]}


def test_a_call_belongs_to_the_local_day_in_which_it_joined(world):
    world.call(at("00:00:00"))
    world.call(at("23:59:59"), ended_at=at("00:10:00", date(2026, 11, 21)))
    world.call(at("23:59:59", date(2026, 11, 19)))
    world.call(at("00:00:00", date(2026, 11, 21)))
    assert world.read().total.offered == 2
    utc = MetricsSettings(time_zone="UTC")
    assert world.read(settings=utc).total.offered == 2  # 23:59:59 and midnight of Shanghai
    assert world.read("week").total.offered == world.read("month").total.offered == 4


def test_a_connected_call_counts_as_answered_and_a_waiting_one_not_yet(world):
    world.call(at("09:00:00"), outcome=None)
    world.call(at("09:00:00"), outcome=None, answered_at=None, agent="")
    found = world.read().total
    assert (found.joined, found.answered, found.handled) == (1, 1, 0)


def test_a_call_transferred_back_into_a_queue_is_two_visits_and_one_call(world):
    world.call(at("09:00:00"), uniqueid="7", caller="13800001111")
    world.call(at("09:05:00"), uniqueid="7", caller="13800001111", visit=2, queue="other")
    report = world.read(by=("queue",))
    assert (report.total.joined, report.total.calls) == (2, 1)
    assert (report.total.repeat_calls, report.total.first_contact_resolution) == (0, 1.0)
    assert {key: row.calls for key, row in keyed(report, "queue").items()} == {
        "support": 1,
        "other": 0,
    }


def test_rows_by_every_dimension_add_up_to_the_total(world):
    for hour in range(0, 24, 3):
        for day in (16, 20, 22):
            world.call(at(f"{hour:02}:30:00", date(2026, 11, day)), queue=f"q{hour % 2}")
            world.call(at(f"{hour:02}:40:00", date(2026, 11, day)), outcome="abandoned")
    dimensions = ("queue", "hour", "hour_of_day", "weekday", "day", "week", "month")
    report = world.read("week", by=dimensions)
    assert report.total.offered == 48
    for dimension in dimensions:
        rows = keyed(report, dimension).values()
        assert sum(row.offered for row in rows) == 48, dimension
        assert sum(row.answered for row in rows) == 24, dimension
    assert set(keyed(report, "weekday")) == {"1", "5", "7"}
    assert keyed(report, "day")["2026-11-20"].offered == 16
    assert keyed(report, "hour")["2026-11-20T09:00+08:00"].offered == 2
    assert set(keyed(report, "week")) == {"2026-W47"}


def test_a_team_has_what_its_queues_and_its_agents_have_once(world):
    world.call(at("09:00:00"))
    world.call(at("09:00:00"), queue="night", agent="PJSIP/1009")
    world.call(at("09:00:00"), queue="day", agent="PJSIP/1002")
    world.call(at("09:00:00"), queue="night", outcome="abandoned")
    teams = {
        "night": Team(frozenset({"night"}), frozenset({"PJSIP/1009"})),
        "all": Team(frozenset({"night", "day", "support"}), frozenset({"PJSIP/1001"})),
    }
    rows = keyed(world.read(by=("team", "agent"), teams=teams), "team")
    assert (rows["night"].offered, rows["night"].answered) == (2, 1)
    assert (rows["all"].offered, rows["all"].answered) == (4, 3)


def test_a_scope_leaves_out_what_is_neither_its_queues_nor_its_agents(world):
    world.call(at("09:00:00"))
    world.call(at("09:00:00"), queue="night", agent="PJSIP/1009")
    world.call(at("09:00:00"), queue="day", outcome="abandoned")
    report = world.read(by=("queue",), scope=Scope(queues={"day"}, agents={"PJSIP/1009"}))
    assert report.total.offered == 2
    assert set(keyed(report, "queue")) == {"night", "day"}


def test_agents_are_measured_by_their_rings(world):
    world.call(at("09:00:00"))
    for number, (agent, result) in enumerate(
        [
            ("PJSIP/1001", "answered"),
            ("PJSIP/1001", "no_answer"),
            ("PJSIP/1001", "busy"),
            ("PJSIP/1001", "cancelled"),
            ("PJSIP/1002", "no_answer"),
        ]
    ):
        world.put(
            ring_attempts,
            call_id="call-1",
            attempt_id=f"{number}",
            queue="support",
            agent=agent,
            ended_at=at("09:00:10"),
            result=result,
        )
    rows = keyed(world.read(by=("agent",)), "agent")
    assert rows["PJSIP/1001"].ring_answer_rate == pytest.approx(1 / 3)
    assert rows["PJSIP/1001"].missed_rings == 2
    assert rows["PJSIP/1001"].answer_rate is None
    assert rows["PJSIP/1002"].ring_answer_rate == 0.0
    assert world.read().total.ring_answer_rate == 0.25


def test_occupancy_is_cut_at_midnight_and_at_the_hour(world):
    agent = "PJSIP/1001"
    before = date(2026, 11, 19)
    world.state(agent, at("23:30:00", before), "talking")
    world.state(agent, at("00:30:00"), "available")
    world.state(agent, at("01:30:00"), "paused")
    world.state(agent, at("02:00:00"), "logged_out")
    report = world.read(by=("agent", "hour_of_day"))
    assert report.total.occupancy == pytest.approx(1 / 3)
    hours = keyed(report, "hour_of_day")
    assert hours["00"].occupancy == 0.5
    assert hours["01"].occupancy == 0.0
    assert "02" not in hours
    assert keyed(report, "agent")[agent].occupancy == pytest.approx(1 / 3)
    assert world.read(on=before).total.occupancy == 1.0


def test_a_state_lasts_until_now_and_no_longer_than_a_day(world):
    world.state("PJSIP/1001", at("09:00:00"), "talking")
    world.state("PJSIP/1002", at("09:00:00"), "available")
    now = at("10:00:00")
    assert world.read(now=now).total.occupancy == 0.5
    assert world.read("month", now=MUCH_LATER).total.occupancy == 0.5


def test_a_caller_who_comes_back_is_a_repeat_and_was_not_resolved(world):
    world.call(at("09:00:00"), caller="13811112222")
    world.call(at("11:00:00"), caller="13811112222")
    world.call(at("11:00:00"), caller="13833334444")
    world.call(at("11:00:00"), caller="anonymous")
    world.call(at("12:00:00"), caller="anonymous")
    found = world.read().total
    assert found.repeat_rate == pytest.approx(1 / 3)
    assert found.first_contact_resolution == pytest.approx(2 / 3)
    assert found.first_contact_calls == 3
    early = world.read(now=at("13:00:00")).total
    assert early.first_contact_resolution is None  # nobody has had a week to call again
    assert early.first_contact_resolution_provisional == pytest.approx(2 / 3)


def test_calls_outside_the_period_are_neighbours_only(world):
    world.call(at("09:00:00", date(2026, 11, 19)), caller="13811112222")
    world.call(at("09:00:00"), caller="13811112222")
    world.call(at("09:00:00", date(2026, 11, 21)), caller="13811112222")
    found = world.read().total
    assert (found.joined, found.repeat_calls) == (1, 1)
    assert found.first_contact_resolution == 0.0


def test_an_unanswered_caller_who_is_dialled_in_time_was_called_back(world):
    for number, caller in enumerate(("13811112222", "13833334444", "anonymous")):
        world.call(at(f"09:0{number}:00"), outcome="abandoned", caller=caller)
    for number, (dialled, when) in enumerate(
        [("913811112222", at("10:00:00")), ("13833334444", at("08:00:00"))]
    ):
        world.put(
            direct_calls,
            call_id=f"out-{number}",
            system="pbx",
            uniqueid=f"out-{number}",
            direction="outbound",
            agent="PJSIP/1001",
            number=dialled,
            started_at=when,
            ended_at=when + 60,
            outcome="answered",
            complete=True,
        )
    found = world.read().total
    assert (found.callbacks, found.callback_rate) == (1, 0.5)


def test_what_belongs_to_calls_is_counted_by_their_queue(world):
    call = world.call(at("09:00:00"))
    world.put(refused_calls, system="pbx", uniqueid="r", attempt=1, queue="support",
              reason="full", at=at("09:00:00"))  # fmt: skip
    world.put(ratings, call_id=call, queue="support", agent="PJSIP/1001", scale="five", value=5,
              at=at("09:02:00"))  # fmt: skip
    world.alert(at("09:01:00"), kind="red_line", acknowledged_at=at("09:01:20"))
    world.alert(at("09:01:00"))
    world.put(call_scripts, call_id=call, script="appointment", topic="appointment", required=4,
              done=3, steps="[]", at=at("09:02:00"))  # fmt: skip
    for role, complete in (("agent", True), ("customer", False)):
        world.put(legs, leg_id=role, call_id=call, role=role, rate=8000, opened_at=at("09:00:08"),
                  offset_s=0.0, closed_at=at("09:02:00"), complete=complete)  # fmt: skip
    for number, unintelligible in enumerate((False, False, True)):
        world.put(segments, segment_id=f"{number}", call_id=call, leg_id="agent", role="agent",
                  start=0.0, end=1.0, text="", language="zh", confidence=0.8, level_db=-20.0,
                  unintelligible=unintelligible, at=at("09:01:00"))  # fmt: skip
    report = world.read(by=("queue",))
    assert keyed(report, "queue")["support"] == report.total
    found = report.total
    assert (found.refused, found.answer_rate, found.answer_rate_with_refused) == (1, 1.0, 0.5)
    assert (found.satisfaction, found.rating_share) == (1.0, 1.0)
    assert (found.alerts, found.red_lines, found.mean_acknowledge_time_s) == (2, 1, 20.0)
    assert found.script_compliance == 0.75
    assert found.heard_share == 0.5
    assert found.unintelligible_share == pytest.approx(1 / 3)
    assert found.mean_confidence == pytest.approx(0.8)
    assert world.read(speech=False).total.mean_confidence is None


def test_agents_say_whether_a_call_was_resolved(world):
    for number, resolved in enumerate((True, True, False, None)):
        call = world.call(at(f"09:0{number}:00"))
        world.put(registers, call_id=call, first_contact_resolved=resolved, **REGISTER)
    found = world.read().total
    assert (found.disposition_calls, found.first_contact_by_disposition) == (
        3,
        pytest.approx(2 / 3),
    )
