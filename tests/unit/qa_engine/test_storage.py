import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from backbone import audit
from backbone.events import encode, kind_of
from backbone.store.engine import open_engine
from backbone.store.schema import journal
from qa_engine.alerts import TRANSITIONS, advance
from qa_engine.events import (
    Alert,
    AlertAcknowledged,
    AlertAssigned,
    AlertCommented,
    AlertEscalated,
    AlertFeedback,
    Evidence,
    RuleMuted,
)
from qa_engine.storage import (
    PROJECTIONS,
    RuleCount,
    alerts_of,
    changes_of,
    comments_of,
    muted_rules_of,
    open_alerts,
    recent_alerts,
    rule_counts,
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine):
    with engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


def alert(number, call_id="c1", at=100.0):
    return Alert(
        at=at, alert_id=f"a{number}", call_id=call_id, queue="q", agent="1001", rule="r",
        kind="taboo_phrase", severity="high", role="agent", title="禁语", title_en="taboo",
        phrase="不归我管", start=1, end=2, suspected=False, advice="提醒",
        evidence=Evidence(segment_id="s", text="不归我管", span=(0, 4)),
    )  # fmt: skip


def acknowledged(number, by="lead", at=110.0):
    return AlertAcknowledged(at=at, alert_id=f"a{number}", call_id="c1", by=by)


def store(connection, *events):
    for event in events:
        row = {"kind": kind_of(type(event)), "call_id": event.call_id, "at": event.at}
        result = connection.execute(insert(journal).values(payload=encode(event), **row))
        for projection in PROJECTIONS[type(event)]:
            projection(connection, result.inserted_primary_key[0], event)


def test_an_alert_is_read_as_it_was_raised(connection):
    store(connection, alert(1), alert(2, "c2"), alert(3))
    first, third = alerts_of(connection, "c1")
    assert (first.alert, first.state) == (alert(1), "open")
    assert third.alert.alert_id == "a3"
    assert [stored.alert.alert_id for stored in open_alerts(connection)] == ["a3", "a2", "a1"]
    assert len(recent_alerts(connection, limit=2)) == 2


def test_acknowledging_takes_it_off_the_open_ones(connection):
    store(connection, alert(1), alert(2), acknowledged(1), acknowledged(1, by="other", at=120.0))
    assert [stored.alert.alert_id for stored in open_alerts(connection)] == ["a2"]
    (stored,) = [s for s in recent_alerts(connection) if s.alert.alert_id == "a1"]
    assert (stored.acknowledged_by, stored.acknowledged_at) == ("lead", 110.0)


def test_what_is_not_known_cannot_be_acknowledged(connection):
    store(connection, acknowledged(9))
    assert recent_alerts(connection) == []
    with pytest.raises(ValueError, match="unknown cannot acknowledge"):
        advance(None, "acknowledge")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from([alert(1), acknowledged(1)]), min_size=1, max_size=6))
def test_events_may_come_twice_and_nothing_opens_again(engine, events):
    with engine.connect() as connection:
        transaction = connection.begin()
        store(connection, *events)
        known = alert(1) in events
        stored = recent_alerts(connection)
        assert len(stored) == known
        after = events[events.index(alert(1)) :] if known else []
        if known:
            expected = "acknowledged" if acknowledged(1) in after else "open"
            assert stored[0].state == expected
        transaction.rollback()


def change(cls, number=1, at=120.0, by="lead", **more):
    return cls(at=at, alert_id=f"a{number}", call_id="c1", by=by, by_role="lead", **more)


