"""What the console reads from the store. Functions take a Connection; call them in a thread."""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import msgspec
from sqlalchemy import Column, Connection, RowMapping, Select, func, select, tuple_

from agent_console.live.state import LIVE_EVENTS, LiveState
from agent_console.live.views import AlertView, CallView
from agent_console.privacy import mask_name, mask_number
from backbone.events import Delivery, Envelope, Event, decode, kind_of
from backbone.ids import stable_id
from backbone.store.schema import alerts, calls, journal
from qa_engine.events import Alert
from qa_engine.privacy import redact

T = TypeVar("T")

# The table says where an alert stands, the journal what it said.
_ALERTS = select(alerts, journal.c.payload).join(journal, journal.c.seq == alerts.c.seq)

CallFilter = Literal["all", "in_progress", "ended"]
AlertFilter = Literal["all", "open", "acknowledged"]


class BadCursorError(ValueError):
    """A cursor that this API did not hand out."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, newest first, and the cursor of the following ones (None: there are none)."""

    items: list[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class CallSummary:
    """One queue visit in a list; times in seconds since the epoch, durations in seconds."""

    call_id: str
    queue: str
    caller: str
    caller_name: str
    agent: str
    outcome: str | None
    joined_at: float
    answered_at: float | None
    ended_at: float | None
    wait_s: float | None
    ring_s: float | None
    rings: int | None
    talk_s: float | None
    hold_s: float
    transfers: int
    hangup_by: str
    complete: bool
    incomplete_reason: str


@dataclass(frozen=True, slots=True)
class CallDetail:
    """One queue visit with all that was heard and found in it."""

    call: CallView
    alerts: list[AlertView]


def list_calls(
    connection: Connection, which: CallFilter, limit: int, cursor: str | None
) -> Page[CallSummary]:
    """Calls by the time they joined, newest first.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    query = select(calls)
    if which != "all":
        ended = calls.c.ended_at.is_not(None)
        query = query.where(ended if which == "ended" else ~ended)
    return _page(
        connection,
        query,
        (calls.c.joined_at, calls.c.call_id),
        _summary,
        limit=limit,
        cursor=cursor,
    )


def list_alerts(
    connection: Connection, which: AlertFilter, limit: int, cursor: str | None
) -> Page[AlertView]:
    """Alerts by the time they were emitted, newest first.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    query = _ALERTS
    if which != "all":
        query = query.where(alerts.c.state == which)
    return _page(
        connection, query, (alerts.c.at, alerts.c.alert_id), _alert_view, limit=limit, cursor=cursor
    )


def find_alert(connection: Connection, alert_id: str) -> AlertView | None:
    """One alert."""
    row = connection.execute(_ALERTS.where(alerts.c.alert_id == alert_id)).mappings().first()
    return None if row is None else _alert_view(row)


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


def _page(
    connection: Connection,
    query: Select[Any],
    order: tuple[Column[Any], Column[Any]],
    item: Callable[[RowMapping], T],
    *,
    limit: int,
    cursor: str | None,
) -> Page[T]:
    at, key = order
    if cursor is not None:
        query = query.where(tuple_(at, key) < tuple_(*_decode_cursor(cursor)))
    query = query.order_by(at.desc(), key.desc()).limit(limit + 1)
    rows: Sequence[RowMapping] = connection.execute(query).mappings().all()
    more = len(rows) > limit
    rows = rows[:limit]
    last = rows[-1] if more else None
    return Page(
        [item(row) for row in rows],
        None if last is None else _encode_cursor(last[at.name], last[key.name]),
    )


def _encode_cursor(at: float, key: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((at, key))).decode().rstrip("=")


def _decode_cursor(cursor: str) -> tuple[float, str]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=tuple[float, str])
    except (binascii.Error, ValueError) as error:
        raise BadCursorError("this cursor was not handed out by this API") from error


def _summary(row: RowMapping) -> CallSummary:
    known = {name: row[name] for name in CallSummary.__slots__}
    known["caller"] = mask_number(row["caller"])
    known["caller_name"] = mask_name(row["caller_name"])
    return CallSummary(**known)


def _alert_view(row: RowMapping) -> AlertView:
    view = AlertView.of(redact(msgspec.json.decode(row["payload"], type=Alert)))
    view.state = row["state"]
    view.acknowledged_by = row["acknowledged_by"]
    view.acknowledged_at = row["acknowledged_at"]
    return view
