"""What the console reads from the store. Functions take a Connection; call them in a thread."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Literal

import msgspec
from sqlalchemy import Connection, RowMapping, func, select

from agent_console.live.state import LIVE_EVENTS, LiveState
from agent_console.live.views import AlertView, CallView
from agent_console.paging import Page, page
from agent_console.privacy import mask_name, mask_number
from agent_console.scope import Scope
from backbone.events import Delivery, Envelope, Event, decode, kind_of
from backbone.ids import stable_id
from backbone.store.schema import alerts, calls, journal
from backbone.store.tables.alerting import alert_comments
from qa_engine.events import Alert
from qa_engine.privacy import redact

_COMMENTS = (
    select(func.count())
    .where(alert_comments.c.alert_id == alerts.c.alert_id)
    .scalar_subquery()
    .label("comments")
)
# The table says where an alert stands, the journal what it said.
_ALERTS = select(alerts, _COMMENTS, journal.c.payload).join(journal, journal.c.seq == alerts.c.seq)

CallFilter = Literal["all", "in_progress", "ended"]
AlertFilter = Literal["all", "open", "acknowledged", "judged"]


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
    connection: Connection, scope: Scope, which: CallFilter, limit: int, cursor: str | None
) -> Page[CallSummary]:
    """Calls by the time they joined, newest first.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    query = select(calls).where(scope.where(calls.c.queue, calls.c.agent, calls.c.picked_up_by))
    if which != "all":
        ended = calls.c.ended_at.is_not(None)
        query = query.where(ended if which == "ended" else ~ended)
    return page(
        connection,
        query,
        (calls.c.joined_at, calls.c.call_id),
        _summary,
        limit=limit,
        cursor=cursor,
    )


def list_alerts(
    connection: Connection, scope: Scope, which: AlertFilter, limit: int, cursor: str | None
) -> Page[AlertView]:
    """Alerts by the time they were emitted, newest first.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    query = _ALERTS.where(scope.where(alerts.c.queue, alerts.c.agent))
    if which != "all":
        query = query.where(alerts.c.state == which)
    return page(
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


def _summary(row: RowMapping) -> CallSummary:
    known = {name: row[name] for name in CallSummary.__slots__}
    known["caller"] = mask_number(row["caller"])
    known["caller_name"] = mask_name(row["caller_name"])
    return CallSummary(**known)


def _alert_view(row: RowMapping) -> AlertView:
    view = AlertView.of(redact(msgspec.json.decode(row["payload"], type=Alert)))
    view.mark(row)
    return view
