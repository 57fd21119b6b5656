"""The components of the work around the calls, in one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import Connection, Engine

from agent_console import teams, users
from agent_console.work import seed
from agent_console.work.complaint_watch import ComplaintWatch
from agent_console.work.desk import Desk
from agent_console.work.notify import store
from agent_console.work.notify.notifier import Notifier
from agent_console.work.notify.plan import Notice, Person
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters


class WorkService:
    """Listens for hints, watches complaints, pushes notices; seeds the knowledge base if asked."""

    def __init__(
        self, desk: Desk, bus: Bus, clock: Clock, counters: Counters, engine: Engine
    ) -> None:
        self._desk = desk
        self._bus = bus
        self._clock = clock
        self._engine = engine
        self._watch = ComplaintWatch(desk.settings.complaints, bus, clock, engine)
        self._notifier = Notifier(
            desk.settings,
            bus,
            clock,
            counters,
            engine,
            keyring=desk.keyring,
            sender=desk.sender,
            people=people,
        )

    async def run(self) -> None:
        """Work until cancelled."""
        if self._desk.settings.seed_knowledge:
            await seed.sow(self._bus, self._clock, self._engine)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._desk.hearing.run(), name="hearing")
            tasks.create_task(self._watch.run(), name="complaints")
            tasks.create_task(self._notifier.run(), name="notifier")


def people(connection: Connection, notice: Notice) -> Sequence[Person]:
    """Everybody with push targets, each with whether the notice's call is theirs to see."""
    targets = store.all_targets(connection)
    if not targets:
        return []
    known = teams.list_teams(connection)
    found = []
    for user in users.list_users(connection):
        mine, quiet = targets.get(user.username, ((), None))
        # What an agent should hear of is on the agent's own page.
        if mine and user.role != "agent":
            sees = teams.scope_of(user, known).sees(notice.queue, (notice.agent,))
            found.append(Person(user.username, user.role, mine, quiet, sees))
    return found
