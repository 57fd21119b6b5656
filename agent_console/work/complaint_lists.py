"""Which complaints a user sees, and in which order. The functions take a Connection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Column, ColumnElement, Connection, Label, and_, case, or_, select, true

from agent_console.events import Card
from agent_console.paging import Page, page
from agent_console.scope import Scope
from agent_console.work.complaints import Complaint, complaint_of
from backbone.store.schema import calls
from backbone.store.tables.guidance import call_topics
from backbone.store.tables.work import complaints

_FAR = 1e11
"""Later than any time in seconds since the epoch."""

ComplaintFilter = Literal["all", "unsettled", "open", "answered", "closed", "overdue"]
ComplaintOrder = Literal["newest", "due"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Who looks: the calls in scope, and what this user filed or owns."""

    username: str
    scope: Scope

    def where(self) -> ColumnElement[bool]:
        """As a condition on complaints."""
        if self.scope.everything:
            return true()
        return or_(
            self.scope.where(complaints.c.queue, complaints.c.agent),
            complaints.c.opened_by == self.username,
            complaints.c.owner == self.username,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which complaints; what is None is left open. `owner` empty: those that nobody has.

    `within` narrows to a team's queues and agents.
    """

    state: ComplaintFilter = "all"
    card: Card | None = None
    owner: str | None = None
    call_id: str | None = None
    within: Scope | None = None

    def where(self, now: float) -> list[ColumnElement[bool]]:
        """As conditions on complaints."""
        found: list[ColumnElement[bool]] = []
        if self.state == "overdue":
            found.append(_late(now))
        elif self.state == "unsettled":
            found.append(complaints.c.state != "closed")
        elif self.state != "all":
            found.append(complaints.c.state == self.state)
        exact: list[tuple[Column[str], str | None]] = [
            (complaints.c.card, self.card),
            (complaints.c.owner, self.owner),
            (complaints.c.call_id, self.call_id),
        ]
        found += [column == value for column, value in exact if value is not None]
        if self.within is not None:
            found.append(self.within.where(complaints.c.queue, complaints.c.agent))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The call that a complaint is about; `number` is the caller's, whole."""

    number: str
    joined_at: float
    topic_title: str
    topic_title_en: str


def find(connection: Connection, complaint_id: str, looker: Looker) -> Complaint | None:
    """One complaint; None when there is none for this user."""
    query = select(complaints).where(complaints.c.complaint_id == complaint_id, looker.where())
    row = connection.execute(query).mappings().first()
    return None if row is None else complaint_of(row)


def listed(
    connection: Connection,
    looker: Looker,
    wanted: Wanted,
    *,
    now: float,
    order: ComplaintOrder = "newest",
    limit: int,
    cursor: str | None,
) -> Page[Complaint]:
    """Complaints by when they were opened, newest first, or by what is due next.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    urgency = _urgency()
    query = select(complaints, urgency).where(looker.where(), *wanted.where(now))
    first = complaints.c.opened_at if order == "newest" else urgency
    keys = (first, complaints.c.complaint_id)
    return page(connection, query, keys, complaint_of, limit=limit, cursor=cursor)


def calls_of(connection: Connection, call_ids: Iterable[str]) -> dict[str, About]:
    """What is known of these calls; one that is not known is left out."""
    query = (
        select(
            calls.c.call_id,
            calls.c.caller,
            calls.c.joined_at,
            call_topics.c.title,
            call_topics.c.title_en,
        )
        .outerjoin(call_topics, call_topics.c.call_id == calls.c.call_id)
        .where(calls.c.call_id.in_(set(call_ids)))
    )
    return {
        row.call_id: About(
            number=row.caller,
            joined_at=row.joined_at,
            topic_title=row.title or "",
            topic_title_en=row.title_en or "",
        )
        for row in connection.execute(query)
    }


def _late(now: float) -> ColumnElement[bool]:
    """The same as `late`, as a condition on complaints."""
    return or_(
        and_(complaints.c.answered_at.is_(None), complaints.c.answer_due < now),
        and_(complaints.c.closed_at.is_(None), complaints.c.close_due < now),
    )


def _urgency() -> Label[float]:
    """The greater, the sooner something is due; then what has no deadline, and what is closed."""
    return case(
        (complaints.c.state == "closed", complaints.c.opened_at - 2 * _FAR),
        (complaints.c.answered_at.is_(None), -complaints.c.answer_due),
        (complaints.c.close_due.is_not(None), -complaints.c.close_due),
        else_=complaints.c.opened_at - _FAR,
    ).label("urgency")
