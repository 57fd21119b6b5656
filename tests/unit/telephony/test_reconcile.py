"""queue_log read tolerantly, and records compared with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner
from unit.telephony.scenario import Script

from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal
from telephony import storage
from telephony.events import ReconcileFinished
from telephony.queue_log import read_queue_log
from telephony.reconcile import compare
from telephony.reconcile_job import QueueLogError, ReconcileJob, load_queue_log, seconds_until
from telephony.replay import records_from_capture
from telephony.settings import ReconcileSettings
from tingzhen.cli import app

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
NAMES = sorted(path.stem for path in CAPTURES.glob("*.ami"))


def log_of(*lines):
    return read_queue_log(lines)


@pytest.mark.parametrize("name", NAMES)
def test_recorded_calls_agree_with_what_asterisk_logged(name):
    records = list(records_from_capture(CAPTURES / f"{name}.ami"))
    found = compare(records, load_queue_log(CAPTURES / f"{name}.queue_log"))
    assert found.compared == 1
    assert found.differences == ()


BEFORE = "100|c.1|support|NONE|ENTERQUEUE||5550100|1"


@pytest.mark.parametrize(
    ("line", "outcome", "wait", "talk", "hangup_by"),
    [
        ("107|c.1|support|NONE|ABANDON|1|1|7", "abandoned", 7, None, ""),
        ("107|c.1|support|NONE|EXITWITHTIMEOUT|1|1|7", "timeout", 7, None, ""),
        ("107|c.1|support|NONE|EXITWITHKEY|2|1|1|7", "exit_key", 7, None, ""),
        ("107|c.1|support|NONE|EXITEMPTY|1|1|7", "exit_empty", 7, None, ""),
        ("107|c.1|support|NONE|WITHDRAW|1|1|7|", "withdrawn", 7, None, ""),
        ("107|c.1|support|A|COMPLETECALLER|3|4|1", "answered", None, 4, "customer"),
        ("107|c.1|support|A|COMPLETEAGENT|3|4|1", "answered", None, 4, "agent"),
        ("107|c.1|support|A|BLINDTRANSFER|9|ctx|3|4|1", "answered", None, 4, "transfer"),
        ("107|c.1|support|A|ATTENDEDTRANSFER|BRIDGE|b|3|4|1", "answered", None, 4, "transfer"),
    ],
)
def test_end_of_a_visit_is_read(line, outcome, wait, talk, hangup_by):
    (visit,) = log_of(BEFORE, line).visits
    assert (visit.outcome, visit.wait_s, visit.talk_s, visit.hangup_by) == (
        outcome,
        wait,
        talk,
        hangup_by,
    )
    assert (visit.entered_at, visit.ended_at, visit.line) == (100, 107, 1)


def test_second_visit_of_a_channel_and_rings_are_kept_apart():
    log = log_of(
        BEFORE,
        "103|c.1|support|A|RINGNOANSWER|3000",
        "104|c.1|support|B|CONNECT|4|b.1|1",
        "105|c.1|support|B|BLINDTRANSFER|8012|hotline|4|1|1",
        "105|c.1|report|NONE|ENTERQUEUE||5550100|1",
        "106|c.1|report|C|CONNECT|1|b.2|1",
        "109|c.1|report|C|COMPLETEAGENT|1|3|1",
    )
    first, second = log.visits
    assert (first.visit, first.agent, first.missed, first.wait_s) == (1, "B", 1, 4)
    assert (second.visit, second.agent, second.missed, second.talk_s) == (2, "C", 0, 3)
    assert log.bad_lines == []


def test_next_queue_may_be_entered_before_the_transfer_is_logged():
    first, second = log_of(
        BEFORE,
        "104|c.1|support|B|CONNECT|4|b.1|1",
        "105|c.1|report|NONE|ENTERQUEUE||5550100|1",
        "105|c.1|support|B|BLINDTRANSFER|report|hotline|4|1|1",
        "108|c.1|report|NONE|EXITWITHTIMEOUT|1|1|3",
    ).visits
    assert (first.queue, first.hangup_by, first.talk_s) == ("support", "transfer", 1)
    assert (second.queue, second.outcome, second.visit) == ("report", "timeout", 2)


def test_ring_that_outlasts_its_caller_makes_no_second_visit():
    log = log_of(
        BEFORE,
        "107|c.1|support|NONE|EXITWITHTIMEOUT|1|1|7",
        "107|c.1|support|A|RINGNOANSWER|7000",
    )
    (visit,) = log.visits
    assert (visit.outcome, visit.missed) == ("timeout", 1)


def test_bad_lines_are_reported_with_their_numbers_and_cost_nothing_else():
    log = log_of(
        "garbage",
        BEFORE,
        "soon|c.1|support|NONE|ABANDON|1|1|7",
        "",
        "107|c.1|support|NONE|ABANDON|1|1|x",
        "108|MANAGER|support|PJSIP/1|ADDMEMBER|",
        "109|c.9|support|A|SOMETHINGNEW|1",
    )
    assert [bad.line for bad in log.bad_lines] == [1, 3, 5]
    (visit,) = log.visits
    assert (visit.outcome, visit.wait_s) == ("abandoned", None)


def test_restart_cuts_the_open_visits_off():
    log = log_of(BEFORE, "104|c.1|support|B|CONNECT|4|b.1|1", "110|NONE|NONE|NONE|QUEUESTART|")
    (visit,) = log.visits
    assert visit.restarted
    assert visit.ended_at is None


@given(st.lists(st.text(st.sampled_from("|0123456789.ENTERQUCOabx \n")) | st.text()))
def test_no_line_raises(lines):
    log = read_queue_log(lines)
    assert len(log.bad_lines) <= len(lines)


def answered():
    script = Script(caller="c.1").answered()
    return script.hangup_request(11).complete(11, "caller").hangup(11.001).record


def log_lines(record, **change):
    """Asterisk's lines of the call above, cut to whole seconds as it does."""
    told = {"agent": "PJSIP/1001", "end": "COMPLETECALLER", "hold": 3, "ring": 2, "talk": 8}
    told |= change
    joined = int(record.joined_at)
    return [
        f"{joined}|c.1|support|NONE|ENTERQUEUE||5550100|1",
        f"{joined + 3}|c.1|support|{told['agent']}|CONNECT|{told['hold']}|a.1|{told['ring']}",
        f"{joined + 11}|c.1|support|{told['agent']}|{told['end']}|{told['hold']}|{told['talk']}|1",
    ]


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, []),
        ({"agent": "Agent PJSIP/1001"}, []),
        ({"hold": 4, "talk": 7, "ring": 4}, []),
        ({"ring": 0}, []),
        ({"agent": "PJSIP/1002"}, ["agent"]),
        ({"end": "COMPLETEAGENT"}, ["hangup_by"]),
        ({"hold": 5}, ["wait"]),
        ({"talk": 10}, ["talk"]),
        ({"ring": 6}, ["ring"]),
    ],
)
def test_each_difference_is_named(change, kinds):
    record = answered()
    found = compare([record], log_of(*log_lines(record, **change)))
    assert [difference.kind for difference in found.differences] == kinds


