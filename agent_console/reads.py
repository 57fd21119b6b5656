"""What the console reads from the store. Functions take a Connection; call them in a thread."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from agent_console.live.feed import LIVE_EVENTS
from agent_console.live.state import LiveState
from agent_console.live.views import AlertView, CallView
from backbone.events import Delivery, Envelope, Event, decode, kind_of
from backbone.ids import stable_id
from backbone.store.schema import calls, journal


@dataclass(frozen=True, slots=True)
class CallDetail:
    """One queue visit with all that was heard and found in it."""

    call: CallView
    alerts: list[AlertView]


def call_detail(connection: Connection, call_id: str) -> CallDetail | None:
    """One call, by the same fold over its events that the live page shows."""
    query = (
        select(journal.c.seq, journal.c.kind, journal.c.payload)
        .where(journal.c.call_id == call_id, journal.c.kind.in_(durable_kinds()))
        .order_by(journal.c.seq)
    )
    state = LiveState(ended_kept=1)
    for seq, kind, payload in connection.execute(query):
        # An event of another version that this one cannot read must not hide the rest.
        with contextlib.suppress(LookupError, ValueError):
            state.apply(Envelope(seq, decode(kind, payload)))
    call = state.calls.get(call_id)
    return None if call is None else CallDetail(call, state.snapshot().alerts)


def first_seq_to_replay(
    connection: Connection, *, joined_after: float, ended_kept: int
) -> int | None:
    """The number of the oldest event that the live page still needs; None: it needs none.

    It needs the calls in progress and those that ended last, none that joined earlier than
    `joined_after`.
    """
    recent = select(calls.c.call_id).where(calls.c.joined_at >= joined_after)
    in_progress = recent.where(calls.c.ended_at.is_(None))
    ended = (
        recent.where(calls.c.ended_at.is_not(None))
        .order_by(calls.c.ended_at.desc())
        .limit(ended_kept)
    )
    firsts = [
        connection.scalar(select(func.min(journal.c.seq)).where(journal.c.call_id.in_(wanted)))
        for wanted in (in_progress, ended)
    ]
    return min((seq for seq in firsts if seq is not None), default=None)


def stream_id(connection: Connection) -> str:
    """Names this journal: numbers of another one mean nothing here. Empty while it is empty."""
    row = connection.execute(
        select(journal.c.seq, journal.c.at, journal.c.kind, journal.c.call_id)
        .order_by(journal.c.seq)
        .limit(1)
    ).first()
    return "" if row is None else stable_id("journal", *row)


def durable_kinds() -> list[str]:
    """Wire names of the durable events that the live page is made of."""
    found: list[str] = []
    pending = list(LIVE_EVENTS)
    while pending:
        cls: type[Event] = pending.pop()
        if cls.delivery is Delivery.DURABLE:
            found.append(kind_of(cls))
        pending.extend(cls.__subclasses__())
    return found
