"""The link to one PBX: connects, reads, reduces, publishes; and again when it breaks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import structlog

from backbone.events import Event
from telephony.agents.missed import MissedRings
from telephony.agents.reducer import AgentReducer
from telephony.ami.client import AmiConnection, AmiError, AmiLostError, AmiRefusedError, AmiReply
from telephony.ami.parser import AmiMessage
from telephony.backoff import Backoff
from telephony.calls.reducer import CallReducer
from telephony.calls.resync import STATUS_VARIABLES, PbxSnapshot
from telephony.calls.visit import OpenCall
from telephony.events import PbxHealth
from telephony.settings import PbxSettings
from telephony.waiting import until

if TYPE_CHECKING:
    from backbone.bus import Bus
    from backbone.clock import Clock
    from backbone.counters import Counters
    from telephony.control.sessions import ChannelWatch

_log = structlog.get_logger(__name__)

_OUTGOING = 10_000
_BATCH = 256
_TICK_S = 0.5
_LIST_TIMEOUT_S = 10.0
_BOOT_TIMEOUT_S = 5.0
_LAST_WORDS_S = 2.0


class Talk(NamedTuple):
    """A call that an agent has taken: Uniqueid of the caller's channel, member, its Uniqueid."""

    caller_id: str
    agent: str
    agent_id: str


_State = Literal["connecting", "logging_in", "syncing", "up", "refused", "lost", "stopped"]