def test_calls_that_only_one_side_has():
    record = answered()
    lines = log_lines(record)
    assert [d.kind for d in compare([], log_of(*lines)).differences] == ["missing"]
    start = int(record.joined_at)
    other = [f"{start - 1}|MANAGER|support|PJSIP/1001|ADDMEMBER|", *lines]
    moved = msgspec.structs.replace(record, uniqueid="c.2")
    found = compare([record, moved], log_of(*other))
    assert [(d.kind, d.uniqueid) for d in found.differences] == [("extra", "c.2")]


def test_a_visit_under_way_is_nobodys_fault_and_a_missed_ring_is():
    record = answered()
    lines = log_lines(record)
    assert compare([], log_of(*lines[:2])).differences == ()
    found = compare(
        [record], log_of(lines[0], "9999999999|c.1|support|A|RINGNOANSWER|1", *lines[1:])
    )
    assert [d.kind for d in found.differences] == ["missed_rings"]


def test_what_queue_log_cannot_tell_is_no_difference():
    record = answered()
    moved = msgspec.structs.replace(
        record, outcome="transferred_in_queue", agent="", wait_s=7.0, talk_s=None
    )
    joined = int(record.joined_at)
    log = log_of(log_lines(record)[0], f"{joined + 7}|c.1|support|NONE|ABANDON|1|1|7")
    assert compare([moved], log).differences == ()
    by_operator = msgspec.structs.replace(record, hangup_by="system")
    assert compare([by_operator], log_of(*log_lines(record))).differences == ()


