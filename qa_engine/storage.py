"""Alerts in the database: how they are written down, and how they are read again.

The journal holds what an alert said, the `alerts` table where it stands. Whatever people and the
timer do to an alert stands on the audit chain as well, written in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, RowMapping, Select, case, func, insert, select, update

from backbone.audit import AuditEntry, append, chained
from backbone.events import Event, decode, kind_of
from backbone.ids import stable_id
from backbone.store.journal import Projection
from backbone.store.rows import replace_row
from backbone.store.schema import alerts, journal
from backbone.store.tables.alerting import alert_comments, muted_rules
from qa_engine.alerts import TRANSITIONS, AlertAction, advance
from qa_engine.events import (
    Alert,
    AlertAcknowledged,
    AlertAssigned,
    AlertCommented,
    AlertEscalated,
    AlertFeedback,
    AlertState,
    FeedbackVerdict,
    RuleMuted,
)

AlertChange = AlertAcknowledged | AlertAssigned | AlertCommented | AlertFeedback | AlertEscalated

CHANGES: dict[type[AlertChange], AlertAction] = {
    AlertAcknowledged: "acknowledge",
    AlertAssigned: "assign",
    AlertCommented: "comment",
    AlertFeedback: "judge",
    AlertEscalated: "escalate",
}
"""What may happen to an alert, and the action it is in the table of transitions."""


class AlertMark(msgspec.Struct, frozen=True, kw_only=True):
    """Where an alert stands. Times are seconds since the epoch."""

    state: AlertState
    acknowledged_by: str | None
    acknowledged_at: float | None
    assigned_to: str
    assigned_at: float | None
    level: int
    escalated_at: float | None
    verdict: FeedbackVerdict | None
    verdict_by: str | None
    verdict_at: float | None


class StoredAlert(AlertMark, frozen=True, kw_only=True):
    """An alert as it was raised, and where it stands."""

    seq: int
    alert: Alert


class RuleCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often a rule has raised alerts, and what people said of them.

    `suspected` of `alerts` are by sound or likeness only.
    """

    rule: str
    alerts: int
    suspected: int
    acknowledged: int
    correct: int
    false_alarm: int

    @property
    def precision(self) -> float | None:
        """Share of the judged alerts that were correct; None while none was judged."""
        judged = self.correct + self.false_alarm
        return self.correct / judged if judged else None


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


def _change(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, AlertChange)  # noqa: S101 - the table of projections says so
    state = _state(connection, event.alert_id)
    after = TRANSITIONS.get((state, CHANGES[type(event)]))
    if state is None or after is None:
        return  # an alert of another store, or too late to matter
    change = update(alerts).where(alerts.c.alert_id == event.alert_id)
    match event:
        case AlertAcknowledged():
            if state != "open":
                return  # somebody was first
            marks: dict[str, Any] = {"acknowledged_by": event.by, "acknowledged_at": event.at}
        case AlertAssigned():
            marks = {"assigned_to": event.to, "assigned_at": event.at if event.to else None}
        case AlertFeedback():
            marks = {"verdict": event.verdict, "verdict_by": event.by, "verdict_at": event.at}
            if state == "open":  # who judges it has taken notice of it
                marks |= {"acknowledged_by": event.by, "acknowledged_at": event.at}
        case AlertEscalated():
            change = change.where(alerts.c.level < event.level)
            marks = {"level": event.level, "escalated_at": event.at}
        case AlertCommented():
            marks = {}
            _comment(connection, event)
    connection.execute(change.values(state=after, **marks))


def _comment(connection: Connection, event: AlertCommented) -> None:
    row = {
        "comment_id": stable_id("comment", event.alert_id, event.by, event.at),
        "alert_id": event.alert_id,
        "call_id": event.call_id,
        "by": event.by,
        "text": event.text,
        "at": event.at,
    }
    replace_row(connection, alert_comments, row)


def _muted(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, RuleMuted)  # noqa: S101 - the table of projections says so
    row = {name: getattr(event, name) for name in ("call_id", "rule", "by", "muted", "at")}
    replace_row(connection, muted_rules, row)


def _entry(event: AlertChange | RuleMuted) -> AuditEntry:
    """What the audit chain says of a change; a remark's text stays out of it."""
    target = event.rule if isinstance(event, RuleMuted) else event.alert_id
    match event:
        case AlertAssigned():
            answer = event.to
        case AlertFeedback():
            answer = event.verdict
        case AlertEscalated():
            answer = str(event.level)
        case RuleMuted():
            answer = "muted" if event.muted else "unmuted"
        case _:
            answer = ""
    kind = kind_of(type(event))
    return AuditEntry(
        at=event.at,
        entry_id=stable_id("audit", kind, target, event.call_id, event.by, event.at, answer),
        who=event.by,
        role=event.by_role,
        action=kind,
        target=target,
        done=True,
        answer=answer,
        call_id=event.call_id,
    )


