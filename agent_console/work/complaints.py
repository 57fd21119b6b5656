"""Complaints: red and yellow cards with deadlines. The functions that read take a Connection.

Deadlines run day and night, as complaints do; people are shown them in the hospital's zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, RowMapping, and_, insert, or_, select, update

from agent_console.events import (
    Card,
    ComplaintAction,
    ComplaintMoved,
    ComplaintOpened,
    ComplaintOutcome,
    ComplaintOverdue,
    ComplaintState,
    Deadline,
)
from agent_console.work.rows import from_row
from agent_console.work.settings import ComplaintSettings
from backbone.events import Event
from backbone.store.journal import Projection
from backbone.store.rows import replace_row
from backbone.store.tables.work import complaint_steps, complaints

_HOUR_S = 3600.0

ALERT_CARDS: Mapping[str, Card] = {
    "customer_complaint": "yellow",
    "escalation_threat": "red",
}
"""Kinds of alerts that a complaint may be opened from, and the card if nobody names one."""

TRANSITIONS: Mapping[tuple[ComplaintState, ComplaintAction], ComplaintState] = {
    ("open", "note"): "open",
    ("open", "assign"): "open",
    ("open", "answer"): "answered",
    ("open", "close"): "closed",
    ("answered", "note"): "answered",
    ("answered", "assign"): "answered",
    ("answered", "close"): "closed",
    ("closed", "note"): "closed",
    ("closed", "reopen"): "answered",
}
"""How a complaint moves. One that is closed at once counts as answered then; one that is taken up
again has had its answer."""


class NotPossibleError(ValueError):
    """A complaint that stands where it does cannot be moved so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A complaint as it stands; times in seconds since the epoch."""

    complaint_id: str
    card: Card
    state: ComplaintState
    call_id: str
    alert_id: str
    queue: str
    agent: str
    text: str
    owner: str
    opened_by: str
    opened_at: float
    answer_due: float
    close_due: float | None
    answered_at: float | None
    closed_at: float | None
    answer_overdue_at: float | None
    close_overdue_at: float | None
    outcome: ComplaintOutcome | Literal[""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that was done about a complaint; `owner` is whom it was handed to, if it was."""

    action: ComplaintAction
    by: str
    at: float
    text: str
    owner: str


def deadlines(
    card: Card, opened_at: float, settings: ComplaintSettings
) -> tuple[float, float | None]:
    """When the first answer and the end are due, in seconds since the epoch; None: no such."""
    red = card == "red"
    answer = settings.red_answer_h if red else settings.yellow_answer_h
    close = settings.red_close_h if red else settings.yellow_close_h
    return (
        opened_at + answer * _HOUR_S,
        None if close is None else opened_at + close * _HOUR_S,
    )


def advance(state: ComplaintState, action: ComplaintAction) -> ComplaintState:
    """Where an action leads.

    Raises:
        NotPossibleError: nowhere, from this state.
    """
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise NotPossibleError(f"a complaint that is {state} cannot be moved by {action}") from None


def late(complaint: Complaint, now: float) -> list[Deadline]:
    """Deadlines that have passed without what was due."""
    found: list[Deadline] = []
    if complaint.answered_at is None and complaint.answer_due < now:
        found.append("answer")
    if complaint.closed_at is None and (complaint.close_due or now) < now:
        found.append("close")
    return found


def untold(complaint: Complaint, now: float) -> list[Deadline]:
    """Deadlines that have passed and that nobody was told of yet."""
    told: dict[Deadline, float | None] = {
        "answer": complaint.answer_overdue_at,
        "close": complaint.close_overdue_at,
    }
    return [deadline for deadline in late(complaint, now) if told[deadline] is None]


def steps_of(connection: Connection, complaint_ids: Iterable[str]) -> dict[str, list[Step]]:
    """What was done about these complaints, oldest first."""
    found: dict[str, list[Step]] = {complaint_id: [] for complaint_id in complaint_ids}
    query = (
        select(complaint_steps)
        .where(complaint_steps.c.complaint_id.in_(list(found)))
        .order_by(complaint_steps.c.at, complaint_steps.c.step_id)
    )
    for row in connection.execute(query):
        step = Step(action=row.action, by=row.by, at=row.at, text=row.text, owner=row.owner)
        found[row.complaint_id].append(step)
    return found


def open_of_caller(connection: Connection, caller_id: str, limit: int) -> list[Complaint]:
    """A caller's complaints that are not closed, newest first."""
    query = (
        select(complaints)
        .where(complaints.c.caller_id == caller_id, complaints.c.state.in_(("open", "answered")))
        .order_by(complaints.c.opened_at.desc())
        .limit(limit)
    )
    return [complaint_of(row) for row in connection.execute(query).mappings()]


def running_late(connection: Connection, now: float) -> list[Complaint]:
    """Complaints with a deadline that passed before `now` and is not marked yet."""
    query = select(complaints).where(
        complaints.c.state != "closed",
        or_(
            and_(
                complaints.c.answered_at.is_(None),
                complaints.c.answer_overdue_at.is_(None),
                complaints.c.answer_due < now,
            ),
            and_(complaints.c.close_overdue_at.is_(None), complaints.c.close_due < now),
        ),
    )
    return [complaint_of(row) for row in connection.execute(query).mappings()]


def complaint_of(row: RowMapping) -> Complaint:
    """A row of the table as a complaint."""
    return from_row(Complaint, row)


def _opened(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, ComplaintOpened)  # noqa: S101 - the table below pairs them
    key = complaints.c.complaint_id == event.complaint_id
    if connection.execute(select(complaints.c.state).where(key)).first() is not None:
        return
    connection.execute(
        insert(complaints).values(
            complaint_id=event.complaint_id,
            card=event.card,
            state="open",
            call_id=event.call_id,
            alert_id=event.alert_id,
            caller_id=event.caller_id,
            queue=event.queue,
            agent=event.agent,
            text=event.text,
            owner=event.owner,
            opened_by=event.by,
            opened_at=event.at,
            answer_due=event.answer_due,
            close_due=event.close_due,
        )
    )


def _moved(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, ComplaintMoved)  # noqa: S101 - the table below pairs them
    replace_row(
        connection,
        complaint_steps,
        {
            "step_id": event.step_id,
            "complaint_id": event.complaint_id,
            "action": event.action,
            "by": event.by,
            "at": event.at,
            "text": event.text,
            "owner": event.owner if event.action == "assign" else "",
        },
    )
    key = complaints.c.complaint_id == event.complaint_id
    row = connection.execute(select(complaints).where(key)).first()
    if row is None:
        return
    values: dict[str, object] = {"state": event.state, "owner": event.owner}
    if event.state in {"answered", "closed"} and row.answered_at is None:
        values["answered_at"] = event.at
    if event.action == "close":
        values |= {"closed_at": event.at, "outcome": event.outcome}
    elif event.action == "reopen":
        values |= {"closed_at": None, "outcome": ""}
    connection.execute(update(complaints).where(key).values(**values))


def _overdue(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, ComplaintOverdue)  # noqa: S101 - the table below pairs them
    connection.execute(
        update(complaints)
        .where(complaints.c.complaint_id == event.complaint_id)
        .values(**{f"{event.deadline}_overdue_at": event.at})
    )


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {
    ComplaintOpened: (_opened,),
    ComplaintMoved: (_moved,),
    ComplaintOverdue: (_overdue,),
}
"""What the journal writes into our tables; every one may see an event twice."""
