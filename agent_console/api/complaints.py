"""Complaints: red and yellow cards, opened by hand or from an alert, moved until closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field, model_validator
from sqlalchemy import Connection, select

from agent_console import teams, users
from agent_console.access import Context, Who, call_in_scope
from agent_console.api.parameters import Cursor, Limit
from agent_console.api.writing import (
    Asked,
    Line,
    Name,
    Note,
    changed_meanwhile,
    entry,
    keep,
    local,
    not_found,
    read,
)
from agent_console.context import ConsoleContext
from agent_console.events import (
    Card,
    ComplaintAction,
    ComplaintMoved,
    ComplaintOpened,
    ComplaintOutcome,
)
from agent_console.paging import Page
from agent_console.permissions import PERMISSIONS, Role
from agent_console.privacy import mask_number
from agent_console.problems import Problem
from agent_console.scope import Scope
from agent_console.viewer import Viewer
from agent_console.work import callers, complaint_lists, complaints
from agent_console.work.complaint_lists import (
    About,
    ComplaintFilter,
    ComplaintOrder,
    Looker,
    Wanted,
)
from agent_console.work.complaints import TRANSITIONS, Complaint, NotPossibleError, Step
from backbone.ids import new_id, stable_id
from backbone.store.schema import alerts, calls

router = APIRouter(prefix="/complaints", tags=["complaints"])

ComplaintId = Annotated[str, Path(max_length=64)]

_HANDLERS = PERMISSIONS["PATCH /complaints/{}"].roles
"""Who may do something about a complaint, and so may be given one."""


class NewComplaint(Asked):
    """A complaint about a call, by hand or from an alert; or about a queue, where nobody called.

    The card may be left to the kind of the alert. The one who opens it owns it unless `owner`
    names somebody else; an agent's is nobody's until it is assigned. `number` is whoever
    complains about a queue: it is not kept, but their next call shows the complaint.
    """

    call_id: str = Field("", max_length=64)
    alert_id: str = Field("", max_length=64)
    queue: Line = ""
    number: Name = ""
    card: Card | None = None
    text: Note = ""
    owner: Name = ""

    @model_validator(mode="after")
    def _about_something(self) -> NewComplaint:
        if [bool(self.call_id), bool(self.alert_id), bool(self.queue)].count(True) != 1:
            raise ValueError("give one of call_id, alert_id and queue")
        if not self.alert_id and (self.card is None or not self.text):
            raise ValueError("a complaint opened by hand needs card and text")
        if self.number and not self.queue:
            raise ValueError("a call knows its number")
        return self


class ComplaintStep(Asked):
    """What was done about it, as it stood at `version`.

    `assign` hands it to `owner`; the others need words. `close` needs an outcome too.
    """

    version: int = Field(ge=1)
    action: ComplaintAction
    text: Note = ""
    owner: Name = ""
    outcome: ComplaintOutcome | None = None

    @model_validator(mode="after")
    def _says_something(self) -> ComplaintStep:
        if (self.action == "assign") != bool(self.owner):
            raise ValueError("assign, and only it, names an owner")
        if self.action != "assign" and not self.text:
            raise ValueError(f"say in words what was done: {self.action} needs text")
        if (self.action == "close") != (self.outcome is not None):
            raise ValueError("close, and only it, says what came of it")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintView:
    """A complaint with its deadlines as people read them, and what was done about it.

    `caller` is masked; it and the topic are empty where the complaint is about no call.
    `may` is what can be done next; `version` rises with every step.
    """

    complaint: Complaint
    version: int
    caller: str
    topic_title: str
    topic_title_en: str
    call_at: float | None
    may: list[ComplaintAction]
    opened_at_local: str
    answer_due_local: str
    close_due_local: str | None
    late: bool
    steps: list[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Somebody whom a complaint may be assigned to."""

    username: str
    name: str
    role: Role


@router.get("")
async def list_complaints(
    *,
    who: Who,
    context: Context,
    state: ComplaintFilter = "all",
    card: Annotated[Card | None, Query()] = None,
    owner: Annotated[str | None, Query(max_length=64)] = None,
    unassigned: Annotated[bool, Query(description="Those that nobody has.")] = False,
    team: Annotated[str, Query(max_length=64)] = "",
    call_id: Annotated[str | None, Query(max_length=64)] = None,
    order: ComplaintOrder = "newest",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ComplaintView]:
    """Complaints in sight, those filed or owned by oneself among them.

    The newest come first, or with `order=due` what is due soonest, then what has no deadline, then
    what is closed.
    """

    def find(connection: Connection) -> Page[ComplaintView]:
        within = _team(connection, team) if team else None
        wanted = Wanted(
            state=state,
            card=card,
            owner="" if unassigned else owner,
            call_id=call_id,
            within=within,
        )
        found = complaint_lists.listed(
            connection,
            _looker(who),
            wanted,
            now=context.clock.time(),
            order=order,
            limit=limit,
            cursor=cursor,
        )
        return Page(_views(context, connection, found.items), found.next)

    return await read(context, find)


