"""Pushes alerts, escalations and overdue complaints to those who should know.

It works beside everything else: an alert is on the page whether or not a phone can be reached.
What is to be told waits in the store, so that it outlives a node that stops; see `outbox`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from agent_console.events import ComplaintOverdue
from agent_console.work.notify import outbox
from agent_console.work.notify.delivery import Delivery
from agent_console.work.notify.outbox import Push
from agent_console.work.notify.plan import Message, Notice, Person, Plan, message, plan
from agent_console.work.notify.push import Sender
from agent_console.work.secrets import Keyring
from agent_console.work.settings import WorkSettings
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.events import Event
from backbone.ids import new_id
from backbone.store.schema import alerts
from metrics.events import ServiceAlert
from qa_engine.events import Alert, AlertEscalated, Severity

_log = structlog.get_logger(__name__)

_HOUR_S = 3600.0

PeopleOf = Callable[[Connection, Notice], Sequence[Person]]
"""Everybody with targets, each with whether the notice's call is theirs to see."""


class Notifier:
    """The component.

    Counters, beside those of `Delivery`: `notify_dropped{reason}` (`full`, `old`),
    `notify_kept_back` (quiet hours) and `notify_unplanned` (the store could not be read).
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
        self._people = people
        self._delivery = Delivery(settings.notify, counters, engine, keyring, sender)
        self._node = new_id()
        self._unstored: deque[Push] = deque()
        self._come = asyncio.Event()
        self._due = asyncio.Event()
        # From the first moment, like every listener.
        self._events = bus.subscribe("notifier", *outbox.TOLD)

    async def run(self) -> None:
        """Push until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._decide(), name="notify:decide")
                tasks.create_task(self._dispatch(tasks), name="notify:dispatch")
                async for envelope in self._events:
                    if envelope.seq:
                        self._come.set()  # it is in the store
                    else:
                        await self._tell_at_once(envelope.event)
        finally:
            self._events.close()
            self._delivery.close()

    # Who is told

    async def _decide(self) -> None:
        while True:
            self._come.clear()
            try:
                await asyncio.to_thread(self._decide_all)
            except SQLAlchemyError as error:
                self._unplanned(error)
            self._due.set()
            await self._woken(self._come)

    def _decide_all(self) -> None:
        now = self._clock.time()
        oldest = now - self._settings.keep_h * _HOUR_S
        with self._engine.connect() as connection:
            waiting = outbox.undecided(connection)
        while waiting:
            for seq in waiting:
                self._decide_one(seq, oldest)
            with self._engine.connect() as connection:
                waiting = outbox.undecided(connection)
        with self._engine.connect() as connection:
            if not outbox.anything_waits(connection, now):
                return
        with self._engine.begin() as connection:
            self._dropped("old", outbox.forget_older(connection, oldest, now))

    def _decide_one(self, seq: int, oldest: float) -> None:
        old = left_out = 0
        found = Plan((), 0)
        with self._engine.begin() as connection:
            try:
                event = outbox.take_out(connection, seq)
            except (LookupError, ValueError) as error:  # of another version
                self._unplanned(error)
                return
            if event is None:
                return
            if event.at < oldest:
                notice, old = None, 1
            else:
                notice, found = self._plan(connection, event)
            if notice is not None:
                left_out = outbox.add(
                    connection,
                    (target.target_id for target in found.targets),
                    self._message(notice),
                    notice.severity,
                    now=self._clock.time(),
                    size=self._settings.queue,
                )
        self._dropped("old", old)
        self._dropped("full", left_out)
        self._kept_back(found)

    async def _tell_at_once(self, event: Event) -> None:
        """An event that could not be stored: told all the same, as long as this node runs."""

        def read() -> tuple[Notice | None, Plan]:
            with self._engine.connect() as connection:
                return self._plan(connection, event)

        try:
            notice, found = await asyncio.to_thread(read)
        except SQLAlchemyError as error:
            self._unplanned(error)
            return
        if notice is None:
            return
        self._kept_back(found)
        for target in found.targets:
            if len(self._unstored) < self._settings.queue:
                self._unstored.append(Push("", target.target_id, self._message(notice)))
            else:
                self._dropped("full", 1)
        self._due.set()

    def _plan(self, connection: Connection, event: Event) -> tuple[Notice | None, Plan]:
        now = datetime.fromtimestamp(self._clock.time(), self._zone)
        notice = _notice(connection, event)
        if notice is None:
            return None, Plan((), 0)
        return notice, plan(notice, self._people(connection, notice), self._settings, now)

    def _message(self, notice: Notice) -> Message:
        return message(notice, self._settings.public_url)

    # Sending

    async def _dispatch(self, tasks: asyncio.TaskGroup) -> None:
        free = asyncio.Semaphore(self._settings.workers)
        while True:
            await free.acquire()
            push = await self._next()
            sending = tasks.create_task(self._push(push), name="notify:push")
            sending.add_done_callback(lambda _: free.release())

    async def _next(self) -> Push:
        while True:
            self._due.clear()
            if self._unstored:
                return self._unstored.popleft()
            try:
                push = await asyncio.to_thread(self._claim)
            except SQLAlchemyError as error:
                _log.warning("notify_unclaimed", error=type(error).__name__)
                push = None
            if push is not None:
                return push
            await self._woken(self._due)

    def _claim(self) -> Push | None:
        now = self._clock.time()
        with self._engine.connect() as connection:
            if not outbox.anything_waits(connection, now):
                return None
        until = now + self._delivery.longest_s * self._clock.rate
        with self._engine.begin() as connection:
            return outbox.claim(connection, self._node, now, until)

    async def _push(self, push: Push) -> None:
        try:
            await self._delivery.deliver(push)
        except asyncio.CancelledError:
            await asyncio.to_thread(self._settle, push, out=push.push_id in self._delivery.taken)
            raise
        await asyncio.to_thread(self._settle, push, out=True)

    def _settle(self, push: Push, *, out: bool) -> None:
        if not push.push_id:
            return
        try:
            with self._engine.begin() as connection:
                if out:
                    outbox.finish(connection, push.push_id)
                else:
                    outbox.give_back(connection, self._node, push.push_id)
        except SQLAlchemyError as error:  # its claim runs out, and it may go out again
            _log.error("notify_unsettled", error=type(error).__name__)

    # Both

    async def _woken(self, event: asyncio.Event) -> None:
        """Wait for an event of this node, or until it is time to look for another node's."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.look_s):
                await event.wait()

    def _dropped(self, reason: str, number: int) -> None:
        if number:
            self._counters.add("notify_dropped", number, reason=reason)

    def _kept_back(self, found: Plan) -> None:
        if found.kept_back:
            self._counters.add("notify_kept_back", found.kept_back)

    def _unplanned(self, error: Exception) -> None:
        self._counters.add("notify_unplanned")
        _log.error("notify_unplanned", error=type(error).__name__)


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
