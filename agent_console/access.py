"""Whether a request may go on: its route's rule, its user's role, and what it reaches for.

`authorise` stands before every route of the API; what it lets through needs no further check of
role, nor of the call or alert that its path names. Lists are narrowed by their own queries, with
the viewer's scope.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends
from sqlalchemy import Connection, select
from starlette.requests import HTTPConnection

from agent_console import teams, users
from agent_console.context import ConsoleContext
from agent_console.permissions import PERMISSIONS, Rule, route_key
from agent_console.problems import Problem
from agent_console.scope import Scope
from agent_console.sessions import Session
from agent_console.viewer import Viewer
from agent_console.work.inspections.store import call_is_given
from backbone.audit import AuditEntry
from backbone.ids import new_id
from backbone.store.schema import alerts, calls

API = "/api/v1"
COOKIE = "tingzhen_session"

_MISSING = {"call": "There is no such call.", "alert": "There is no such alert."}


def get_context(connection: HTTPConnection) -> ConsoleContext:
    """This app's context."""
    context = connection.app.state.console
    assert isinstance(context, ConsoleContext)  # noqa: S101 - create_app put it there
    return context


Context = Annotated[ConsoleContext, Depends(get_context)]


async def viewer_of(context: ConsoleContext, session: Session) -> Viewer | None:
    """The user of a session; None when the user is gone."""

    def read() -> Viewer | None:
        with context.engine.connect() as connection:
            user = users.find_user(connection, session.username)
            if user is None:
                return None
            scope = teams.scope_of(user, teams.list_teams(connection))
            return Viewer(session, user, scope)

    return await asyncio.to_thread(read)


async def get_viewer(connection: HTTPConnection, context: Context) -> Viewer:
    """Who asks, by the request's cookie.

    Raises:
        Problem: 401, nobody is logged in.
    """
    known = getattr(connection.state, "viewer", None)
    if isinstance(known, Viewer):
        return known
    token = connection.cookies.get(COOKIE)
    session = context.sessions.find(token) if token else None
    viewer = await viewer_of(context, session) if session is not None else None
    if viewer is None:
        raise Problem(401, "login_required", "Log in first: POST /api/v1/login.")
    connection.state.viewer = viewer
    return viewer


Who = Annotated[Viewer, Depends(get_viewer)]


async def authorise(connection: HTTPConnection, context: Context) -> None:
    """Let a request through to its route, or refuse it.

    Raises:
        Problem: 401 without a login, 403 for the wrong role, for a route that has no rule and
            while a password is to be chosen, 404 for a call or alert outside the user's scope.
    """
    method = connection.scope.get("method", "WS")
    path = connection.scope["route"].path.removeprefix(API)
    rule = PERMISSIONS.get(route_key(method, path))
    if rule is None:
        raise Problem(403, "no_rule", "Nobody may do this: it is not in the table of permissions.")
    if rule.public:
        return
    viewer = await get_viewer(connection, context)
    if viewer.choose_password and not rule.first:
        raise Problem(
            403, "password_required", "Choose a password first: POST /api/v1/me/password."
        )
    if viewer.role not in rule.roles:
        reason = f"The role {viewer.role} may not do this."
        await _note_refusal(context, viewer, rule, connection, reason)
        raise Problem(403, "not_permitted", reason)
    reached = await _reaches(context, viewer.scope, rule, connection.path_params)
    if not reached and not await _given(context, viewer, rule, connection.path_params):
        reason = _MISSING[rule.reach]
        await _note_refusal(context, viewer, rule, connection, reason)
        raise Problem(404, "not_found", reason)


async def _reaches(
    context: ConsoleContext, scope: Scope, rule: Rule, path_params: dict[str, str]
) -> bool:
    if rule.reach not in _MISSING or scope.everything:
        return True
    wanted = path_params[f"{rule.reach}_id"]

    def read() -> bool:
        with context.engine.connect() as connection:
            if rule.reach == "alert":
                return _alert_in_scope(connection, scope, wanted)
            return call_in_scope(connection, scope, wanted)

    if rule.reach == "alert":
        known = context.projector.state.alerts.get(wanted)
        return (known is not None and scope.sees(known.queue, (known.agent,))) or (
            await asyncio.to_thread(read)
        )
    live = context.projector.state.calls.get(wanted)
    return (live is not None and scope.sees(live.queue, live.parties())) or (
        await asyncio.to_thread(read)
    )


async def _given(
    context: ConsoleContext, viewer: Viewer, rule: Rule, path_params: dict[str, str]
) -> bool:
    """Whether a call was given to an inspector to score, which shows it whatever the scope."""
    if rule.reach != "call" or viewer.role != "inspector":
        return False

    def read() -> bool:
        with context.engine.connect() as connection:
            return call_is_given(connection, path_params["call_id"], viewer.username)

    return await asyncio.to_thread(read)


def call_in_scope(connection: Connection, scope: Scope, call_id: str) -> bool:
    """Whether a stored call may be seen."""
    seen = scope.where(calls.c.queue, calls.c.agent, calls.c.picked_up_by)
    query = select(calls.c.call_id).where(calls.c.call_id == call_id, seen)
    return connection.execute(query).first() is not None


def _alert_in_scope(connection: Connection, scope: Scope, alert_id: str) -> bool:
    seen = scope.where(alerts.c.queue, alerts.c.agent)
    query = select(alerts.c.alert_id).where(alerts.c.alert_id == alert_id, seen)
    return connection.execute(query).first() is not None


async def _note_refusal(
    context: ConsoleContext, viewer: Viewer, rule: Rule, connection: HTTPConnection, reason: str
) -> None:
    """Write down who tried what, where the rule wants it."""
    if not rule.action:
        return
    call_id = connection.path_params.get("call_id", "")[:36]
    await context.bus.publish(
        AuditEntry(
            at=context.clock.time(),
            entry_id=new_id(),
            who=viewer.username,
            role=viewer.role,
            action=rule.action,
            target=call_id,
            call_id=call_id,
            done=False,
            answer=reason,
        )
    )
