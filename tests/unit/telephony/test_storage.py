"""Calls and legs in the database: written by the journal, any event twice, read again."""

from __future__ import annotations

import pytest
from unit.telephony.scenario import CALLER, T0, Script

from backbone.bus import Bus
from backbone.counters import Counters
from backbone.media import LegClosed, LegOpened
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal
from telephony import storage
from telephony.events import CallEnded


@pytest.fixture
async def store(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "calls.db"))
    counters = Counters()
    journal = StoreJournal(engine, counters, storage.PROJECTIONS)
    bus = Bus(counters, journal)
    journal.start()
    await bus.start()

    async def publish(events):
        for event in events:
            await bus.publish(event)

    engine.publish = publish
    yield engine
    assert counters.get("projection_failures", kind="call_ended") == 0
    await journal.close()
    engine.dispose()


def answered_call():
    script = Script().answered()
    script.ring_no_answer(4)
    return script.hangup_request(11).complete(11, "caller").hangup(11.01)


async def test_stored_call_equals_its_record(store):
    script = answered_call()
    await store.publish(script.events)
    with store.connect() as connection:
        (stored,) = storage.recent_calls(connection)
        assert storage.record_of(stored) == script.record
        assert storage.stored_call(connection, script.record.call_id) == stored
        assert storage.stored_call(connection, "other") is None
        assert storage.open_calls(connection) == []
        assert storage.visit_numbers(connection, "pbx", T0 - 1) == {CALLER: 1}
        assert storage.visit_numbers(connection, "other", T0 - 1) == {}
        assert storage.visit_numbers(connection, "pbx", T0 + 1) == {}


async def test_events_told_twice_or_late_change_nothing(store):
    script = answered_call()
    await store.publish(script.events + script.events)
    with store.connect() as connection:
        (stored,) = storage.recent_calls(connection)
    assert storage.record_of(stored) == script.record


async def test_end_alone_makes_the_whole_row(store):
    script = answered_call()
    await store.publish(script.of(CallEnded))
    with store.connect() as connection:
        (stored,) = storage.recent_calls(connection)
    assert storage.record_of(stored) == script.record


async def test_open_call_is_read_as_far_as_it_went(store):
    await store.publish(Script().answered().events)
    await store.publish(Script(caller="1795295001.5").join(1).events)
    with store.connect() as connection:
        talking, waiting = storage.open_calls(connection)
        assert (talking.agent, talking.answered_at) == ("PJSIP/1001", T0 + 3)
        assert (waiting.agent, waiting.answered_at) == ("", None)
        assert storage.record_of(storage.stored_call(connection, waiting.call_id)) is None
        newest, oldest = storage.recent_calls(connection)
        assert (newest.uniqueid, oldest.uniqueid) == ("1795295001.5", CALLER)
        assert storage.recent_calls(connection, limit=1) == [newest]
        assert storage.recent_calls(connection, before=newest.joined_at) == [oldest]


async def test_hostile_caller_name_is_cut_to_its_column_and_costs_no_row(store):
    script = Script().join(0, CallerIDName="\0" + "王\u2028" * 500)
    script.hangup_request(1).abandon(1).leave(1).hangup(1)
    await store.publish(script.events)
    with store.connect() as connection:
        (stored,) = storage.recent_calls(connection)
    assert len(stored.caller_name) == 256
    assert "\0" not in stored.caller_name
    assert stored.outcome == "abandoned"


def opened(leg_id="l1", role="agent", at=5.0):
    return LegOpened(at=at, call_id="c1", leg_id=leg_id, role=role, rate=8000, offset_s=0.03)


def closed(leg_id="l1", *, complete=True, reason="", samples=8000):
    return LegClosed(
        at=6.0,
        call_id="c1",
        leg_id=leg_id,
        role="agent",
        samples=samples,
        complete=complete,
        reason=reason,
    )


async def test_legs_are_kept_with_what_is_missing(store):
    failed = closed("l3", complete=False, reason="tap_failed", samples=0)
    await store.publish([opened(), closed(), closed(), opened("l2", at=5.5), failed])
    with store.connect() as connection:
        first, second, third = storage.legs_of(connection, "c1")
        assert (first.samples, first.complete, first.offset_s) == (8000, True, 0.03)
        assert (second.leg_id, second.complete, second.closed_at) == ("l2", None, None)
        assert (third.leg_id, third.complete, third.reason) == ("l3", False, "tap_failed")
        (orphan,) = storage.open_legs(connection)
    await store.publish([storage.orphan_closed(orphan, 9.0)])
    with store.connect() as connection:
        assert storage.open_legs(connection) == []
        assert storage.legs_of(connection, "c1")[1].reason == "media_server_stopped"