@router.get("/owners")
async def list_owners(context: Context) -> list[Owner]:
    """Who may be given a complaint, by name."""
    return [
        Owner(username=user.username, name=user.name, role=user.role)
        for user in await read(context, users.list_users)
        if user.role in _HANDLERS
    ]


@router.get("/{complaint_id}")
async def get_complaint(who: Who, context: Context, complaint_id: ComplaintId) -> ComplaintView:
    """Read one complaint, with all that was done about it."""
    return await _shown(context, who, complaint_id)


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
    """Do something about a complaint: note, assign, answer, close, reopen.

    Refused when somebody else has done something since `version`.
    """
    async with context.desk.writing:
        known = await read(context, lambda c: _known(c, who, complaint_id, body))
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
            outcome=body.outcome or "",
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
    queue, agent = body.queue, ""
    if body.owner:
        _check_owner(connection, body.owner)
    if body.alert_id:
        alert = connection.execute(select(alerts).where(alerts.c.alert_id == body.alert_id)).first()
        if alert is None or not who.scope.sees(alert.queue, (alert.agent,)):
            raise not_found("alert")
        if alert.kind not in complaints.ALERT_CARDS:
            known = ", ".join(complaints.ALERT_CARDS)
            raise Problem(409, "not_a_complaint", f"Open complaints from alerts of: {known}.")
        if complaint_lists.find(connection, complaint_id, _looker(who)) is not None:
            return None
        call_id, queue, agent = alert.call_id, alert.queue, alert.agent
        card = card or complaints.ALERT_CARDS[alert.kind]
    elif call_id and not call_in_scope(connection, who.scope, call_id):
        raise not_found("call")
    elif queue and who.role != "agent" and not who.scope.sees(queue, ()):
        raise not_found("queue")
    call = connection.execute(select(calls).where(calls.c.call_id == call_id)).first()
    now = context.clock.time()
    assert card is not None  # noqa: S101 - the model and the lines above see to it
    answer_due, close_due = complaints.deadlines(card, now, context.desk.settings.complaints)
    number = body.number if call is None else call.caller
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
        owner=body.owner or (who.username if who.role in _HANDLERS else ""),
        by=who.username,
        answer_due=answer_due,
        close_due=close_due,
    )


async def _shown(context: ConsoleContext, who: Viewer, complaint_id: str) -> ComplaintView:
    def find(connection: Connection) -> ComplaintView:
        known = complaint_lists.find(connection, complaint_id, _looker(who))
        if known is None:
            raise not_found("complaint")
        return _views(context, connection, [known])[0]

    return await read(context, find)


def _looker(who: Viewer) -> Looker:
    return Looker(username=who.username, scope=who.scope)


def _team(connection: Connection, name: str) -> Scope:
    """A team's part of the floor; nothing where there is no such team."""
    found = [team for team in teams.list_teams(connection) if team.team == name]
    return Scope(
        queues=frozenset(queue for team in found for queue in team.queues),
        agents=frozenset(agent for team in found for agent in team.agents),
    )


def _known(
    connection: Connection, who: Viewer, complaint_id: str, step: ComplaintStep
) -> Complaint:
    if step.owner:
        _check_owner(connection, step.owner)
    known = complaint_lists.find(connection, complaint_id, _looker(who))
    if known is None:
        raise not_found("complaint")
    if _version(complaints.steps_of(connection, [complaint_id])[complaint_id]) != step.version:
        raise changed_meanwhile("complaint")
    return known


def _version(steps: list[Step]) -> int:
    return 1 + len(steps)


def _check_owner(connection: Connection, username: str) -> None:
    user = users.find_user(connection, username)
    if user is None or user.role not in _HANDLERS:
        raise Problem(422, "invalid_request", "Assign it to somebody who handles complaints.")


def _views(
    context: ConsoleContext, connection: Connection, found: list[Complaint]
) -> list[ComplaintView]:
    steps = complaints.steps_of(connection, [one.complaint_id for one in found])
    calls_known = complaint_lists.calls_of(
        connection, [one.call_id for one in found if one.call_id]
    )
    return [
        _view(context, one, steps[one.complaint_id], calls_known.get(one.call_id)) for one in found
    ]


def _view(
    context: ConsoleContext, complaint: Complaint, steps: list[Step], about: About | None
) -> ComplaintView:
    now = context.clock.time()
    return ComplaintView(
        complaint=complaint,
        version=_version(steps),
        caller="" if about is None else mask_number(about.number),
        topic_title="" if about is None else about.topic_title,
        topic_title_en="" if about is None else about.topic_title_en,
        call_at=None if about is None else about.joined_at,
        may=[action for state, action in TRANSITIONS if state == complaint.state],
        opened_at_local=local(context, complaint.opened_at),
        answer_due_local=local(context, complaint.answer_due),
        close_due_local=(
            None if complaint.close_due is None else local(context, complaint.close_due)
        ),
        late=bool(complaints.late(complaint, now)),
        steps=steps,
    )
