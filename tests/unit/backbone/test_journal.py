"""What is committed is kept, numbered, and can be read again."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy
from patience import PATIENCE_S
from sqlalchemy import insert, select

from backbone.bus import Bus
from backbone.counters import Counters
from backbone.events import Delivery, Event
from backbone.store import schema
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal


class JournalNote(Event, frozen=True, kw_only=True):
    delivery: ClassVar[Delivery] = Delivery.DURABLE
    n: int
    call_id: str = "c"


class JournalOther(Event, frozen=True, kw_only=True):
    delivery: ClassVar[Delivery] = Delivery.DURABLE
    n: int


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "t.sqlite3"))
    yield engine
    engine.dispose()


@pytest.fixture
def counters():
    return Counters()


async def started(engine, counters, projections=None) -> tuple[Bus, StoreJournal]:
    journal = StoreJournal(engine, counters, projections or {})
    bus = Bus(counters, journal)
    journal.start()
    await bus.start()
    return bus, journal


async def collect(subscription, count):
    got = []
    async with asyncio.timeout(PATIENCE_S):
        async for envelope in subscription:
            got.append(envelope)
            if len(got) == count:
                return got
    return got


async def test_events_are_numbered_and_read_back_after_a_restart(engine, counters):
    bus, journal = await started(engine, counters)
    assert [await bus.publish(JournalNote(at=1.0, n=n)) for n in range(3)] == [1, 2, 3]
    await journal.close()
    bus, journal = await started(engine, counters)
    assert bus.last_seq == 3
    resumed = bus.subscribe("again", JournalNote, after=1)
    await bus.publish(JournalNote(at=1.0, n=3))
    got = await collect(resumed, 3)
    assert [(envelope.seq, envelope.event.n) for envelope in got] == [(2, 1), (3, 2), (4, 3)]
    await journal.close()


async def test_a_subscriber_that_falls_behind_reads_the_journal_and_misses_nothing(
    engine, counters
):
    bus, journal = await started(engine, counters)
    slow = bus.subscribe("slow", JournalNote, maxsize=10)
    await asyncio.gather(*(bus.publish(JournalNote(at=0, n=n)) for n in range(300)))
    assert slow.behind
    assert slow.depth <= 10
    got = await collect(slow, 300)
    assert [envelope.event.n for envelope in got] == list(range(300))
    await bus.publish(JournalNote(at=0, n=300))
    assert (await collect(slow, 1))[0].event.n == 300
    assert counters.get("bus_overflows", subscriber="slow") >= 1
    await journal.close()


async def test_publishing_while_a_subscriber_catches_up_neither_repeats_nor_loses(engine, counters):
    bus, journal = await started(engine, counters)
    for n in range(20):
        await bus.publish(JournalNote(at=0, n=n))
    subscription = bus.subscribe("s", JournalNote, maxsize=5, after=0)
    reader = asyncio.create_task(collect(subscription, 60))
    for n in range(20, 60):
        await bus.publish(JournalOther(at=0, n=n))
        await bus.publish(JournalNote(at=0, n=n))
    assert [envelope.event.n for envelope in await reader] == list(range(60))
    await journal.close()


async def test_a_projection_is_written_in_the_same_transaction(engine, counters):
    seen = []

    def project(connection, seq, event):
        connection.execute(
            insert(schema.users).values(
                username=f"u{event.n}", password_hash="x", role="lead", created_at=event.at
            )
        )
        seen.append(seq)

    bus, journal = await started(engine, counters, {JournalNote: (project,)})
    await bus.publish(JournalNote(at=0, n=1))
    seq = await bus.publish(JournalNote(at=0, n=1))  # violates the primary key
    assert seq == 2
    assert counters.get("projection_failures", kind="journal_note") == 1
    await bus.publish(JournalNote(at=0, n=2))
    await journal.close()
    with engine.connect() as connection:
        assert connection.scalars(select(schema.users.c.username)).all() == ["u1", "u2"]
        assert connection.scalars(select(schema.journal.c.seq)).all() == [1, 2, 3]


@pytest.mark.parametrize(
    ("username", "created_at"),
    [("u", object()), ("\ud800", 0.0), (None, None)],
    ids=["no value of a database", "a lone surrogate", "an error of our own"],
)
async def test_a_projection_that_goes_wrong_costs_itself_only(
    engine, counters, username, created_at
):
    def project(connection, _seq, event):
        if event.n == 1 and username is None:
            raise KeyError("of our own")
        values = (username, created_at) if event.n == 1 else (f"u{event.n}", 0.0)
        connection.execute(
            insert(schema.users).values(
                username=values[0], password_hash="x", role="lead", created_at=values[1]
            )
        )

    bus, journal = await started(engine, counters, {JournalNote: (project,)})
    publishing = (bus.publish(JournalNote(at=0, n=n)) for n in range(3))
    async with asyncio.timeout(PATIENCE_S):
        assert sorted(await asyncio.gather(*publishing)) == [1, 2, 3]
    await journal.close()
    assert counters.get("projection_failures", kind="journal_note") == 1
    with engine.connect() as connection:
        assert connection.scalars(select(schema.users.c.username)).all() == ["u0", "u2"]


async def test_an_event_that_can_never_be_stored_goes_out_live_and_is_counted(engine, counters):
    bus, journal = await started(engine, counters)
    live = bus.subscribe("live", JournalNote)
    hostile = JournalNote(at=0, n=1, call_id="\ud800")  # no UTF-8
    publishing = [bus.publish(event) for event in (hostile, JournalNote(at=0, n=2))]
    async with asyncio.timeout(PATIENCE_S):
        assert await asyncio.gather(*publishing) == [0, 1]
    assert {envelope.event.n for envelope in await collect(live, 2)} == {1, 2}
    assert counters.get("journal_lost") == 1
    assert counters.get("journal_failures") == 0
    await journal.close()


async def test_a_database_that_refuses_writes_loses_nothing_once_it_recovers(engine, counters):
    bus, journal = await started(engine, counters)
    live = bus.subscribe("live", JournalNote)
    large = "c" * 200_000

    def full(connection, *_):
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    sqlalchemy.event.listen(engine, "checkout", full)  # SQLITE_FULL from now on
    assert await bus.publish(JournalNote(at=0, n=1, call_id=large)) == 0
    assert (await collect(live, 1))[0].event.n == 1, "it goes out live all the same"
    assert counters.get("journal_failures") >= 1
    sqlalchemy.event.remove(engine, "checkout", full)
    engine.dispose()  # what a connection was told goes with it
    assert await bus.publish(JournalNote(at=0, n=2)) > 0
    await journal.close()
    with engine.connect() as connection:
        kept = connection.scalars(select(schema.journal.c.payload)).all()
    assert [b'"n":1' in row for row in kept] == [True, False]


async def test_an_event_of_an_unknown_kind_is_skipped_and_counted(engine, counters):
    bus, journal = await started(engine, counters)
    await bus.publish(JournalNote(at=0, n=1))
    with engine.begin() as connection:
        connection.execute(insert(schema.journal).values(kind="journal_note", at=0, payload=b"{"))
    await bus.publish(JournalNote(at=0, n=3))
    got = await collect(bus.subscribe("s", JournalNote, after=0), 2)
    assert [envelope.event.n for envelope in got] == [1, 3]
    assert counters.get("journal_unreadable", kind="journal_note") == 1
    await journal.close()


_WRITER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from backbone.bus import Bus
from backbone.counters import Counters
from backbone.media import LegOpened
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal

async def main():
    journal = StoreJournal(open_engine(sqlite_url(Path(sys.argv[1]))), Counters(), {})
    bus = Bus(Counters(), journal)
    journal.start()
    for n in range(100000):
        event = LegOpened(at=0, call_id="c", leg_id=str(n), role="agent", rate=8000, offset_s=0)
        print(await bus.publish(event), flush=True)

asyncio.run(main())
"""


