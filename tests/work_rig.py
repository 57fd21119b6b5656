"""What the tests of the work around the calls have in common: a console with users and calls."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
from console_rig import Rig, rig
from console_world import Call, World

from agent_console.work.desk import Desk
from agent_console.work.settings import WorkSettings
from backbone.audit import AuditEntry, entries

API = "/api/v1"
MINE = "PJSIP/1001"


class Office:
    """A console, its world, and whoever is logged in."""

    def __init__(self, console: Rig, world: World, stack: contextlib.AsyncExitStack) -> None:
        self.console = console
        self.world = world
        self._stack = stack
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def as_(self, username: str, role: Any, **details: Any) -> httpx.AsyncClient:
        """The browser of a user; an agent's phone is `MINE` unless said otherwise."""
        if username not in self._clients:
            if role == "agent":
                details.setdefault("agent", MINE)
            client = self.console.log_in(username, role, **details)
            self._clients[username] = await self._stack.enter_async_context(client)
        return self._clients[username]

    async def call(self, name: str, *, agent: str = MINE, **joined: Any) -> Call:
        """A call that was answered by this agent and is over."""
        call = Call(self.world, name)
        call.agent = agent
        await call.join(**joined)
        await call.connect()
        await call.end()
        return call

    def audit(self) -> list[AuditEntry]:
        """The audit chain, newest first."""
        with self.world.engine.connect() as connection:
            return entries(connection)


@contextlib.asynccontextmanager
async def office(world: World, **work: Any) -> AsyncIterator[Office]:
    """A console whose `[work]` settings are these."""
    async with contextlib.AsyncExitStack() as stack, rig(world) as console:
        console.context.desk = Desk.build(WorkSettings(**work), world.bus, world.clock)
        yield Office(console, world, stack)