def _acknowledged_entry(connection: Connection, seq: int, event: Event) -> None:
    # Not `chained`: journals from before hold acknowledgements that no entry answers for.
    assert isinstance(event, AlertAcknowledged)  # noqa: S101 - the table of projections says so
    append(connection, seq, _entry(event))


def _state(connection: Connection, alert_id: str) -> AlertState | None:
    found = connection.scalar(select(alerts.c.state).where(alerts.c.alert_id == alert_id))
    return cast("AlertState | None", found)


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {
    Alert: (_alert,),
    AlertAcknowledged: (_change, _acknowledged_entry),
    AlertAssigned: (_change, chained(AlertAssigned, _entry)),
    AlertCommented: (_change, chained(AlertCommented, _entry)),
    AlertFeedback: (_change, chained(AlertFeedback, _entry)),
    AlertEscalated: (_change, chained(AlertEscalated, _entry)),
    RuleMuted: (_muted, chained(RuleMuted, _entry)),
}
"""What the journal writes into our tables; every one may see an event twice."""


def alerts_of(connection: Connection, call_id: str) -> list[StoredAlert]:
    """The alerts of a call in the order in which they were raised."""
    return _read(connection, _SELECT.where(alerts.c.call_id == call_id).order_by(alerts.c.seq))


def open_alerts(connection: Connection, limit: int = 500, since: float = 0.0) -> list[StoredAlert]:
    """Alerts that nobody has acknowledged, raised since a time, the newest first."""
    query = _SELECT.where(alerts.c.state == "open", alerts.c.at >= since)
    return _read(connection, query.order_by(alerts.c.seq.desc()).limit(limit))


def recent_alerts(connection: Connection, limit: int = 100) -> list[StoredAlert]:
    """The newest alerts, whatever their state."""
    return _read(connection, _SELECT.order_by(alerts.c.seq.desc()).limit(limit))


def changes_of(connection: Connection, call_id: str, alert_id: str) -> list[AlertChange]:
    """Everything that was done to an alert, in order."""
    kinds = [kind_of(change) for change in CHANGES]
    query = (
        select(journal.c.kind, journal.c.payload)
        .where(journal.c.call_id == call_id, journal.c.kind.in_(kinds))
        .order_by(journal.c.seq)
    )
    found = (decode(kind, payload) for kind, payload in connection.execute(query))
    return [e for e in found if isinstance(e, AlertChange) and e.alert_id == alert_id]


def comments_of(connection: Connection, alert_id: str) -> list[AlertCommented]:
    """The remarks on an alert, the oldest first."""
    query = select(alert_comments).where(alert_comments.c.alert_id == alert_id)
    rows = connection.execute(query.order_by(alert_comments.c.at)).mappings()
    fields = ("alert_id", "call_id", "by", "text", "at")
    return [AlertCommented(**{name: row[name] for name in fields}) for row in rows]


def muted_rules_of(connection: Connection, call_id: str) -> set[str]:
    """Rules that raise no alerts on a call."""
    query = select(muted_rules.c.rule).where(muted_rules.c.call_id == call_id, muted_rules.c.muted)
    return set(connection.scalars(query))


def rule_counts(
    connection: Connection, since: float | None = None, until: float | None = None
) -> list[RuleCount]:
    """Alerts by rule, with what people said of them, in a time [since, until); by rule's id."""

    def count(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    query = select(
        alerts.c.rule,
        func.count().label("alerts"),
        count(alerts.c.suspected).label("suspected"),
        count(alerts.c.acknowledged_at.is_not(None)).label("acknowledged"),
        count(alerts.c.verdict == "correct").label("correct"),
        count(alerts.c.verdict == "false_alarm").label("false_alarm"),
    )
    if since is not None:
        query = query.where(alerts.c.at >= since)
    if until is not None:
        query = query.where(alerts.c.at < until)
    rows = connection.execute(query.group_by(alerts.c.rule).order_by(alerts.c.rule)).mappings()
    return [RuleCount(**row) for row in rows]


_MARKS = AlertMark.__struct_fields__
_SELECT = select(alerts.c.seq, *(alerts.c[name] for name in _MARKS), journal.c.payload).join(
    journal, journal.c.seq == alerts.c.seq
)


def _read(connection: Connection, query: Select[Any]) -> list[StoredAlert]:
    return list(map(_stored, _rows(connection, query)))


def _rows(connection: Connection, query: Select[Any]) -> Iterable[RowMapping]:
    return connection.execute(query).mappings()


def _stored(row: RowMapping) -> StoredAlert:
    return StoredAlert(
        seq=row["seq"],
        alert=msgspec.json.decode(row["payload"], type=Alert),
        **{name: row[name] for name in _MARKS},
    )