def test_what_was_committed_outlives_a_killed_process(tmp_path):
    path = tmp_path / "killed.sqlite3"
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), str(root)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        confirmed = [int(process.stdout.readline()) for _ in range(50)]
        os.kill(process.pid, signal.SIGKILL)
        confirmed += [int(line) for line in process.stdout.read().split("\n")[:-1] if line]
    engine = open_engine(sqlite_url(path))
    with engine.connect() as connection:
        kept = set(connection.scalars(select(schema.journal.c.seq)).all())
    engine.dispose()
    assert set(confirmed) <= kept


async def test_what_is_written_is_redacted_and_what_is_handed_out_live_is_not(engine, counters):
    projected = []

    def project(_connection, _seq, event):
        projected.append(event.n)

    journal = StoreJournal(
        engine, counters, {JournalNote: (project,)}, lambda event: JournalNote(at=event.at, n=0)
    )
    bus = Bus(counters, journal)
    journal.start()
    await bus.start()
    live = bus.subscribe("live", JournalNote)
    await bus.publish(JournalNote(at=1.0, n=7))
    assert [envelope.event.n for envelope in await collect(live, 1)] == [7]
    (stored,) = await journal.read(0, ["journal_note"], 10)
    assert stored.event.n == 0
    assert projected == [0]
    await journal.close()
