"""Complaints: red and yellow cards, opened by hand or from an alert, moved until closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field, model_validator
from sqlalchemy import Connection, select

from agent_console.access import Context, Who, call_in_scope
from agent_console.api.parameters import Cursor, Limit
from agent_console.api.writing import (
    Asked,
    Name,
    Note,
    entry,
    keep,
    local,
    not_found,
    read,
)
from agent_console.context import ConsoleContext
from agent_console.events import Card, ComplaintAction, ComplaintMoved, ComplaintOpened
from agent_console.paging import Page
from agent_console.problems import Problem
from agent_console.viewer import Viewer
from agent_console.work import callers, complaints
from agent_console.work.complaints import Complaint, ComplaintFilter, NotPossibleError, Step
from backbone.ids import new_id, stable_id
from backbone.store.schema import alerts, calls

router = APIRouter(prefix="/complaints", tags=["complaints"])

ComplaintId = Annotated[str, Path(max_length=64)]


class NewComplaint(Asked):
    """A complaint about a call, by hand or from an alert.

    The card may be left to the kind of the alert. The one who opens it owns it unless `owner`
    names somebody else.
    """

    call_id: str = Field("", max_length=64)
    alert_id: str = Field("", max_length=64)
    card: Card | None = None
    text: Note = ""
    owner: Name = ""

    @model_validator(mode="after")
    def _about_something(self) -> NewComplaint:
        if bool(self.call_id) == bool(self.alert_id):
            raise ValueError("give either call_id or alert_id")
        if self.call_id and (self.card is None or not self.text):
            raise ValueError("a complaint opened by hand needs card and text")
        return self


class ComplaintStep(Asked):
    """What was done about it. `assign` hands it to `owner`; the others need words."""

    action: ComplaintAction
    text: Note = ""
    owner: Name = ""

    @model_validator(mode="after")
    def _says_something(self) -> ComplaintStep:
        if (self.action == "assign") != bool(self.owner):
            raise ValueError("assign, and only it, names an owner")
        if self.action != "assign" and not self.text:
            raise ValueError(f"say in words what was done: {self.action} needs text")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintView:
    """A complaint with its deadlines as people read them, and what was done about it."""

    complaint: Complaint
    opened_at_local: str
    answer_due_local: str
    close_due_local: str | None
    late: bool
    steps: list[Step]


@router.get("")
async def list_complaints(
    *,
    who: Who,
    context: Context,
    state: ComplaintFilter = "all",
    card: Annotated[Card | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ComplaintView]:
    """Complaints, newest first."""

    def find(connection: Connection) -> Page[ComplaintView]:
        found = complaints.listed(
            connection, who.scope, state, card=card, limit=limit, cursor=cursor
        )
        steps = complaints.steps_of(connection, [one.complaint_id for one in found.items])
        return Page(
            [_view(context, one, steps[one.complaint_id]) for one in found.items], found.next
        )

    return await read(context, find)


@router.post("", status_code=201)
async def open_complaint(who: Who, context: Context, body: NewComplaint) -> ComplaintView:
    """Open a complaint; a second one from the same alert answers with the first."""
    complaint_id = stable_id("complaint", body.alert_id) if body.alert_id else new_id()
    async with context.desk.writing:
        event = await read(context, lambda c: _opening(context, c, who, body, complaint_id))
        if event is not None:
            said = f"card {event.card}"
            await keep(
                context,
                event,
                entry(context, who, "complaint_opened", complaint_id, said, event.call_id),
            )
    return await _shown(context, who, complaint_id)


@router.patch("/{complaint_id}")
async def move_complaint(
    who: Who, context: Context, complaint_id: ComplaintId, body: ComplaintStep
) -> ComplaintView:
    """Do something about a complaint: note, assign, answer, close, reopen."""
    async with context.desk.writing:
        known = await read(context, lambda c: complaints.find(c, complaint_id, who.scope))
        if known is None:
            raise not_found("complaint")
        try:
            state = complaints.advance(known.state, body.action)
        except NotPossibleError as error:
            raise Problem(409, "not_possible", str(error)) from None
        moved = ComplaintMoved(
            at=context.clock.time(),
            step_id=new_id(),
            complaint_id=complaint_id,
            call_id=known.call_id,
            action=body.action,
            state=state,
            by=who.username,
            text=body.text,
            owner=body.owner or known.owner,
        )
        said = f"{body.action}: {known.state} to {state}"
        await keep(
            context,
            moved,
            entry(context, who, "complaint_moved", complaint_id, said, known.call_id),
        )
    return await _shown(context, who, complaint_id)


def _opening(
    context: ConsoleContext,
    connection: Connection,
    who: Viewer,
    body: NewComplaint,
    complaint_id: str,
) -> ComplaintOpened | None:
    """What is to be published; None when the alert's complaint is open already."""
    call_id, card = body.call_id, body.card
    queue = agent = ""
    if body.alert_id:
        alert = connection.execute(select(alerts).where(alerts.c.alert_id == body.alert_id)).first()
        if alert is None or not who.scope.sees(alert.queue, (alert.agent,)):
            raise not_found("alert")
        if alert.kind not in complaints.ALERT_CARDS:
            known = ", ".join(complaints.ALERT_CARDS)
            raise Problem(409, "not_a_complaint", f"Open complaints from alerts of: {known}.")
        if complaints.find(connection, complaint_id, who.scope) is not None:
            return None
        call_id, queue, agent = alert.call_id, alert.queue, alert.agent
        card = card or complaints.ALERT_CARDS[alert.kind]
    elif not call_in_scope(connection, who.scope, call_id):
        raise not_found("call")
    call = connection.execute(select(calls).where(calls.c.call_id == call_id)).first()
    now = context.clock.time()
    assert card is not None  # noqa: S101 - the model and the lines above see to it
    answer_due, close_due = complaints.deadlines(card, now, context.desk.settings.complaints)
    number = "" if call is None else call.caller
    return ComplaintOpened(
        at=now,
        complaint_id=complaint_id,
        call_id=call_id,
        alert_id=body.alert_id,
        card=card,
        caller_id=callers.caller_id_of(context.desk.keyring, number),
        queue=queue if call is None else call.queue,
        agent=agent if call is None else call.agent,
        text=body.text,
        owner=body.owner or who.username,
        by=who.username,
        answer_due=answer_due,
        close_due=close_due,
    )


async def _shown(context: ConsoleContext, who: Viewer, complaint_id: str) -> ComplaintView:
    def find(connection: Connection) -> ComplaintView:
        known = complaints.find(connection, complaint_id, who.scope)
        if known is None:
            raise not_found("complaint")
        steps = complaints.steps_of(connection, [complaint_id])
        return _view(context, known, steps[complaint_id])

    return await read(context, find)


def _view(context: ConsoleContext, complaint: Complaint, steps: list[Step]) -> ComplaintView:
    now = context.clock.time()
    return ComplaintView(
        complaint=complaint,
        opened_at_local=local(context, complaint.opened_at),
        answer_due_local=local(context, complaint.answer_due),
        close_due_local=(
            None if complaint.close_due is None else local(context, complaint.close_due)
        ),
        late=bool(complaints.late(complaint, now)),
        steps=steps,
    )