def test_what_was_done_to_an_alert_stands_in_its_row(connection):
    changes = [
        change(AlertAssigned, at=111.0, to="wang"),
        change(AlertEscalated, at=112.0, level=2),
        change(AlertCommented, at=113.0, text="已回电"),
        change(AlertFeedback, at=114.0, verdict="correct"),
        change(AlertFeedback, at=115.0, verdict="false_alarm"),
    ]
    store(connection, alert(1), alert(2), *changes, *changes[1:3])
    (stored,) = [s for s in alerts_of(connection, "c1") if s.alert.alert_id == "a1"]
    assert stored.state == "judged"
    assert (stored.assigned_to, stored.assigned_at) == ("wang", 111.0)
    assert (stored.level, stored.escalated_at) == (2, 112.0)
    assert (stored.verdict, stored.verdict_by, stored.verdict_at) == ("false_alarm", "lead", 115.0)
    assert stored.acknowledged_by == "lead"
    assert [c.text for c in comments_of(connection, "a1")] == ["已回电"]
    assert changes_of(connection, "c1", "a1")[: len(changes)] == changes
    assert changes_of(connection, "c1", "a2") == []


def test_a_level_never_sinks(connection):
    store(
        connection,
        alert(1),
        change(AlertEscalated, level=3, at=130.0),
        change(AlertEscalated, level=2, at=131.0),
    )
    (stored,) = alerts_of(connection, "c1")
    assert (stored.level, stored.escalated_at) == (3, 130.0)


def test_every_change_is_on_the_audit_chain_once_and_quotes_nothing(connection):
    changes = [
        acknowledged(1),
        change(AlertAssigned, to="wang"),
        change(AlertCommented, text="王女士 13900000000"),
        change(AlertFeedback, verdict="correct"),
        change(AlertEscalated, level=2),
        RuleMuted(at=121.0, call_id="c1", rule="r", by="lead", by_role="lead"),
    ]
    store(connection, alert(1), *changes, *changes)
    entries = audit.entries(connection)[::-1]
    assert [(e.action, e.target, e.answer) for e in entries] == [
        ("alert_acknowledged", "a1", ""),
        ("alert_assigned", "a1", "wang"),
        ("alert_commented", "a1", ""),
        ("alert_feedback", "a1", "correct"),
        ("alert_escalated", "a1", "2"),
        ("rule_muted", "r", "muted"),
    ]
    assert {e.who for e in entries} == {"lead"}
    assert {e.call_id for e in entries} == {"c1"}


def test_a_row_cut_off_the_chain_is_missed(connection):
    store(connection, alert(1), change(AlertFeedback, verdict="correct"))
    assert [e.action for e in audit.entries(connection)] == ["alert_feedback"]
    lost = change(AlertAssigned, to="wang")
    row = {"kind": kind_of(AlertAssigned), "call_id": "c1", "at": lost.at}
    connection.execute(insert(journal).values(payload=encode(lost), **row))
    assert "is not in the chain" in audit.verify(connection).reason


def test_a_rule_is_muted_until_it_is_not(connection):
    store(connection, RuleMuted(at=1.0, call_id="c1", rule="r", by="lead"))
    store(connection, RuleMuted(at=2.0, call_id="c1", rule="s", by="lead"))
    assert muted_rules_of(connection, "c1") == {"r", "s"}
    store(connection, RuleMuted(at=3.0, call_id="c1", rule="r", by="lead", muted=False))
    assert muted_rules_of(connection, "c1") == {"s"}
    assert muted_rules_of(connection, "c2") == set()


def test_precision_of_a_rule_comes_from_what_people_said_of_its_alerts(connection):
    assert rule_counts(connection) == []
    store(connection, *(alert(n, at=100.0 + n) for n in range(1, 6)))
    store(connection, acknowledged(5))
    for number in (1, 2, 3):
        verdict = "false_alarm" if number == 3 else "correct"
        store(connection, change(AlertFeedback, number, verdict=verdict))
    (count,) = rule_counts(connection)
    assert count == RuleCount(
        rule="r", alerts=5, suspected=0, acknowledged=4, correct=2, false_alarm=1
    )
    assert count.precision == pytest.approx(2 / 3)
    (early,) = rule_counts(connection, since=103.0, until=105.0)
    assert (early.alerts, early.precision) == (2, 0.0)
    (late,) = rule_counts(connection, since=105.0)
    assert late.precision is None


def test_no_transition_leads_back():
    order = [None, "open", "acknowledged", "judged"]
    assert all(order.index(after) >= order.index(b) for (b, _), after in TRANSITIONS.items())
