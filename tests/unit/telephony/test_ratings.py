"""Callers' ratings: from the dialplan's event to the call it belongs to, stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbone.bus import Bus
from backbone.counters import Counters
from backbone.ids import call_id
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal
from telephony import storage
from telephony.ami.parser import AmiMessage
from telephony.calls.book import Finished
from telephony.calls.reducer import CallReducer
from telephony.events import CallRated


def rated(uniqueid="7.1", scale="five", value="4", name="TingzhenRating"):
    return AmiMessage(
        [
            ("Event", "UserEvent"),
            ("UserEvent", name),
            ("Timestamp", "1795295000.500000"),
            ("Uniqueid", uniqueid),
            ("Scale", scale),
            ("Value", value),
            ("Queue", "support"),
            ("Agent", "PJSIP/1001"),
        ]
    )


def reducer():
    made = CallReducer("pbx")
    made.book.remember("7.1", Finished(2, 1_795_294_990.0, "7.2"))
    return made


@pytest.mark.parametrize(("scale", "value"), [("like", 1), ("five", 1), ("five", 5)])
def test_rating_belongs_to_the_last_visit_of_the_callers_channel(scale, value):
    (event,) = reducer().feed(rated(scale=scale, value=str(value)), 1_795_295_000.6)
    assert event == CallRated(
        at=1_795_295_000.5,
        call_id=call_id("pbx", "7.1", 2),
        queue="support",
        agent="PJSIP/1001",
        scale=scale,
        value=value,
    )


@pytest.mark.parametrize(
    "message",
    [
        rated(uniqueid="8.1"),
        rated(scale="like", value="2"),
        rated(value="6"),
        rated(value="0"),
        rated(value=""),
        rated(value="12"),
        rated(value="\u0664"),
        rated(scale="ten"),
        rated(scale=""),
    ],
)
def test_what_is_no_rating_is_ignored_and_counted(message):
    made = reducer()
    assert made.feed(message, 1_795_295_000.6) == []
    assert made.ignored == 1


def test_other_user_events_are_none_of_ours():
    made = reducer()
    assert made.feed(rated(name="LabVisit"), 1_795_295_000.6) == []
    assert made.ignored == 0


@given(
    st.sampled_from(["like", "five"]) | st.text(max_size=5),
    st.text(alphabet="0123456789#*", max_size=2) | st.text(max_size=5),
)
def test_whatever_a_caller_presses_is_a_rating_of_the_scale_or_ignored(scale, value):
    made = reducer()
    given_ = [event.value for event in made.feed(rated(scale=scale, value=value), 1_795_295_000.6)]
    possible = {"like": "1", "five": "12345"}.get(scale, "")
    assert (given_, made.ignored) == (([int(value)], 0) if value and value in possible else ([], 1))


async def test_rating_is_stored_and_a_second_one_replaces_it(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "t.sqlite3"))
    journal = StoreJournal(engine, Counters(), storage.PROJECTIONS)
    bus = Bus(Counters(), journal)
    journal.start()
    await bus.start()
    for value in (2, 5):
        await bus.publish(
            CallRated(at=1.0, call_id="c", queue="q", agent="a", scale="five", value=value)
        )
    await journal.close()
    with engine.connect() as connection:
        stored = storage.rating_of(connection, "c")
        assert (stored.scale, stored.value, stored.agent) == ("five", 5, "a")
        assert storage.rating_of(connection, "other") is None
    engine.dispose()
