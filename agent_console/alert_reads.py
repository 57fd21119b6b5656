"""Alerts as lists and one by one. Functions take a Connection; call them in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, RowMapping, Select, func, or_, select

from agent_console.alert_evidence import AlertEvidence
from agent_console.live.views import AlertView
from agent_console.paging import Page, page
from agent_console.scope import EVERYTHING, Scope
from backbone.events import kind_of
from backbone.store.schema import alerts, journal
from backbone.store.tables.alerting import alert_comments
from qa_engine.events import (
    Alert,
    AlertAssigned,
    AlertCommented,
    AlertEscalated,
    AlertFeedback,
    Severity,
)
from qa_engine.privacy import redact
from qa_engine.storage import AlertChange, changes_of

AlertFilter = Literal["all", "open", "acknowledged", "judged"]

_COMMENTS = (
    select(func.count())
    .where(alert_comments.c.alert_id == alerts.c.alert_id)
    .scalar_subquery()
    .label("comments")
)
# The table says where an alert stands, the journal what it said.
_ALERTS = select(alerts, _COMMENTS, journal.c.payload).join(journal, journal.c.seq == alerts.c.seq)


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts are wanted; what is left as it is does not narrow. Times are epoch seconds."""

    scope: Scope = EVERYTHING
    state: AlertFilter = "all"
    severities: Sequence[Severity] = ()
    assigned_to: str | None = None
    """Empty: those that are nobody's."""
    queue: str = ""
    agent: str = ""
    rule: str = ""
    since: float | None = None
    until: float | None = None
    words: str = ""
    """In the rule's name or id, or the phrase."""


@dataclass(frozen=True, slots=True)
class AlertStep:
    """Something that was done to an alert; `detail` is to whom, the verdict or the level."""

    at: float
    what: str
    by: str
    detail: str
    text: str


@dataclass(frozen=True, slots=True)
class AlertDetail:
    """An alert, what was done to it, in order, and what it rests on."""

    alert: AlertView
    steps: list[AlertStep]
    evidence: AlertEvidence


def list_alerts(
    connection: Connection, wanted: AlertQuery, limit: int, cursor: str | None
) -> Page[AlertView]:
    """Alerts by the time they were emitted, newest first.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    order = (alerts.c.at, alerts.c.alert_id)
    return page(connection, _narrowed(wanted), order, _view, limit=limit, cursor=cursor)


def find_alert(connection: Connection, alert_id: str) -> AlertView | None:
    """One alert."""
    row = connection.execute(_ALERTS.where(alerts.c.alert_id == alert_id)).mappings().first()
    return None if row is None else _view(row)


def steps_of(connection: Connection, alert: AlertView) -> list[AlertStep]:
    """What was done to an alert, in order."""
    return [_step(change) for change in changes_of(connection, alert.call_id, alert.alert_id)]


def _narrowed(wanted: AlertQuery) -> Select[Any]:
    query = _ALERTS.where(wanted.scope.where(alerts.c.queue, alerts.c.agent))
    if wanted.state != "all":
        query = query.where(alerts.c.state == wanted.state)
    if wanted.severities:
        query = query.where(alerts.c.severity.in_(wanted.severities))
    if wanted.assigned_to is not None:
        query = query.where(alerts.c.assigned_to == wanted.assigned_to)
    for column, value in (
        (alerts.c.queue, wanted.queue),
        (alerts.c.agent, wanted.agent),
        (alerts.c.rule, wanted.rule),
    ):
        if value:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(alerts.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(alerts.c.at < wanted.until)
    if wanted.words:
        searched = (alerts.c.title, alerts.c.title_en, alerts.c.rule, alerts.c.phrase)
        query = query.where(
            or_(*(column.icontains(wanted.words, autoescape=True) for column in searched))
        )
    return query


def _view(row: RowMapping) -> AlertView:
    view = AlertView.of(redact(msgspec.json.decode(row["payload"], type=Alert)))
    view.mark(row)
    return view


def _step(change: AlertChange) -> AlertStep:
    detail = text = ""
    match change:
        case AlertAssigned():
            detail = change.to
        case AlertFeedback():
            detail = change.verdict
        case AlertEscalated():
            detail = str(change.level)
        case AlertCommented():
            text = redact(change).text
    return AlertStep(change.at, kind_of(type(change)), change.by, detail, text)
