"""The audit chain: who did what to whom, when, and what came of it; no row can change unseen.

An `AuditEntry` is an event like any other; the journal writes it into the table `audit` in the
same transaction. Each row's hash is SHA-256 over the hash of the row before it and the row's own
canonical JSON, so a changed, removed or inserted row breaks the chain from there on. Rows cut off
at the end are found by the journal, which still has their events. Somebody who may rewrite the
whole database can also rewrite the chain: keep the head's hash elsewhere to notice that too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import msgspec
from sqlalchemy import Connection, func, insert, select

from backbone.events import Delivery, Event, kind_of
from backbone.store.journal import Projection
from backbone.store.schema import audit, journal

GENESIS = "0" * 64
"""What the first row has before it."""

_CHAIN_LOCK = 0x7A68_656E
"""What PostgreSQL's writers wait for, each until the other's transaction is over."""

_HASHED = (
    "number",
    "seq",
    "entry_id",
    "at",
    "who",
    "role",
    "action",
    "system",
    "target",
    "call_id",
    "done",
    "answer",
)


class AuditEntry(Event, frozen=True, kw_only=True):
    """Somebody did something, or tried to.

    `who` is the user and `role` what the user was then; `target` names what it was done to;
    `answer` is what the other side said to it, word for word. `done` is false when it was refused
    or failed.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    entry_id: str
    who: str
    role: str
    action: str
    target: str
    done: bool
    answer: str
    system: str = ""
    call_id: str = ""


class AuditVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of the chain found.

    `head` is the hash of the last good row. `broken` is the number of the first row that does not
    fit (None: all do), and `reason` says what is wrong with it.
    """

    rows: int
    head: str
    broken: int | None = None
    reason: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing was tampered with."""
        return self.broken is None


def row_hash(previous: str, row: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, over the hash before and the row's canonical JSON.

    Canonical: keys sorted, no spaces, UTF-8 unescaped.
    """
    content = {name: row[name] for name in _HASHED}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous.encode("ascii") + canonical.encode("utf-8")).hexdigest()


def append(connection: Connection, seq: int, event: Event) -> None:
    """Write an entry at the chain's end, unless it stands there already.

    Two programs that write to one database wait for each other here, so that no number is given
    twice. (SQLite has one writer at a time anyway: the transaction holds its lock since it wrote to
    the journal.)

    Args:
        connection: in the journal's transaction.
        seq: of the event in the journal that the row answers for.
        event: the entry.
    """
    assert isinstance(event, AuditEntry)  # noqa: S101 - the table below pairs them
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_CHAIN_LOCK)))
    known = select(audit.c.number).where(audit.c.entry_id == event.entry_id)
    if connection.execute(known).first() is not None:
        return
    last = connection.execute(
        select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
    ).first()
    number, previous = (last.number + 1, last.hash) if last is not None else (1, GENESIS)
    row = {
        "number": number,
        "seq": seq,
        "entry_id": event.entry_id,
        "at": event.at,
        "who": event.who,
        "role": event.role,
        "action": event.action,
        "system": event.system,
        "target": event.target,
        "call_id": event.call_id,
        "done": event.done,
        "answer": event.answer,
    }
    connection.execute(insert(audit).values(**row, previous=previous, hash=row_hash(previous, row)))


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {AuditEntry: (append,)}
"""What the journal writes into the chain."""

_CHAINED = {kind_of(AuditEntry)}


def chained(event_type: type[Event], entry: Callable[[Any], AuditEntry]) -> Projection:
    """A projection that writes an entry for every event of a class, in the event's transaction.

    `verify` then misses none of them either.
    """
    _CHAINED.add(kind_of(event_type))

    def write(connection: Connection, seq: int, event: Event) -> None:
        append(connection, seq, entry(event))

    return write


def check(rows: Iterable[Mapping[str, Any]]) -> AuditVerdict:
    """Check rows in the order of their numbers."""
    head, count = GENESIS, 0
    for row in rows:
        expected = count + 1
        if row["number"] != expected:
            return AuditVerdict(
                rows=count, head=head, broken=expected, reason=f"row {expected} is missing"
            )
        if row["previous"] != head:
            return AuditVerdict(
                rows=count,
                head=head,
                broken=expected,
                reason=f"row {expected} does not follow the row before it",
            )
        if row_hash(head, row) != row["hash"]:
            return AuditVerdict(
                rows=count, head=head, broken=expected, reason=f"row {expected} was changed"
            )
        head, count = row["hash"], expected
    return AuditVerdict(rows=count, head=head)


def verify(connection: Connection) -> AuditVerdict:
    """Check the stored chain, and that the journal knows of no entry beyond its end."""
    rows = connection.execution_options(stream_results=True).execute(
        select(audit).order_by(audit.c.number)
    )
    verdict = check(dict(row) for row in rows.mappings())
    if not verdict.whole:
        return verdict
    lost = connection.execute(
        select(journal.c.seq)
        .where(
            journal.c.kind.in_(_CHAINED),
            journal.c.seq.not_in(select(audit.c.seq)),
        )
        .order_by(journal.c.seq)
        .limit(1)
    ).first()
    if lost is None:
        return verdict
    return AuditVerdict(
        rows=verdict.rows,
        head=verdict.head,
        broken=verdict.rows + 1,
        reason=f"the journal's entry {lost.seq} is not in the chain",
    )


def entries(
    connection: Connection, *, limit: int = 100, before: int | None = None
) -> list[AuditEntry]:
    """The latest entries, newest first; `before` is the number of a row to page on from."""
    query = select(audit).order_by(audit.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.number < before)
    fields = AuditEntry.__struct_fields__
    return [
        AuditEntry(**{name: row[name] for name in fields})
        for row in connection.execute(query).mappings()
    ]
