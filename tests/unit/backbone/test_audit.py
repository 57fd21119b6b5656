"""The audit chain shows every change to it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from backbone import audit
from backbone.bus import Bus
from backbone.counters import Counters
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal


def entry(number, **more):
    return audit.AuditEntry(
        at=1000.5 + number,
        entry_id=f"e{number}",
        who="组长",
        role="lead",
        action="listen",
        target="PJSIP/1001-00000001",
        done=True,
        answer="Originate successfully queued",
        **more,
    )


@pytest.fixture
async def chain(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "audit.sqlite3"))
    journal = StoreJournal(engine, Counters(), audit.PROJECTIONS)
    bus = Bus(Counters(), journal)
    journal.start()
    await bus.start()
    for number in range(5):
        await bus.publish(entry(number))
    await journal.close()
    yield engine
    engine.dispose()


def verdict(engine):
    with engine.connect() as connection:
        return audit.verify(connection)


def tamper(engine, *statements):
    """As somebody with the file in hand would, past the triggers."""
    with engine.begin() as connection:
        for change in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER audit_no_{change}"))
        for statement in statements:
            connection.execute(text(statement))


async def test_untouched_chain_is_whole_and_reads_newest_first(chain):
    found = verdict(chain)
    assert found.whole
    assert found.rows == 5
    with chain.connect() as connection:
        assert audit.entries(connection, limit=2) == [entry(4), entry(3)]
        assert audit.entries(connection, before=2) == [entry(0)]


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'x'", "DELETE FROM audit"])
async def test_database_refuses_to_change_the_chain(chain, change):
    with pytest.raises(DatabaseError, match="append-only"), chain.begin() as connection:
        connection.execute(text(change))
    assert verdict(chain).whole


@pytest.mark.parametrize(
    ("statement", "broken", "reason"),
    [
        ("UPDATE audit SET who = 'nobody' WHERE number = 3", 3, "changed"),
        ("UPDATE audit SET done = 0 WHERE number = 1", 1, "changed"),
        ("UPDATE audit SET at = at + 1 WHERE number = 5", 5, "changed"),
        ("UPDATE audit SET hash = 'f' || substr(hash, 2) WHERE number = 2", 2, "changed"),
        ("DELETE FROM audit WHERE number = 2", 2, "missing"),
        ("DELETE FROM audit WHERE number = 1", 1, "missing"),
        ("DELETE FROM audit WHERE number = 5", 5, "journal"),
        ("DELETE FROM audit", 1, "journal"),
        ("UPDATE audit SET number = 9 WHERE number = 5", 5, "missing"),
    ],
)
async def test_tampering_is_found_at_the_first_broken_row(chain, statement, broken, reason):
    tamper(chain, statement)
    found = verdict(chain)
    assert not found.whole
    assert found.broken == broken
    assert reason in found.reason
    assert found.rows == broken - 1


async def test_a_row_rehashed_by_itself_breaks_the_next_one(chain):
    with chain.connect() as connection:
        row = dict(
            connection.execute(text("SELECT * FROM audit WHERE number = 2")).mappings().one()
        )
    row["done"] = bool(row["done"])
    row["who"] = "somebody else"
    forged = audit.row_hash(row["previous"], row)
    tamper(
        chain,
        "UPDATE audit SET who = 'somebody else' WHERE number = 2",
        f"UPDATE audit SET hash = '{forged}' WHERE number = 2",  # noqa: S608 - our own hash
    )
    found = verdict(chain)
    assert found.broken == 3
    assert "follow" in found.reason


async def test_an_entry_seen_twice_is_one_row(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "twice.sqlite3"))
    journal = StoreJournal(engine, Counters(), audit.PROJECTIONS)
    bus = Bus(Counters(), journal)
    journal.start()
    await bus.start()
    await bus.publish(entry(1))
    with engine.begin() as connection:
        audit.PROJECTIONS[audit.AuditEntry][0](connection, 1, entry(1))
    await journal.close()
    assert verdict(engine).rows == 1
    engine.dispose()


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6), st.data())
def test_any_changed_text_is_found(texts, data):
    rows = []
    previous = audit.GENESIS
    for number, answer in enumerate(texts, start=1):
        row = {
            "number": number,
            "seq": number,
            "entry_id": str(number),
            "at": 1.5,
            "who": "lead",
            "role": "lead",
            "action": "hangup",
            "system": "pbx",
            "target": "t",
            "call_id": "",
            "done": True,
            "answer": answer.encode("utf-8", "replace").decode(),
        }
        row |= {"previous": previous, "hash": audit.row_hash(previous, row)}
        previous = row["hash"]
        rows.append(row)
    assert audit.check(rows).whole
    victim = data.draw(st.integers(0, len(rows) - 1))
    rows[victim] |= {"answer": rows[victim]["answer"] + "."}
    assert audit.check(rows).broken == victim + 1


async def test_two_programs_writing_at_once_share_one_chain(tmp_path):
    path = tmp_path / "audit.sqlite3"
    engines = [open_engine(sqlite_url(path)) for _ in range(2)]
    counters = Counters()
    journals = [StoreJournal(engine, counters, audit.PROJECTIONS) for engine in engines]
    buses = [Bus(counters, journal) for journal in journals]
    for journal in journals:
        journal.start()
    await asyncio.gather(
        *(
            bus.publish(entry(2 * turn + who))
            for turn in range(100)
            for who, bus in enumerate(buses)
        )
    )
    for journal in journals:
        await journal.close()
    found = verdict(engines[0])
    assert found.whole, found.reason
    assert found.rows == 200
    assert counters.get("projection_failures", kind="audit_entry") == 0
    for engine in engines:
        engine.dispose()