def test_window_leaves_other_days_out():
    record = answered()
    log = log_of(*log_lines(record))
    assert compare([], log, since=record.joined_at + 60).differences == ()
    assert compare([], log, until=record.joined_at - 60).differences == ()


def run_cli(*args):
    return CliRunner().invoke(app, ["reconcile", *map(str, args)])


def test_command_lists_differences_and_exits_by_them(tmp_path):
    ami = CAPTURES / "answered.ami"
    same = run_cli("--queue-log", CAPTURES / "answered.queue_log", "--ami", ami, "--json")
    assert same.exit_code == 0
    assert json.loads(same.stdout)["differences"] == 0
    text = (CAPTURES / "answered.queue_log").read_text().replace("COMPLETECALLER", "COMPLETEAGENT")
    (tmp_path / "queue_log").write_text(text)
    other = run_cli("--queue-log", tmp_path / "queue_log", "--ami", ami, "--json")
    assert other.exit_code == 1
    difference, summary = map(json.loads, other.stdout.splitlines())
    assert (difference["kind"], difference["ours"], difference["log"]) == (
        "hangup_by",
        "customer",
        "agent",
    )
    assert summary["by_kind"] == {"hangup_by": 1}


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01"])
def test_unusable_option_is_refused(since):
    result = run_cli("--queue-log", CAPTURES / "answered.queue_log", "--since", since)
    assert "--since" in str(result.exception)


def test_file_that_is_none_is_told(tmp_path):
    (tmp_path / "x").write_text("hello\n")
    with pytest.raises(QueueLogError, match="no queue_log"):
        load_queue_log(tmp_path / "x")
    with pytest.raises(QueueLogError, match="No such file"):
        load_queue_log(tmp_path / "none")


@pytest.mark.parametrize(("hour", "wait"), [(3, 10 * 60), (4, 23 * 3600 + 10 * 60)])
def test_the_job_waits_for_its_time(hour, wait):
    now = datetime(2026, 11, 21, hour, 0, tzinfo=UTC)
    assert seconds_until(now, ReconcileSettings().at_minute) == wait


async def test_the_job_compares_a_day_of_the_store_and_tells(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "calls.db"))
    counters, clock = Counters(), ManualClock()
    journal = StoreJournal(engine, counters, storage.PROJECTIONS)
    bus = Bus(counters, journal)
    journal.start()
    await bus.start()
    told = bus.subscribe("test", ReconcileFinished)
    script = Script(caller="c.1").answered()
    script.hangup_request(11).complete(11, "caller").hangup(11.001)
    for event in script.events:
        await bus.publish(event)
    path = tmp_path / "queue_log"
    path.write_text("\n".join(log_lines(script.record, end="COMPLETEAGENT")))
    job = ReconcileJob(
        ReconcileSettings(queue_log=path), "pbx", engine, bus=bus, clock=clock, counters=counters
    )
    day = datetime.fromtimestamp(script.record.joined_at, UTC)
    found = await job.compare_day(day - timedelta(minutes=1), day + timedelta(minutes=1))
    assert found.counts == {"hangup_by": 1}
    event = (await anext(told)).event
    assert (event.visits, event.differences) == (1, {"hangup_by": 1})
    assert counters.get("reconcile_differences", system="pbx", kind="hangup_by") == 1
    path.unlink()
    assert await job.compare_day(day, day) is None
    assert counters.get("reconcile_failures", system="pbx") == 1
    await journal.close()
    engine.dispose()
