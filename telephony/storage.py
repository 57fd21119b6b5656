"""Calls and legs in the database: how events are written down, and how they are read again."""

from __future__ import annotations

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    String,
    Table,
    and_,
    func,
    insert,
    select,
    update,
)

from backbone.events import Event
from backbone.media import LegClosed, LegOpened, Role
from backbone.store.journal import Projection
from backbone.store.schema import (
    agent_states,
    calls,
    direct_calls,
    legs,
    ratings,
    refused_calls,
    ring_attempts,
)
from telephony.calls.visit import OpenCall
from telephony.events import (
    AgentStateChanged,
    CallConnected,
    CallEnded,
    CallJoined,
    CallRated,
    CallRecord,
    CallRefused,
    DirectCallEnded,
    Handover,
    RatingScale,
    RingAttempt,
    RingEnded,
)

_LISTS = {
    "unanswered": tuple[str, ...],
    "attempts": tuple[RingAttempt, ...],
    "handovers": tuple[Handover, ...],
}
"""Columns of `calls` that hold a list as JSON."""


class StoredCall(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `calls`: a visit, under way (`outcome` None) or over.

    `leg_ids` are not part of it; see `legs_of`.
    """

    call_id: str
    system: str
    uniqueid: str
    linkedid: str
    visit: int
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
    hangup_cause: int | None
    unanswered: tuple[str, ...]
    complete: bool
    incomplete_reason: str
    arrival_times: bool
    attempts: tuple[RingAttempt, ...] = ()
    handovers: tuple[Handover, ...] = ()
    wrap_up_s: float | None = None
    picked_up_by: str = ""
    conference: bool = False
    agent_name: str = ""


class StoredLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `legs`; `closed_at`, `samples` and `complete` are None while it is open."""

    leg_id: str
    call_id: str
    role: Role
    rate: int
    opened_at: float
    offset_s: float
    closed_at: float | None
    samples: int | None
    complete: bool | None
    reason: str


# Writing


def _upsert(
    connection: Connection, table: Table, key: ColumnElement[bool], values: dict[str, object]
) -> None:
    """Change the row, or make it; both databases have the same words for that."""
    values = _fitting(table, values)
    if connection.execute(update(table).where(key).values(values)).rowcount == 0:
        connection.execute(insert(table).values(values))


def _fitting(table: Table, values: dict[str, object]) -> dict[str, object]:
    """Cut texts to their columns; what a caller's name holds must not cost the call's row."""
    fitting = {}
    for name, value in values.items():
        kind = table.c[name].type
        if isinstance(value, str) and isinstance(kind, String):
            value = value.replace("\0", "\N{REPLACEMENT CHARACTER}")[: kind.length]  # noqa: PLW2901 - the same value, made to fit
        fitting[name] = value
    return fitting


def _call_joined(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, CallJoined)  # noqa: S101 - the table below pairs them
    known = select(calls.c.call_id).where(calls.c.call_id == event.call_id)
    if connection.execute(known).first() is not None:
        return  # later events know better
    values = {
        "call_id": event.call_id,
        "system": event.system,
        "uniqueid": event.uniqueid,
        "linkedid": event.linkedid,
        "visit": event.visit,
        "queue": event.queue,
        "caller": event.caller,
        "caller_name": event.caller_name,
        "joined_at": event.at,
        "incomplete_reason": "joined_before_connect" if event.resumed else "",
    }
    connection.execute(insert(calls).values(_fitting(calls, values)))


def _call_connected(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, CallConnected)  # noqa: S101 - as above
    connection.execute(
        update(calls)
        .where(and_(calls.c.call_id == event.call_id, calls.c.outcome.is_(None)))
        .values(
            agent=event.agent,
            answered_at=event.at,
            wait_s=event.wait_s,
            ring_s=event.ring_s,
            rings=event.rings,
        )
    )


def _call_ended(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, CallEnded)  # noqa: S101 - as above
    values = msgspec.structs.asdict(event.record)
    for name in _LISTS:
        values[name] = msgspec.json.encode(values[name]).decode()
    _upsert(connection, calls, calls.c.call_id == event.call_id, values)


def _call_refused(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, CallRefused)  # noqa: S101 - as above
    table = refused_calls.c
    key = and_(
        table.system == event.system,
        table.uniqueid == event.uniqueid,
        table.attempt == event.attempt,
    )
    _upsert(connection, refused_calls, key, msgspec.structs.asdict(event))


def _ring_ended(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, RingEnded)  # noqa: S101 - as above
    values = msgspec.structs.asdict(event)
    values["ended_at"] = values.pop("at")
    table = ring_attempts.c
    key = and_(table.call_id == event.call_id, table.attempt_id == event.attempt_id)
    _upsert(connection, ring_attempts, key, values)


def _direct_call_ended(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, DirectCallEnded)  # noqa: S101 - as above
    values = msgspec.structs.asdict(event)
    del values["at"]
    _upsert(connection, direct_calls, direct_calls.c.call_id == event.call_id, values)


def _agent_state_changed(connection: Connection, seq: int, event: Event) -> None:
    assert isinstance(event, AgentStateChanged)  # noqa: S101 - as above
    values = {"seq": seq, **msgspec.structs.asdict(event)}
    _upsert(connection, agent_states, agent_states.c.seq == seq, values)


def _leg_opened(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, LegOpened)  # noqa: S101 - as above
    values = {
        "leg_id": event.leg_id,
        "call_id": event.call_id,
        "role": event.role,
        "rate": event.rate,
        "opened_at": event.at,
        "offset_s": event.offset_s,
    }
    _upsert(connection, legs, legs.c.leg_id == event.leg_id, values)


def _leg_closed(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, LegClosed)  # noqa: S101 - as above
    values = {
        "closed_at": event.at,
        "samples": event.samples,
        "complete": event.complete,
        "reason": event.reason,
    }
    key = legs.c.leg_id == event.leg_id
    if connection.execute(update(legs).where(key).values(values)).rowcount == 0:
        never_opened = {
            "leg_id": event.leg_id,
            "call_id": event.call_id,
            "role": event.role,
            "rate": 0,
            "opened_at": event.at,
            "offset_s": 0.0,
        }
        connection.execute(insert(legs).values(never_opened | values))


def _call_rated(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, CallRated)  # noqa: S101 - as above
    values = {
        "call_id": event.call_id,
        "queue": event.queue,
        "agent": event.agent,
        "scale": event.scale,
        "value": event.value,
        "at": event.at,
    }
    _upsert(connection, ratings, ratings.c.call_id == event.call_id, values)


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {
    CallJoined: (_call_joined,),
    CallConnected: (_call_connected,),
    CallEnded: (_call_ended,),
    CallRated: (_call_rated,),
    CallRefused: (_call_refused,),
    RingEnded: (_ring_ended,),
    DirectCallEnded: (_direct_call_ended,),
    AgentStateChanged: (_agent_state_changed,),
    LegOpened: (_leg_opened,),
    LegClosed: (_leg_closed,),
}
"""What the journal writes into our tables; every one may see an event twice."""


# Reading


class StoredRating(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller pressed after a call."""

    call_id: str
    queue: str
    agent: str
    scale: RatingScale
    value: int
    at: float


def rating_of(connection: Connection, call_id: str) -> StoredRating | None:
    """The caller's rating of a call; None when there is none."""
    row = connection.execute(select(ratings).where(ratings.c.call_id == call_id)).mappings().first()
    return StoredRating(**row) if row is not None else None


def open_calls(connection: Connection) -> list[OpenCall]:
    """Visits without an end, oldest first: what a restarted program has to take up."""
    columns = [calls.c[name] for name in OpenCall.__struct_fields__]
    query = select(*columns).where(calls.c.outcome.is_(None)).order_by(calls.c.joined_at)
    return [OpenCall(**row) for row in connection.execute(query).mappings()]


def visit_numbers(connection: Connection, system: str, since: float) -> dict[str, int]:
    """The highest finished visit of each channel of a PBX that joined a queue after `since`."""
    query = (
        select(calls.c.uniqueid, func.max(calls.c.visit))
        .where(calls.c.system == system, calls.c.joined_at >= since, calls.c.outcome.is_not(None))
        .group_by(calls.c.uniqueid)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def recent_calls(
    connection: Connection, *, limit: int = 100, before: float | None = None
) -> list[StoredCall]:
    """Visits by the time of joining, newest first; `before` pages on."""
    query = select(calls).order_by(calls.c.joined_at.desc(), calls.c.call_id).limit(limit)
    if before is not None:
        query = query.where(calls.c.joined_at < before)
    return [_stored_call(row) for row in connection.execute(query).mappings()]


def records_between(
    connection: Connection, since: float, until: float, system: str | None = None
) -> list[CallRecord]:
    """Records of the visits that joined from `since` to before `until`, oldest first."""
    query = select(calls).where(
        calls.c.joined_at >= since, calls.c.joined_at < until, calls.c.outcome.is_not(None)
    )
    if system is not None:
        query = query.where(calls.c.system == system)
    rows = connection.execute(query.order_by(calls.c.joined_at)).mappings()
    records = (record_of(_stored_call(row)) for row in rows)
    return [record for record in records if record is not None]


def missed_rings(connection: Connection, system: str, since: float) -> list[tuple[str, float]]:
    """Agent and end of every ring left unanswered or refused since, oldest first."""
    query = (
        select(ring_attempts.c.agent, ring_attempts.c.ended_at)
        .join(calls, calls.c.call_id == ring_attempts.c.call_id)
        .where(
            calls.c.system == system,
            ring_attempts.c.ended_at >= since,
            ring_attempts.c.result.in_(("no_answer", "busy")),
        )
        .order_by(ring_attempts.c.ended_at)
    )
    return [(row.agent, row.ended_at) for row in connection.execute(query)]


def stored_call(connection: Connection, call_id: str) -> StoredCall | None:
    """One visit; None when there is no such."""
    query = select(calls).where(calls.c.call_id == call_id)
    row = connection.execute(query).mappings().first()
    return _stored_call(row) if row is not None else None


def record_of(call: StoredCall) -> CallRecord | None:
    """The record of a visit that is over; None while it is under way."""
    if call.outcome is None or call.ended_at is None:
        return None
    return CallRecord(**msgspec.structs.asdict(call))


def legs_of(connection: Connection, call_id: str) -> list[StoredLeg]:
    """A call's legs in the order of their opening."""
    query = select(legs).where(legs.c.call_id == call_id).order_by(legs.c.opened_at, legs.c.role)
    return [StoredLeg(**row) for row in connection.execute(query).mappings()]


def open_legs(connection: Connection) -> list[StoredLeg]:
    """Legs without an end: after a restart their audio went with the program that died."""
    query = select(legs).where(legs.c.closed_at.is_(None)).order_by(legs.c.opened_at)
    return [StoredLeg(**row) for row in connection.execute(query).mappings()]


def orphan_closed(leg: StoredLeg, at: float) -> LegClosed:
    """The end of a leg that an earlier run of the program left open; to be published."""
    return LegClosed(
        at=at,
        call_id=leg.call_id,
        leg_id=leg.leg_id,
        role=leg.role,
        samples=0,
        complete=False,
        reason="media_server_stopped",
    )


def _stored_call(row: RowMapping) -> StoredCall:
    lists = {name: msgspec.json.decode(row[name], type=kind) for name, kind in _LISTS.items()}
    return StoredCall(**{**row, **lists})
