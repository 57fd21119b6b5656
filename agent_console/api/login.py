"""Login by password or one-time link, logout, and who is logged in."""

from __future__ import annotations

import asyncio
import math
import time

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from agent_console import session_rows, users
from agent_console.api.dependencies import COOKIE, Context, LoggedIn
from agent_console.context import ConsoleContext
from agent_console.problems import Problem

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
    """Who is logged in."""

    username: str
    role: str


class Ticket(BaseModel):
    """Lets one websocket in, once, soon."""

    ticket: str
    expires_in_s: float


@router.post("/login")
async def login(body: Login, request: Request, response: Response, context: Context) -> Me:
    """Open a session; its cookie comes with the answer."""
    address = request.client.host if request.client else ""
    pair = f"{body.username}\n{address}"
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

    def check() -> users.User | None:
        with context.engine.connect() as connection:
            return users.verify(connection, body.username, body.password)

    async with context.hashing:
        user = await asyncio.to_thread(check)
    if user is None:
        context.counters.add("console_logins", result="refused")
        raise Problem(401, "login_refused", "User name or password is wrong.")
    context.address_throttle.succeeded(address)
    context.user_throttle.succeeded(pair)
    context.counters.add("console_logins", result="accepted")
    return await _open_session(context, request, response, user)


@router.post("/login/link")
async def login_by_link(
    body: LinkLogin, request: Request, response: Response, context: Context
) -> Me:
    """Open a session with a one-time link, as the demo prints one."""
    username = context.links.redeem(body.token)
    if username is None:
        raise Problem(401, "link_refused", "This link was used already or is too old.")

    def find() -> users.User | None:
        with context.engine.connect() as connection:
            return next((u for u in users.list_users(connection) if u.username == username), None)

    user = await asyncio.to_thread(find)
    if user is None:
        raise Problem(401, "link_refused", "This link's user does not exist any more.")
    return await _open_session(context, request, response, user)


@router.post("/logout", status_code=204)
async def logout(session: LoggedIn, response: Response, context: Context) -> None:
    """End the session, and its websockets with it."""
    context.sessions.close(session.id)
    context.hub.close_session(session.id)

    def forget() -> None:
        with context.engine.begin() as connection:
            session_rows.remove(connection, session.id)

    await asyncio.to_thread(forget)
    response.delete_cookie(COOKIE)


@router.get("/me")
async def me(session: LoggedIn) -> Me:
    """Tell who is logged in."""
    return Me(username=session.username, role=session.role)


@router.post("/ws-ticket")
async def ws_ticket(session: LoggedIn, context: Context) -> Ticket:
    """Get a ticket for /api/v1/live: a websocket's address ends up in logs, a cookie must not."""
    return Ticket(ticket=context.tickets.issue(session), expires_in_s=context.settings.ticket_s)


async def _open_session(
    context: ConsoleContext, request: Request, response: Response, user: users.User
) -> Me:
    token, session = context.sessions.open(user.username, user.role)

    def keep() -> None:
        with context.engine.begin() as connection:
            session_rows.add(connection, session, time.time())

    await asyncio.to_thread(keep)
    secure = context.settings.secure_cookies
    response.set_cookie(
        COOKIE,
        token,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https" if secure is None else secure,
        path="/",
    )
    _log.info("session_opened", role=session.role)
    return Me(username=user.username, role=user.role)
