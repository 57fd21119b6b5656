"""Pushes that wait to go out, in the store: bounded, the most severe first, each sent by one node.

What is to be told comes in with the event itself, in the transaction that stores it; who is told is
decided once, by whichever node takes the event out; and a push is sent by whoever has claimed it.
A claim lasts for a time, so that a node that dies does not keep its pushes for ever. Functions take
a Connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, delete, exists, func, insert, select, update

from agent_console.events import ComplaintOverdue
from agent_console.work.notify.plan import Message
from backbone.events import Event, decode
from backbone.ids import new_id
from backbone.store.journal import Projection
from backbone.store.rows import replace_row
from backbone.store.schema import journal
from backbone.store.tables.notify import notify_events, notify_pushes
from metrics.events import ServiceAlert
from qa_engine.events import SEVERITIES, Alert, AlertEscalated, Severity

TOLD: tuple[type[Event], ...] = (Alert, AlertEscalated, ComplaintOverdue, ServiceAlert)
"""What pushes tell of."""

_FREE = ""


@dataclass(frozen=True, slots=True)
class Push:
    """One message to one target. `push_id` is empty where it could not be stored."""

    push_id: str
    target_id: str
    message: Message


def undecided(connection: Connection, limit: int = 100) -> list[int]:
    """Numbers of the events of which nobody has decided yet who is told, oldest first."""
    query = select(notify_events.c.seq).order_by(notify_events.c.seq).limit(limit)
    return list(connection.scalars(query))


def take_out(connection: Connection, seq: int) -> Event | None:
    """Take an event out, for this transaction to decide; None when another node has, or it is gone.

    Raises:
        LookupError, ValueError: this version cannot read it.
    """
    if not connection.execute(delete(notify_events).where(notify_events.c.seq == seq)).rowcount:
        return None
    row = connection.execute(
        select(journal.c.kind, journal.c.payload).where(journal.c.seq == seq)
    ).first()
    return None if row is None else decode(row.kind, row.payload)


def add(
    connection: Connection,
    targets: Iterable[str],
    message: Message,
    severity: Severity,
    *,
    now: float,
    size: int,
) -> int:
    """Put one message in for each target; returns how many were left out for it.

    When more than `size` would wait, the least severe are left out: of equal ones the newest, so
    that a flood does not push out what waits already.
    """
    rows = [
        {
            "push_id": new_id(),
            "target_id": target_id,
            "message": msgspec.json.encode(message).decode(),
            "rank": SEVERITIES.index(severity),
            "at": now,
            "claimed_by": _FREE,
            "claimed_until": 0.0,
        }
        for target_id in targets
    ]
    if not rows:
        return 0
    connection.execute(insert(notify_pushes), rows)
    waiting = connection.scalar(select(func.count()).select_from(notify_pushes)) or 0
    if waiting <= size:
        return 0
    least = (
        select(notify_pushes.c.push_id)
        .where(notify_pushes.c.claimed_by == _FREE)
        .order_by(notify_pushes.c.rank, notify_pushes.c.at.desc(), notify_pushes.c.push_id.desc())
        .limit(waiting - size)
    )
    gone = list(connection.scalars(least))
    connection.execute(delete(notify_pushes).where(notify_pushes.c.push_id.in_(gone)))
    return len(gone)


def anything_waits(connection: Connection, now: float) -> bool:
    """Whether there is a push to claim."""
    return bool(connection.scalar(select(exists().where(notify_pushes.c.claimed_until <= now))))


def claim(connection: Connection, node: str, now: float, until: float) -> Push | None:
    """Claim the most severe push that has waited longest; None when there is none.

    Of several nodes that ask at once, one gets it: the others' condition fails once its row is
    written.
    """
    first = (
        select(notify_pushes.c.push_id)
        .where(notify_pushes.c.claimed_until <= now)
        .order_by(notify_pushes.c.rank.desc(), notify_pushes.c.at, notify_pushes.c.push_id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = connection.execute(
        update(notify_pushes)
        .where(notify_pushes.c.push_id == first, notify_pushes.c.claimed_until <= now)
        .values(claimed_by=node, claimed_until=until)
        .returning(notify_pushes.c.push_id, notify_pushes.c.target_id, notify_pushes.c.message)
    ).first()
    if row is None:
        return None
    try:
        message = msgspec.json.decode(row.message, type=Message)
    except msgspec.DecodeError:  # of another version, which must not stop the others
        finish(connection, row.push_id)
        return None
    return Push(row.push_id, row.target_id, message)


def finish(connection: Connection, push_id: str) -> None:
    """Take a push out that went out, or never will."""
    connection.execute(delete(notify_pushes).where(notify_pushes.c.push_id == push_id))


def give_back(connection: Connection, node: str, push_id: str) -> None:
    """Let another node, or the next start, send what this node has claimed."""
    connection.execute(
        update(notify_pushes)
        .where(notify_pushes.c.push_id == push_id, notify_pushes.c.claimed_by == node)
        .values(claimed_by=_FREE, claimed_until=0.0)
    )


def forget_older(connection: Connection, at: float, now: float) -> int:
    """Take out what has waited since before `at` and nobody is sending; tells how many."""
    old = (notify_pushes.c.at < at, notify_pushes.c.claimed_until <= now)
    return connection.execute(delete(notify_pushes).where(*old)).rowcount


def _noted(connection: Connection, seq: int, event: Event) -> None:
    if not isinstance(event, ServiceAlert) or event.firing:
        replace_row(connection, notify_events, {"seq": seq})


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = dict.fromkeys(TOLD, (_noted,))
"""What the journal writes into our tables."""
