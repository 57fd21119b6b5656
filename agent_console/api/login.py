"""Login by password or one-time link, logout, and who is logged in."""

from __future__ import annotations

import asyncio
import math
import time

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from agent_console import devices, links, session_rows, teams, users
from agent_console.access import COOKIE, Context, Who
from agent_console.context import ConsoleContext
from agent_console.permissions import Role
from agent_console.problems import Problem
from agent_console.sessions import Via
from agent_console.viewer import Viewer

_log = structlog.get_logger(__name__)

router = APIRouter(tags=["login"])


class Login(BaseModel):
    """A user name and password."""

    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


class LinkLogin(BaseModel):
    """The token of a one-time link."""

    token: str = Field(min_length=1, max_length=128)


class Me(BaseModel):
    """Who is logged in.

    With `choose_password` a one-time link let the user in, and nothing else is open before a
    password has been chosen. `language` is null until one has been chosen or wished for.
    """

    username: str
    role: Role
    name: str
    agent: str
    teams: tuple[str, ...]
    extension: str
    language: users.Language | None
    choose_password: bool


class Preferences(BaseModel):
    """What users change about themselves."""

    language: users.Language


class NewPassword(BaseModel):
    """`current` may be empty in a session that a one-time link opened."""

    current: str = Field("", max_length=256)
    new: str = Field(max_length=256)


class Ticket(BaseModel):
    """Lets one websocket in, once, soon."""

    ticket: str
    expires_in_s: float


@router.post("/login")
async def login(body: Login, request: Request, response: Response, context: Context) -> Me:
    """Open a session; its cookie comes with the answer."""
    attempt = _begin_attempt(context, request, body.username)

    def check() -> users.User | None:
        with context.engine.connect() as connection:
            return users.verify(connection, body.username, body.password)

    async with context.hashing:
        user = await asyncio.to_thread(check)
    if user is None:
        context.counters.add("console_logins", result="refused")
        raise Problem(401, "login_refused", "User name or password is wrong.")
    _end_attempt(context, attempt)
    context.counters.add("console_logins", result="accepted")
    return await open_session(context, request, response, user, "password")


@router.post("/login/link")
async def login_by_link(
    body: LinkLogin, request: Request, response: Response, context: Context
) -> Me:
    """Open a session with a one-time link, as the demo prints one."""

    def redeem() -> users.User | None:
        with context.engine.begin() as connection:
            username = links.redeem(connection, body.token, time.time())
            return users.find_user(connection, username) if username else None

    user = await asyncio.to_thread(redeem)
    if user is None:
        raise Problem(401, "link_refused", "This link was used already or is too old.")
    return await open_session(context, request, response, user, "link")


@router.post("/logout", status_code=204)
async def logout(who: Who, response: Response, context: Context) -> None:
    """End the session, and its websockets with it."""
    await end_session(context, who.session.id)
    response.delete_cookie(COOKIE)


@router.get("/me")
async def me(who: Who) -> Me:
    """Tell who is logged in."""
    return _me(who)


@router.patch("/me")
async def change_me(who: Who, context: Context, body: Preferences) -> Me:
    """Change what users choose for themselves."""

    def change() -> users.User:
        with context.engine.begin() as connection:
            return users.change_user(connection, who.username, language=body.language)

    return _me(Viewer(who.session, await asyncio.to_thread(change), who.scope))


@router.post("/me/password", status_code=204)
async def change_password(who: Who, request: Request, context: Context, body: NewPassword) -> None:
    """Choose a new password; all other sessions of this user end."""
    attempt = _begin_attempt(context, request, who.username)

    def change() -> bool:
        with context.engine.begin() as connection:
            if who.session.via != "link" and not users.verify(
                connection, who.username, body.current
            ):
                return False
            users.set_password(connection, who.username, body.new)
            who.session.via = "password"
            session_rows.add(connection, who.session, time.time())
            return True

    async with context.hashing:
        try:
            changed = await asyncio.to_thread(change)
        except users.UserError as error:
            raise Problem(422, "invalid_request", str(error)) from None
    if not changed:
        raise Problem(403, "password_refused", "The current password is wrong.")
    _end_attempt(context, attempt)
    context.close_sessions(who.username, but=who.session.id)


@router.post("/ws-ticket")
async def ws_ticket(who: Who, context: Context) -> Ticket:
    """Get a ticket for /api/v1/live: a websocket's address ends up in logs, a cookie must not."""
    ticket = context.tickets.issue(who.session)
    return Ticket(ticket=ticket, expires_in_s=context.settings.ticket_s)


async def open_session(
    context: ConsoleContext, request: Request, response: Response, user: users.User, via: Via
) -> Me:
    """Let a user in: the cookie goes with the response."""
    now = time.time()
    device = devices.name_of(request.headers.get("user-agent", ""))
    token, session = context.sessions.open(
        user.username, user.role, opened_at=now, via=via, device=device
    )

    def keep() -> Viewer:
        with context.engine.begin() as connection:
            session_rows.add(connection, session, now)
            return Viewer(session, user, teams.scope_of(user, teams.list_teams(connection)))

    viewer = await asyncio.to_thread(keep)
    secure = context.settings.secure_cookies
    response.set_cookie(
        COOKIE,
        token,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https" if secure is None else secure,
        path="/",
    )
    _log.info("session_opened", role=user.role, via=via)
    return _me(viewer)


async def end_session(context: ConsoleContext, session_id: str) -> None:
    """End one session here and in the store."""
    context.sessions.close(session_id)
    context.hub.close_session(session_id)

    def forget() -> None:
        with context.engine.begin() as connection:
            session_rows.remove(connection, session_id)

    await asyncio.to_thread(forget)


def _begin_attempt(context: ConsoleContext, request: Request, username: str) -> tuple[str, str]:
    """Count an attempt to prove a password; refuse it when there were too many."""
    address = request.client.host if request.client else ""
    pair = f"{username}\n{address}"
    wait = max(context.address_throttle.attempt(address), context.user_throttle.attempt(pair))
    if wait:
        context.counters.add("console_logins", result="throttled")
        seconds = math.ceil(wait)
        raise Problem(
            429,
            "too_many_logins",
            f"Too many failed logins. Try again in {seconds} seconds.",
            {"Retry-After": str(seconds)},
        )
    return address, pair


def _end_attempt(context: ConsoleContext, attempt: tuple[str, str]) -> None:
    address, pair = attempt
    context.address_throttle.succeeded(address)
    context.user_throttle.succeeded(pair)


def _me(viewer: Viewer) -> Me:
    user = viewer.user
    return Me(
        username=user.username,
        role=user.role,
        name=user.name,
        agent=user.agent,
        teams=user.teams,
        extension=user.extension,
        language=user.language,
        choose_password=viewer.choose_password,
    )
