"""Pushes alerts, escalations and overdue complaints to those who should know.

It listens beside everything else: an alert is on the page whether or not a phone can be reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import stamina
import structlog
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from agent_console.events import ComplaintOverdue
from agent_console.work.notify import store
from agent_console.work.notify.outbox import Outbox, Push
from agent_console.work.notify.plan import Notice, Person, Plan, message, plan
from agent_console.work.notify.push import AddressError, Sender
from agent_console.work.notify.webpush import GoneError
from agent_console.work.secrets import Keyring
from agent_console.work.settings import WorkSettings
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.events import Event
from backbone.store.schema import alerts
from metrics.events import ServiceAlert
from qa_engine.events import Alert, AlertEscalated, Severity

_log = structlog.get_logger(__name__)

_Result = TypeVar("_Result")

PeopleOf = Callable[[Connection, Notice], Sequence[Person]]
"""Everybody with targets, each with whether the notice's call is theirs to see."""


class _NotTakenError(Exception):
    """A service did not take a push; it is worth another try."""


class Notifier:
    """The component.

    Counters: `notify_sent{scheme}`, `notify_failed{scheme}` (given up), `notify_retries{scheme}`,
    `notify_dropped{reason}` (`full`, `gone`, `refused`, `expired`), `notify_kept_back` (quiet
    hours) and `notify_unplanned` (the store could not be read).
    """

    def __init__(
        self,
        settings: WorkSettings,
        bus: Bus,
        clock: Clock,
        counters: Counters,
        engine: Engine,
        *,
        keyring: Keyring,
        sender: Sender,
        people: PeopleOf,
    ) -> None:
        self._settings = settings.notify
        self._zone = ZoneInfo(settings.zone)
        self._clock = clock
        self._counters = counters
        self._engine = engine
        self._keyring = keyring
        self._sender = sender
        self._people = people
        self._outbox = Outbox(settings.notify.queue)
        self._waiting = asyncio.Semaphore(0)
        # Its own threads: a service that hangs must not keep the store's readers waiting.
        self._threads = ThreadPoolExecutor(settings.notify.workers, thread_name_prefix="notify")
        # From the first moment, like every listener.
        self._events = bus.subscribe(
            "notifier", Alert, AlertEscalated, ComplaintOverdue, ServiceAlert
        )

    async def run(self) -> None:
        """Push until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for number in range(self._settings.workers):
                    tasks.create_task(self._work(), name=f"notify:{number}")
                async for envelope in self._events:
                    await self._take(envelope.event)
        finally:
            self._events.close()
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _take(self, event: Event) -> None:
        try:
            notice, found = await asyncio.to_thread(self._plan, event)
        except SQLAlchemyError as error:
            self._counters.add("notify_unplanned")
            _log.error("notify_unplanned", error=type(error).__name__)
            return
        if notice is None:
            return
        if found.kept_back:
            self._counters.add("notify_kept_back", found.kept_back)
        words = message(notice, self._settings.public_url)
        for target in found.targets:
            if self._outbox.offer(Push(target, words, notice.severity)) is None:
                self._waiting.release()
            else:
                self._counters.add("notify_dropped", reason="full")

    def _plan(self, event: Event) -> tuple[Notice | None, Plan]:
        now = datetime.fromtimestamp(self._clock.time(), self._zone)
        with self._engine.connect() as connection:
            notice = _notice(connection, event)
            if notice is None:
                return None, Plan((), 0)
            return notice, plan(notice, self._people(connection, notice), self._settings, now)

    async def _work(self) -> None:
        while True:
            await self._waiting.acquire()
            push = self._outbox.take()
            if push is not None:
                await self._push(push)

    async def _push(self, push: Push) -> None:
        try:
            found = await self._in_thread(lambda: self._address(push.target.target_id))
        except SQLAlchemyError:
            found = None
        if found is None:
            self._counters.add("notify_dropped", reason="gone")
            return
        scheme, url = found
        try:
            async for attempt in stamina.retry_context(
                on=_NotTakenError,
                attempts=self._settings.attempts,
                timeout=self._settings.give_up_s,
            ):
                with attempt:
                    if attempt.num > 1:
                        self._counters.add("notify_retries", scheme=scheme)
                    await self._send(push, url)
        except _NotTakenError:
            self._counters.add("notify_failed", scheme=scheme)
            _log.warning("notify_failed", scheme=scheme, target_id=push.target.target_id)
        except GoneError:
            await self._in_thread(lambda: self._forget(push.target.target_id))
            self._counters.add("notify_dropped", reason="expired")
        except AddressError:
            # Allowed when it was typed, not any more.
            self._counters.add("notify_dropped", reason="refused")
        else:
            self._counters.add("notify_sent", scheme=scheme)

    async def _send(self, push: Push, url: str) -> None:
        try:
            taken = await self._in_thread(lambda: self._sender.send(url, push.message))
        except (AddressError, GoneError):
            raise
        except Exception as error:  # noqa: BLE001 - a hundred services' code, none may end this task
            # Its text may hold the address, so only its class goes on.
            raise _NotTakenError(type(error).__name__) from None
        if not taken:
            raise _NotTakenError

    def _address(self, target_id: str) -> tuple[str, str] | None:
        with self._engine.connect() as connection:
            return store.address(connection, self._keyring, target_id)

    def _forget(self, target_id: str) -> None:
        try:
            with self._engine.begin() as connection:
                store.forget(connection, target_id)
        except SQLAlchemyError as error:  # the next push to it tries again
            _log.warning("subscription_not_removed", error=type(error).__name__)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _notice(connection: Connection, event: Event) -> Notice | None:
    match event:
        case Alert():
            return Notice(
                "alert", event.alert_id, event.kind, event.severity, event.queue, event.agent
            )
        case ComplaintOverdue():
            return Notice(
                "complaint",
                event.complaint_id,
                f"{event.card}_card_{event.deadline}_overdue",
                "critical" if event.card == "red" else "high",
                event.queue,
                event.agent,
            )
        case ServiceAlert() if event.firing:
            severity: Severity = "critical" if event.severity == "critical" else "high"
            return Notice("service", event.alert_key, event.name, severity, event.queue, "")
        case AlertEscalated():
            row = connection.execute(
                select(alerts).where(alerts.c.alert_id == event.alert_id)
            ).first()
            if row is None:
                return None
            return Notice(
                "alert",
                event.alert_id,
                row.kind,
                row.severity,
                row.queue,
                row.agent,
                event.level,
            )
        case _:
            return None
