"""A notifier and a push service to push to: what the tests of pushing have in common."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
import stamina
from console_world import World
from push_service import Service

from agent_console.work.notify import store
from agent_console.work.notify.notifier import Notifier
from agent_console.work.notify.plan import Person
from agent_console.work.notify.push import AppriseSender
from agent_console.work.notify.store import NewTarget
from agent_console.work.secrets import Keyring
from agent_console.work.settings import NotifySettings, WorkSettings


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever, daemon=True)
    thread.start()
    yield service
    service.server.shutdown()
    service.server.server_close()


SETTINGS = WorkSettings(
    notify=NotifySettings(
        schemes=("json",), public_url="https://tingzhen.example", workers=2, attempts=3
    )
)


def keep(desk: World, keyring: Keyring, url: str, *, username: str = "lead") -> None:
    target = NewTarget("", "phone", "json", url, ("high", "critical"))
    with desk.engine.begin() as connection:
        store.replace(connection, keyring, username, [target], None, now=1.0)


@contextlib.asynccontextmanager
async def notifying(
    desk: World, keyring: Keyring, settings: WorkSettings = SETTINGS
) -> AsyncIterator[Notifier]:
    def people(connection, _notice):
        return [
            Person(user, "lead", targets, quiet, sees=True)
            for user, (targets, quiet) in store.all_targets(connection).items()
        ]

    notifier = Notifier(
        settings,
        desk.bus,
        desk.clock,
        desk.counters,
        desk.engine,
        keyring=keyring,
        sender=AppriseSender(settings.notify, keyring),
        people=people,
    )
    task = asyncio.create_task(notifier.run())
    with stamina.set_testing(True, attempts=settings.notify.attempts):
        yield notifier
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def counted(desk: World, name: str, **labels: str) -> None:
    while not desk.counters.get(name, **labels):  # noqa: ASYNC110 - counters wake nobody
        await asyncio.sleep(0.01)
