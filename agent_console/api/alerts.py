"""Alerts: the inbox, and what people do about one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from agent_console import alert_reads, users
from agent_console.access import Context, Who
from agent_console.alert_evidence import evidence_of
from agent_console.alert_reads import AlertDetail, AlertFilter, AlertQuery
from agent_console.api.parameters import Cursor, Id, Limit, Name, Since, Until, Words
from agent_console.context import ConsoleContext
from agent_console.live.views import AlertView
from agent_console.paging import BadCursorError, Page
from agent_console.permissions import PERMISSIONS
from agent_console.problems import Problem
from agent_console.viewer import Viewer
from qa_engine.alerts import TRANSITIONS
from qa_engine.events import (
    AlertAcknowledged,
    AlertAssigned,
    AlertCommented,
    AlertEscalated,
    AlertFeedback,
    FeedbackVerdict,
    RuleMuted,
    Severity,
)
from qa_engine.storage import CHANGES, AlertChange

router = APIRouter(tags=["alerts"])

HIGHEST_LEVEL = 9
_HEARING = PERMISSIONS["GET /calls/{}/audio"].roles


class Assignment(BaseModel):
    """To whom; empty takes it back."""

    to: str = Field(max_length=64)


class Comment(BaseModel):
    """A remark for colleagues."""

    text: str = Field(min_length=1, max_length=2000, pattern=r"\S")


class Feedback(BaseModel):
    """Whether the alert was right."""

    verdict: FeedbackVerdict


class Mute(BaseModel):
    """A rule that shall raise no more alerts on this call, or shall again."""

    rule: str = Field(min_length=1, max_length=128)
    muted: bool = True


@router.get("/alerts")
async def list_alerts(
    who: Who,
    context: Context,
    *,
    state: AlertFilter = "all",
    severity: Annotated[list[Severity] | None, Query(max_length=5)] = None,
    assigned: Annotated[
        str | None, Query(max_length=64, description="A user, `me`, or `nobody`.")
    ] = None,
    unread: Annotated[bool, Query(description="Only what nobody has taken notice of.")] = False,
    queue: Name = "",
    agent: Name = "",
    rule: Name = "",
    since: Since = None,
    until: Until = None,
    q: Words = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AlertView]:
    """Alerts, newest first."""
    names = {"me": who.username, "nobody": ""}
    wanted = AlertQuery(
        scope=who.scope,
        state="open" if unread else state,
        severities=severity or (),
        assigned_to=None if assigned is None else names.get(assigned, assigned),
        queue=queue,
        agent=agent,
        rule=rule,
        since=since,
        until=until,
        words=q.strip(),
    )

    def read() -> Page[AlertView]:
        with context.engine.connect() as connection:
            return alert_reads.list_alerts(connection, wanted, limit, cursor)

    try:
        page = await asyncio.to_thread(read)
    except BadCursorError as error:
        raise Problem(400, "bad_cursor", str(error)) from None
    return Page([_for(who, alert) for alert in page.items], page.next)


@router.get("/alerts/{alert_id}")
async def get_alert(who: Who, context: Context, alert_id: Id) -> AlertDetail:
    """One alert with what it rests on and what was done to it.

    Agents are not told what leads did, and hear no recordings.
    """
    alert = await _find(context, alert_id)
    audible = context.sound is not None and who.role in _HEARING

    def read() -> AlertDetail:
        with context.engine.connect() as connection:
            steps = [] if who.role == "agent" else alert_reads.steps_of(connection, alert)
            evidence = evidence_of(connection, alert, audible=audible)
        return AlertDetail(_for(who, alert), steps, evidence)

    return await asyncio.to_thread(read)


@router.post("/alerts/{alert_id}/ack")
async def acknowledge(who: Who, context: Context, alert_id: Id) -> AlertView:
    """Take notice of an alert. A second time changes nothing and says who was first."""

    def event(alert: AlertView, at: float) -> AlertChange | None:
        if alert.state != "open":
            return None
        return AlertAcknowledged(
            at=at, alert_id=alert_id, call_id=alert.call_id, by=who.username, by_role=who.role
        )

    return await _change(context, alert_id, event)


@router.post("/alerts/{alert_id}/assign")
async def assign(who: Who, context: Context, alert_id: Id, body: Assignment) -> AlertView:
    """Give an alert to somebody; until that one acknowledges it, it goes on escalating."""
    if body.to:
        await _check_assignee(context, body.to)

    def event(alert: AlertView, at: float) -> AlertChange | None:
        if alert.assigned_to == body.to:
            return None
        return AlertAssigned(
            at=at,
            alert_id=alert_id,
            call_id=alert.call_id,
            by=who.username,
            by_role=who.role,
            to=body.to,
        )

    return await _change(context, alert_id, event)


@router.post("/alerts/{alert_id}/comment")
async def comment(who: Who, context: Context, alert_id: Id, body: Comment) -> AlertView:
    """Write a remark to an alert."""

    def event(alert: AlertView, at: float) -> AlertChange:
        return AlertCommented(
            at=at,
            alert_id=alert_id,
            call_id=alert.call_id,
            by=who.username,
            by_role=who.role,
            text=body.text.strip(),
        )

    return await _change(context, alert_id, event)


@router.post("/alerts/{alert_id}/feedback")
async def feedback(who: Who, context: Context, alert_id: Id, body: Feedback) -> AlertView:
    """Say whether an alert was right; the last verdict counts."""

    def event(alert: AlertView, at: float) -> AlertChange | None:
        if alert.verdict == body.verdict:
            return None
        return AlertFeedback(
            at=at,
            alert_id=alert_id,
            call_id=alert.call_id,
            by=who.username,
            by_role=who.role,
            verdict=body.verdict,
        )

    return await _change(context, alert_id, event)


@router.post("/alerts/{alert_id}/escalate")
async def escalate(who: Who, context: Context, alert_id: Id) -> AlertView:
    """Pass an alert a level up, without waiting for the timer."""

    def event(alert: AlertView, at: float) -> AlertChange:
        if alert.escalation >= HIGHEST_LEVEL:
            raise Problem(409, "not_possible", "There is nobody above this level.")
        return AlertEscalated(
            at=at,
            alert_id=alert_id,
            call_id=alert.call_id,
            by=who.username,
            by_role=who.role,
            level=alert.escalation + 1,
        )

    return await _change(context, alert_id, event)


@router.post("/calls/{call_id}/mute", status_code=204)
async def mute(who: Who, context: Context, call_id: Id, body: Mute) -> None:
    """Have a rule raise no more alerts on this call; what it finds is still recorded."""
    await context.bus.publish(
        RuleMuted(
            at=context.clock.time(),
            call_id=call_id,
            rule=body.rule,
            by=who.username,
            by_role=who.role,
            muted=body.muted,
        )
    )


async def _change(
    context: ConsoleContext,
    alert_id: str,
    make: Callable[[AlertView, float], AlertChange | None],
) -> AlertView:
    """Do something to an alert, one at a time, so that each sees what the one before did."""
    async with context.acknowledging:
        alert = await _find(context, alert_id)
        event = make(alert, context.clock.time())
        if event is None:
            return alert
        if (alert.state, CHANGES[type(event)]) not in TRANSITIONS:
            raise Problem(409, "not_possible", f"This alert is {alert.state} already.")
        await context.bus.publish(event)
    changed = replace(alert)
    changed.change(event)
    return changed


async def _find(context: ConsoleContext, alert_id: str) -> AlertView:
    def read() -> AlertView | None:
        with context.engine.connect() as connection:
            return alert_reads.find_alert(connection, alert_id)

    # One that could not be stored (full disk) is known here only.
    found = await asyncio.to_thread(read) or context.projector.state.alerts.get(alert_id)
    if found is None:
        raise Problem(404, "not_found", "There is no such alert.")
    return found


async def _check_assignee(context: ConsoleContext, username: str) -> None:
    def find() -> users.User | None:
        with context.engine.connect() as connection:
            return users.find_user(connection, username)

    user = await asyncio.to_thread(find)
    if user is None or user.role == "agent":
        raise Problem(422, "invalid_request", "An alert is given to a user who is no agent.")


def _for(who: Viewer, alert: AlertView) -> AlertView:
    return alert.gentle() if who.role == "agent" else alert
