import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from backbone.events import encode, kind_of
from backbone.store.engine import open_engine
from backbone.store.schema import journal
from qa_engine.alerts import TRANSITIONS, advance
from qa_engine.events import Alert, AlertAcknowledged, Evidence
from qa_engine.storage import PROJECTIONS, alerts_of, open_alerts, recent_alerts


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


def test_no_transition_leads_back_to_open():
    assert all(
        after == "acknowledged"
        for (before, _), after in TRANSITIONS.items()
        if before == "acknowledged"
    )
