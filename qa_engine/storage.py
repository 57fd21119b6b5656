"""Alerts in the database: how they are written down, and how they are read again.

The journal holds what an alert said, the `alerts` table where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import msgspec
from sqlalchemy import Connection, RowMapping, Select, insert, select, update

from backbone.events import Event
from backbone.store.journal import Projection
from backbone.store.schema import alerts, journal
from qa_engine.alerts import advance
from qa_engine.events import Alert, AlertAcknowledged, AlertState


class StoredAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as it was raised, and where it stands."""

    seq: int
    alert: Alert
    state: AlertState
    acknowledged_by: str | None
    acknowledged_at: float | None


def _alert(connection: Connection, seq: int, event: Event) -> None:
    assert isinstance(event, Alert)  # noqa: S101 - the table of projections says so
    row = {
        "seq": seq,
        "call_id": event.call_id,
        "queue": event.queue,
        "agent": event.agent,
        "rule": event.rule,
        "kind": event.kind,
        "severity": event.severity,
        "role": event.role,
        "title": event.title,
        "title_en": event.title_en,
        "phrase": event.phrase,
        "start": event.start,
        "end": event.end,
        "suspected": event.suspected,
        "evidence": msgspec.json.encode(event.evidence).decode(),
        "at": event.at,
    }
    state = _state(connection, event.alert_id)
    row["state"] = advance(state, "raise")
    if state is None:
        connection.execute(insert(alerts).values(alert_id=event.alert_id, **row))
    else:
        connection.execute(update(alerts).where(alerts.c.alert_id == event.alert_id).values(**row))


def _acknowledged(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, AlertAcknowledged)  # noqa: S101 - the table of projections says so
    state = _state(connection, event.alert_id)
    if state is None or state == "acknowledged":
        return  # unknown, or somebody was first
    connection.execute(
        update(alerts)
        .where(alerts.c.alert_id == event.alert_id)
        .values(
            state=advance(state, "acknowledge"),
            acknowledged_by=event.by,
            acknowledged_at=event.at,
        )
    )


def _state(connection: Connection, alert_id: str) -> AlertState | None:
    found = connection.scalar(select(alerts.c.state).where(alerts.c.alert_id == alert_id))
    return cast("AlertState | None", found)


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {
    Alert: (_alert,),
    AlertAcknowledged: (_acknowledged,),
}
"""What the journal writes into our tables; every one may see an event twice."""


def alerts_of(connection: Connection, call_id: str) -> list[StoredAlert]:
    """The alerts of a call in the order in which they were raised."""
    return _read(connection, _SELECT.where(alerts.c.call_id == call_id).order_by(alerts.c.seq))


def open_alerts(connection: Connection, limit: int = 500) -> list[StoredAlert]:
    """Alerts that nobody has acknowledged, the newest first."""
    query = _SELECT.where(alerts.c.state == "open").order_by(alerts.c.seq.desc()).limit(limit)
    return _read(connection, query)


def recent_alerts(connection: Connection, limit: int = 100) -> list[StoredAlert]:
    """The newest alerts, whatever their state."""
    return _read(connection, _SELECT.order_by(alerts.c.seq.desc()).limit(limit))


_SELECT = select(
    alerts.c.seq,
    alerts.c.state,
    alerts.c.acknowledged_by,
    alerts.c.acknowledged_at,
    journal.c.payload,
).join(journal, journal.c.seq == alerts.c.seq)


def _read(connection: Connection, query: Select[tuple[object, ...]]) -> list[StoredAlert]:
    return list(map(_stored, _rows(connection, query)))


def _rows(connection: Connection, query: Select[tuple[object, ...]]) -> Iterable[RowMapping]:
    return connection.execute(query).mappings()


def _stored(row: RowMapping) -> StoredAlert:
    return StoredAlert(
        seq=row["seq"],
        alert=msgspec.json.decode(row["payload"], type=Alert),
        state=row["state"],
        acknowledged_by=row["acknowledged_by"],
        acknowledged_at=row["acknowledged_at"],
    )
