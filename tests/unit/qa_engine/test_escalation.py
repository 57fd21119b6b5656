"""Alerts that nobody takes notice of go up."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S

from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from backbone.store.engine import open_engine
from backbone.store.journal import StoreJournal
from qa_engine import escalation
from qa_engine.escalation import Escalations, EscalationTimer
from qa_engine.events import (
    Alert,
    AlertAcknowledged,
    AlertAssigned,
    AlertEscalated,
    AlertFeedback,
    Evidence,
)
from qa_engine.settings import EscalationSettings, EscalationStep
from qa_engine.storage import PROJECTIONS, StoredAlert, changes_of, open_alerts

T = 1_700_000_000.0


def alert(number=1, severity="critical", at=T):
    return Alert(
        at=at, alert_id=f"a{number}", call_id="c1", queue="q", agent="1001", rule="r",
        kind="red_line", severity=severity, role="agent", title="红线", title_en="red line",
        phrase="包治", start=1, end=2, suspected=False, evidence=Evidence(),
    )  # fmt: skip


def left_open(assigned_at, level):
    return StoredAlert(
        seq=1, alert=alert(), state="open", acknowledged_by=None, acknowledged_at=None,
        assigned_to="", assigned_at=assigned_at, level=level, escalated_at=None, verdict=None,
        verdict_by=None, verdict_at=None,
    )  # fmt: skip


def marks(cls, at, number=1, **more):
    return cls(at=at, alert_id=f"a{number}", call_id="c1", by="lead", **more)


def levels(escalations, at):
    return [(event.alert_id, event.level) for event in escalations.due(at)]


def test_a_red_line_goes_up_step_by_step_and_no_further():
    escalations = Escalations(EscalationSettings())
    escalations.learn(alert())
    assert levels(escalations, T + 59) == []
    assert levels(escalations, T + 60) == [("a1", 2)]
    assert levels(escalations, T + 100) == []
    assert levels(escalations, T + 180) == [("a1", 3)]
    assert escalations.waiting == 0
    escalations.learn(alert())  # delivered again
    assert levels(escalations, T + 9999) == []


@pytest.mark.parametrize(
    "notice",
    [marks(AlertAcknowledged, T + 50), marks(AlertFeedback, T + 50, verdict="false_alarm")],
)
def test_notice_ends_it(notice):
    escalations = Escalations(EscalationSettings())
    escalations.learn(alert())
    escalations.learn(notice)
    assert levels(escalations, T + 9999) == []


def test_an_acknowledgement_that_overtakes_its_alert_counts():
    escalations = Escalations(EscalationSettings())
    escalations.learn(marks(AlertAcknowledged, T + 1))
    escalations.learn(alert())
    assert levels(escalations, T + 9999) == []


def test_whoever_it_was_handed_to_has_the_whole_time():
    escalations = Escalations(EscalationSettings())
    escalations.learn(alert())
    escalations.learn(marks(AlertAssigned, T + 50, to="other"))
    assert levels(escalations, T + 100) == []
    assert levels(escalations, T + 110) == [("a1", 2)]


def test_taking_it_back_from_somebody_gives_no_more_time():
    escalations = Escalations(EscalationSettings())
    escalations.learn(alert())
    escalations.learn(marks(AlertAssigned, T + 50, to=""))
    assert levels(escalations, T + 60) == [("a1", 2)]


def test_what_a_person_took_up_is_not_taken_up_again():
    escalations = Escalations(EscalationSettings())
    escalations.learn(alert())
    escalations.learn(marks(AlertEscalated, T + 5, level=2))
    assert levels(escalations, T + 100) == []
    assert levels(escalations, T + 180) == [("a1", 3)]


def test_lesser_alerts_wait_longer_or_for_ever():
    escalations = Escalations(EscalationSettings())
    escalations.learn(alert(1, "high"))
    escalations.learn(alert(2, "medium"))
    assert escalations.waiting == 1
    assert levels(escalations, T + 299) == []
    assert levels(escalations, T + 300) == [("a1", 2)]


def test_of_several_steps_that_are_due_the_highest_is_told():
    escalations = Escalations(EscalationSettings())
    escalations.learn(alert())
    assert levels(escalations, T + 500) == [("a1", 3)]


def test_what_comes_late_of_an_earlier_time_takes_nothing_back():
    escalations = Escalations(EscalationSettings())
    escalations.learn(alert())
    for event in (
        marks(AlertAssigned, T + 50, to="other"),
        marks(AlertAssigned, T + 20, to="one"),
        marks(AlertEscalated, T + 52, level=2),
        marks(AlertEscalated, T + 51, level=1),
        marks(AlertAssigned, T + 50, number=7, to="other"),  # of what is not waiting
        marks(AlertEscalated, T + 50, number=7, level=2),
    ):
        escalations.learn(event)
    assert levels(escalations, T + 229) == []
    assert levels(escalations, T + 230) == [("a1", 3)]


@pytest.mark.parametrize(
    ("assigned_at", "level", "quiet_until", "told"),
    [(None, 1, T + 60, 2), (T + 50, 1, T + 110, 2), (None, 2, T + 180, 3)],
)
def test_an_alert_that_is_taken_up_again_goes_on_where_it_was(
    assigned_at, level, quiet_until, told
):
    escalations = Escalations(EscalationSettings())
    escalations.restore(left_open(assigned_at, level))
    assert levels(escalations, quiet_until - 1) == []
    assert levels(escalations, quiet_until) == [("a1", told)]


def test_an_alert_that_had_gone_as_high_as_it_can_is_not_taken_up_again():
    escalations = Escalations(EscalationSettings())
    escalations.restore(left_open(None, 3))
    assert escalations.waiting == 0


def test_of_too_many_the_oldest_are_let_go(monkeypatch):
    monkeypatch.setattr(escalation, "_WATCHED", 2)
    escalations = Escalations(EscalationSettings())
    for number in (1, 2, 3):
        escalations.learn(alert(number))
    assert levels(escalations, T + 60) == [("a2", 2), ("a3", 2)]
    # Twice as many are remembered, so that none comes again when it is delivered again.
    escalations.learn(alert(4))
    escalations.learn(alert(1))
    assert [name for name, _ in levels(escalations, T + 60)] == ["a4"]


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["low", "high", "critical"]), st.integers(1, 50),
                  st.integers(2, 5)), max_size=5),
    looks=st.lists(st.integers(0, 60), max_size=30),
)  # fmt: skip
def test_levels_only_rise(steps, looks):
    settings = EscalationSettings(
        steps=[EscalationStep(severity=s, after_s=a, level=n) for s, a, n in steps]
    )
    escalations = Escalations(settings)
    escalations.learn(alert())
    told = [level for at in sorted(looks) for _, level in levels(escalations, T + at)]
    assert told == sorted(set(told))
    assert all(level > 1 for level in told)


async def test_the_timer_escalates_what_an_earlier_run_left_open(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    counters, clock = Counters(), ManualClock(T)
    journal = StoreJournal(engine, counters, PROJECTIONS)
    bus = Bus(counters, journal)
    journal.start()
    await bus.start()
    old = alert(9, at=T - 9000)
    for event in (old, alert(1, at=T - 40), alert(2, at=T - 40), marks(AlertAcknowledged, T, 2)):
        await bus.publish(event)
    seen = bus.subscribe("test", AlertEscalated)
    timer = EscalationTimer(EscalationSettings(), bus, clock, counters, engine=engine)
    running = asyncio.create_task(timer.run())
    async with asyncio.timeout(PATIENCE_S):
        while True:  # reading the store takes a thread, which no clock of ours moves
            await clock.advance(1)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    event = (await anext(seen)).event
                    break
    assert (event.alert_id, event.level, event.by) == ("a1", 2, "timer")
    assert counters.get("alerts_escalated", level="2") == 1
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await journal.close()
    with engine.connect() as connection:
        assert {s.alert.alert_id: s.level for s in open_alerts(connection)} == {"a1": 2, "a9": 1}
        assert changes_of(connection, "c1", "a1") == [event]
    engine.dispose()