class PbxLink:
    """Turns one PBX into call events on the bus.

    Run it once; it connects until it is cancelled. Before that, `restore` takes up the calls
    that an earlier run left open. One message that cannot be handled is counted
    (`ami_unhandled`) and costs nothing else.
    """

    def __init__(self, settings: PbxSettings, bus: Bus, clock: Clock, counters: Counters) -> None:
        self.reducer = CallReducer(settings.system, settings.cycle_s, wrap_ups=settings.wrap_up_s)
        self.agents = AgentReducer(
            settings.system,
            MissedRings(settings.missed_rings, settings.missed_rings_days * 86_400.0),
            wrap_ups=settings.wrap_up_s,
        )
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._connection: AmiConnection | None = None
        self._outgoing: asyncio.Queue[Event] = asyncio.Queue(_OUTGOING)
        self._order = asyncio.Lock()
        self._reconnects = 0
        self._last_event_at: float | None = None
        self._state: _State = "connecting"
        self._detail = ""
        self._flooded = False
        self._watches: list[ChannelWatch] = []

    def restore(
        self, open_calls: Iterable[OpenCall], visit_numbers: Mapping[str, int] | None = None
    ) -> None:
        """Take up the calls of this PBX that the store has as open. Call it before `run`."""
        system = self._settings.system
        self.reducer.restore([call for call in open_calls if call.system == system], visit_numbers)

    @property
    def system(self) -> str:
        """The PBX's name."""
        return self._settings.system

    def talk(self, call_id: str) -> Talk | None:
        """Who talks in a call now; None when no agent does."""
        for visit in self.reducer.book:
            if visit.call_id == call_id and visit.with_agent:
                return Talk(visit.channel_id, visit.agent, visit.agent_channel_id)
        return None

    def watch(self, watch: ChannelWatch) -> None:
        """Tell somebody when channels of this PBX end."""
        self._watches.append(watch)

    async def send_action(
        self, name: str, *, timeout_s: float = 5.0, followed_by: str = "", **fields: str
    ) -> AmiReply:
        """Have Asterisk do something; as `AmiConnection.send_action`.

        Raises:
            AmiError: there is no connection now, or it was lost on the way.
        """
        if self._connection is None:
            raise AmiLostError(f"not connected to PBX {self._settings.system!r}")
        return await self._connection.send_action(
            name, timeout_s=timeout_s, followed_by=followed_by, **fields
        )

    def restore_missed(self, rings: Iterable[tuple[str, float]]) -> None:
        """Take up the unanswered rings that the store has; as `restore`."""
        self.agents.restore_missed(rings, self._clock.time())

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._publish_all(), name="pbx-publish")
                group.create_task(self._stay_connected(), name="pbx-connect")
        finally:
            self._tell("stopped")

    async def _stay_connected(self) -> None:
        backoff = Backoff(self._settings.retry_first_s, self._settings.retry_longest_s)
        while True:
            self._tell("connecting", self._detail)
            try:
                await self._once(backoff)
            except AmiRefusedError as error:
                self._report("refused", str(error))
                await self._clock.sleep(self._settings.refused_retry_s * Backoff(1.0).next())
            except (AmiError, ValueError) as error:
                # ValueError: the secret's file is missing; it may come back.
                self._report("lost", str(error))
                await self._clock.sleep(backoff.next())
            self._reconnects += 1

    async def _once(self, backoff: Backoff) -> None:
        """One connection, from the first packet to its loss, which is raised."""
        settings = self._settings
        secret = settings.ami_secret()
        connection = AmiConnection(
            settings.host,
            settings.port,
            self._counters,
            system=settings.system,
            ping_period_s=settings.ping_period_s,
            dead_after_s=settings.dead_after_s,
            tls=settings.tls,
        )
        try:
            self._tell("logging_in")
            await connection.open(settings.username, secret, timeout_s=settings.login_timeout_s)
            self._connection = connection
            self._flooded = False
            await self._put(self.reducer.begin_gap())
            self._tell("syncing")
            lost = ""
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(connection.watch(), name="ami-watch")
                    group.create_task(self._consume(connection), name="ami-consume")
                    group.create_task(self._keep_synced(connection, backoff), name="ami-sync")
            except* AmiError as errors:
                lost = str(errors.exceptions[0])
            raise AmiLostError(lost)
        finally:
            self._connection = None
            await connection.close()

    async def _consume(self, connection: AmiConnection) -> None:
        async for message, arrived in connection.messages():
            async with self._order:
                await self._doubt_what_is_open(connection)
                await self._put(self._feed(message, arrived))

    async def _doubt_what_is_open(self, connection: AmiConnection) -> None:
        """Mark the open calls before another message, if any was dropped."""
        if connection.overflowed:
            connection.overflowed = False
            if not self._flooded:
                _log.warning("ami_overflow", system=self._settings.system)
            self._flooded = True
            await self._put(self.reducer.begin_gap("ami_dropped"))

    async def _make_good(self, connection: AmiConnection) -> None:
        """Read anew what is going on, after messages were dropped."""
        self._flooded = False
        # Its answer comes after all that was accepted before.
        await connection.send_action("Ping")
        async with self._order:
            for message, arrived in connection.waiting():
                await self._put(self._feed(message, arrived))
            # What these said of a channel is not all that happened to it: the lists outrank it.
            await self._put(self.reducer.begin_gap("ami_dropped"))
        await self._sync(connection)

    async def _keep_synced(self, connection: AmiConnection, backoff: Backoff) -> None:
        # An Asterisk that is still loading its modules refuses the lists of those not there yet.
        if not await until(connection.booted, _BOOT_TIMEOUT_S):
            _log.warning("ami_boot_unseen", system=self._settings.system)
        await self._sync(connection)
        backoff.reset()
        _log.info("pbx_up", system=self._settings.system, reconnects=self._reconnects)
        while True:
            self._last_event_at = connection.last_message_at
            self._tell("up")
            await self._clock.sleep(_TICK_S)
            async with self._order:
                now = self._clock.time()
                events = self.reducer.tick(now)
                await self._put([*events, *self.agents.calls(events, now), *self.agents.tick(now)])
                await self._doubt_what_is_open(connection)
            if self._flooded:
                await self._make_good(connection)

    async def _sync(self, connection: AmiConnection) -> None:
        """Read the PBX's lists and set the calls right by them."""

        async def items(name: str, **fields: str) -> tuple[AmiMessage, ...] | None:
            reply = await connection.send_action(name, timeout_s=_LIST_TIMEOUT_S, **fields)
            if not reply.ok:
                _log.warning("ami_list_refused", system=self._settings.system, action=name)
                self._counters.add("ami_lists_refused", system=self._settings.system)
            return reply.items if reply.ok else None

        core = (await connection.send_action("CoreStatus")).response
        started = " ".join((core.get("CoreStartupDate"), core.get("CoreStartupTime"))).strip()
        channels = await items("CoreShowChannels")
        statuses = await items("Status", Variables=",".join(STATUS_VARIABLES))
        entries = await items("QueueStatus")
        snapshot = PbxSnapshot(
            started=started or None,
            entries=_only("QueueEntry", entries),
            channels=channels,
            statuses=statuses,
            members=_only("QueueMember", entries),
            queues=_only("QueueParams", entries),
        )
        async with self._order:
            # What happened while the lists were under way outranks them: it goes first.
            for message, arrived in connection.waiting():
                await self._put(self._feed(message, arrived))
            try:
                await self._put(self._resync(snapshot))
                self._tell_channels(snapshot)
            except Exception as error:  # noqa: BLE001 - nor may an odd list
                self._counters.add("ami_unhandled", system=self._settings.system)
                _log.error("ami_resync_failed", error=type(error).__name__)

    def _resync(self, snapshot: PbxSnapshot) -> list[Event]:
        now = self._clock.time()
        events = self.reducer.resync(snapshot, now)
        events += self.agents.calls(events, now)
        if snapshot.members is not None and snapshot.queues is not None:
            visits = list(self.reducer.book)
            events += self.agents.resync(snapshot.members, snapshot.queues, visits, now)
        return events

    def _tell_channels(self, snapshot: PbxSnapshot) -> None:
        if snapshot.channels is not None:
            present = {channel.get("Uniqueid") for channel in snapshot.channels}
            for watch in self._watches:
                watch.channels_now(self._settings.system, present)

    def _feed(self, message: AmiMessage, arrived: float) -> list[Event]:
        try:
            if message.event == "Hangup":
                for watch in self._watches:
                    watch.channel_gone(self._settings.system, message.get("Uniqueid"))
            events = self.reducer.feed(message, arrived)
            return [*events, *self.agents.feed(message, arrived, events)]
        except Exception as error:  # noqa: BLE001 - one message must never end the link
            self._counters.add("ami_unhandled", system=self._settings.system)
            _log.error("ami_unhandled", kind=message.event, error=type(error).__name__)
            return []

    # Out

    async def _put(self, events: list[Event]) -> None:
        for event in events:
            await self._outgoing.put(event)

    async def _publish_all(self) -> None:
        try:
            while True:
                await self._publish([await self._outgoing.get(), *self._drain()])
        finally:
            # What is known must not be lost by stopping: it is a matter of one commit.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_S):
                    await self._publish(self._drain())

    def _drain(self) -> list[Event]:
        count = min(_BATCH, self._outgoing.qsize())
        return [self._outgoing.get_nowait() for _ in range(count)]

    async def _publish(self, batch: list[Event]) -> None:
        # Begun in order, so numbered in order; awaited together, so they share a commit.
        await asyncio.gather(*(self._bus.publish(event) for event in batch))

    def _report(self, state: _State, detail: str) -> None:
        if (state, detail) != (self._state, self._detail):
            _log.warning(f"pbx_{state}", system=self._settings.system, detail=detail)
        self._counters.add("ami_disconnects", system=self._settings.system, reason=state)
        self._tell(state, detail)

    def _tell(self, state: _State, detail: str = "") -> None:
        self._state, self._detail = state, detail
        self._bus.emit(
            PbxHealth(
                at=self._clock.time(),
                system=self._settings.system,
                up=state == "up",
                state=state,
                last_event_at=self._last_event_at,
                reconnects=self._reconnects,
                detail=detail,
            )
        )


def _only(kind: str, items: tuple[AmiMessage, ...] | None) -> tuple[AmiMessage, ...] | None:
    return None if items is None else tuple(item for item in items if item.event == kind)
