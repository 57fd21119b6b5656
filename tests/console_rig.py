"""A console without a socket, and clients of it that are logged in as whom a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
from console_world import World
from fastapi import FastAPI

from agent_console import session_rows, teams, users
from agent_console.access import API, COOKIE
from agent_console.app import create_app
from agent_console.context import ConsoleContext
from agent_console.permissions import PERMISSIONS, Role, route_key
from agent_console.settings import ConsoleSettings
from agent_console.site import Site
from telephony.control.service import Control

ORIGIN = "http://console.test"


def is_problem(answer: httpx.Response, status: int, kind: str) -> bool:
    return (
        answer.status_code == status
        and answer.headers["content-type"] == "application/problem+json"
        and answer.json()["type"] == f"urn:tingzhen:problem:{kind}"
        and answer.json()["status"] == status
        and bool(answer.json()["detail"])
    )


class Rig:
    """A console on a world; `log_in` skips the password, whose hashing is slow on purpose."""

    def __init__(self, context: ConsoleContext, app: FastAPI) -> None:
        self.context = context
        self.app = app

    def client(self) -> httpx.AsyncClient:
        """A browser that nobody is logged in with."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN)

    def user(self, username: str, role: Role, **details: Any) -> users.User:
        with self.context.engine.begin() as connection:
            if users.find_user(connection, username) is None:
                users.create_user(connection, username, None, role, now=0.0, **details)
            return users.change_user(connection, username, **details)

    def team(self, name: str, *, queues: tuple[str, ...] = (), agents: tuple[str, ...] = ()):
        with self.context.engine.begin() as connection:
            teams.put_team(connection, teams.Team(team=name, queues=queues, agents=agents))

    def allowed(self, role: Role, method: str, path: str) -> bool:
        """Whether a route exists and is for this role; `path` as the table has it."""
        key = f"{method} {path.removeprefix(API)}"
        key = re.sub(r"listening/\w+$", "listening/{}", key)
        known = {
            route_key(verb.upper(), known.removeprefix(API))
            for known, item in self.app.openapi()["paths"].items()
            for verb in item
        }
        return key in known and role in PERMISSIONS[key].roles

    def log_in(self, username: str, role: Role, **details: Any) -> httpx.AsyncClient:
        """A browser of this user, made if there is none yet."""
        user = self.user(username, role, **details)
        token, session = self.context.sessions.open(user.username, user.role)
        with self.context.engine.begin() as connection:
            session_rows.add(connection, session, time.time())
        client = self.client()
        client.cookies.set(COOKIE, token)
        return client


_idle_apps: defaultdict[str, list[FastAPI]] = defaultdict(list)
"""Apps that no rig uses now, by settings: to put all routes together takes longer than a test."""


@contextlib.contextmanager
def _app_of(context: ConsoleContext) -> Iterator[FastAPI]:
    """An app with this context, which is all that an app knows of its console."""
    idle = _idle_apps[context.settings.model_dump_json()]
    app = idle.pop() if idle else create_app(context)
    app.state.console = context
    yield app
    idle.append(app)


@contextlib.asynccontextmanager
async def rig(
    desk: World, *, control: Control | None = None, site: Site | None = None, **settings: Any
) -> AsyncIterator[Rig]:
    context = ConsoleContext.build(
        ConsoleSettings(**settings),
        desk.bus,
        desk.clock,
        desk.counters,
        desk.engine,
        control=control,
        site=site,
    )
    projecting = asyncio.create_task(context.projector.run())
    await context.projector.ready.wait()
    try:
        with _app_of(context) as app:
            yield Rig(context, app)
    finally:
        projecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await projecting
