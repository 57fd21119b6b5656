"""Taps: both sides of every answered call, from the answer to the end of the agent's part."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from backbone.ids import new_id, stable_id
from backbone.media import LegClosed, Role
from telephony.backoff import Backoff
from telephony.calls.visit import OpenCall
from telephony.events import (
    AgentSpeechEnds,
    CallConnected,
    CallEnded,
    CallEvent,
    CallHeld,
    CallResumed,
    TapHealth,
)
from telephony.legs.leg import Leg, Telling
from telephony.legs.server import LegServer
from telephony.settings import PbxSettings
from telephony.taps.ways import ChanSpyWay, SnoopWay, SpiedPbx, TapWay
from telephony.waiting import first_of

if TYPE_CHECKING:
    from backbone.bus import Bus
    from backbone.clock import Clock
    from backbone.counters import Counters

_log = structlog.get_logger(__name__)

_ROLES: tuple[Role, ...] = ("customer", "agent")
_TRIES = 6
_HEALTH_EVERY_S = 1.0


@dataclass(slots=True, eq=False)
class _Call:
    """An answered call that is to be heard.

    `answered_here` is the answer on this host's clock, `over` is set when the agent's part is.
    """

    call_id: str
    uniqueid: str
    answered_at: float
    answered_here: float
    taken_up: bool
    """After a restart: it may have ended in the meantime."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    legs: dict[Role, str] = field(default_factory=dict)
    closed: dict[Role, asyncio.Event] = field(default_factory=dict)


class TapService:
    """Has Asterisk send both sides of answered calls to the server of legs.

    A side that cannot be heard is tried again while the call lasts; the leg that was lost is
    closed as incomplete. The call itself is never touched.
    """

    def __init__(
        self,
        settings: PbxSettings,
        bus: Bus,
        clock: Clock,
        counters: Counters,
        server: LegServer,
        *,
        pbx: SpiedPbx | None = None,
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._server = server
        self._calls: dict[str, _Call] = {}
        self._run_id = new_id()
        self._way: TapWay
        if settings.taps == "chanspy":
            if pbx is None:
                raise ValueError("ChanSpy taps need the PBX's link")
            self._way = ChanSpyWay(settings, pbx, server)
        else:
            self._way = SnoopWay(settings, clock, counters)
        # From here on, so that no call is missed between construction and `run`.
        self._events = bus.subscribe("taps", CallEvent, LegClosed, maxsize=10_000)
        self._restored: list[OpenCall] = []

    def restore(self, open_calls: Iterable[OpenCall]) -> None:
        """Take up answered calls that an earlier run left. Call it before `run`."""
        self._restored += [
            call
            for call in open_calls
            if call.system == self._settings.system and call.answered_at is not None
        ]

    async def run(self) -> None:
        """Tap until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._way.run(self._tell_health), name="taps-way")
            group.create_task(self._report_health(), name="taps-health")
            for call in self._restored:
                assert call.answered_at is not None  # noqa: S101 - restore took only such
                self._begin(
                    group,
                    _Call(
                        call.call_id,
                        call.uniqueid,
                        call.answered_at,
                        call.answered_at,
                        taken_up=True,
                    ),
                )
            async for envelope in self._events:
                self._follow(group, envelope.event)

    # Health

    async def _report_health(self) -> None:
        while True:
            self._tell_health()
            await self._clock.sleep(_HEALTH_EVERY_S)

    def _tell_health(self) -> None:
        self._bus.emit(
            TapHealth(
                at=self._clock.time(),
                system=self._settings.system,
                up=self._way.up.is_set(),
                legs=self._server.live_legs,
                detail=self._way.detail,
                lost_s=self._server.lost_s,
            )
        )

    # The calls

    def _follow(self, group: asyncio.TaskGroup, event: object) -> None:
        match event:
            case CallConnected(system=system) if system == self._settings.system:
                heard = event.at if event.heard_at is None else event.heard_at
                self._begin(
                    group,
                    _Call(event.call_id, event.uniqueid, event.at, heard, taken_up=event.resumed),
                )
            case CallHeld():
                self._tell(event, "agent", "hold")
            case CallResumed():
                self._tell(event, "agent", "resume")
            case AgentSpeechEnds():
                self._tell(event, "agent", "end")
                if event.call_id in self._calls:
                    self._calls[event.call_id].over.set()
            case CallEnded():
                self._tell(event, "agent", "end")
                self._tell(event, "customer", "end")
                call = self._calls.pop(event.call_id, None)
                if call is not None:
                    call.over.set()
            case LegClosed():
                call = self._calls.get(event.call_id)
                if call is not None and call.legs.get(event.role) == event.leg_id:
                    call.closed[event.role].set()
            case _:
                pass

    def _begin(self, group: asyncio.TaskGroup, call: _Call) -> None:
        if call.call_id in self._calls:
            return
        self._calls[call.call_id] = call
        for role in _ROLES:
            group.create_task(self._keep_tapped_safely(call, role), name="tap")

    def _tell(self, event: CallEvent, role: Role, what: Telling) -> None:
        call = self._calls.get(event.call_id)
        if call is not None:
            self._server.tell(call.call_id, role, what, event.at - call.answered_at)

    async def _keep_tapped_safely(self, call: _Call, role: Role) -> None:
        try:
            await self._keep_tapped(call, role)
        except Exception as error:  # noqa: BLE001 - one call's taps must not end all others'
            self._counters.add("taps_failed", system=self._settings.system, reason="bug")
            _log.error("tap_broke", error=type(error).__name__)

    async def _keep_tapped(self, call: _Call, role: Role) -> None:
        """Tap one side, and again each time the tap is lost while the call lasts."""
        backoff = Backoff(self._settings.retry_first_s, self._settings.retry_longest_s)
        told = False
        for attempt in range(_TRIES):
            leg = Leg(
                leg_id=stable_id("leg", call.call_id, role, self._run_id, attempt),
                call_id=call.call_id,
                role=role,
                answered_here=call.answered_here,
            )
            closed = call.closed[role] = asyncio.Event()
            call.legs[role] = leg.leg_id
            failure = await self._tap(call, leg)
            if not failure:
                await first_of(closed, call.over)
                if call.over.is_set():
                    return
                told = True  # the server has closed the lost leg
                self._counters.add("taps_lost", system=self._settings.system)
            elif failure == "gone" and call.taken_up:
                return  # it ended while we were not there
            else:
                self._counters.add("taps_failed", system=self._settings.system, reason=failure)
                if not told:
                    told = True
                    await self._tell_failed(leg)
                if failure == "gone" or call.over.is_set():
                    return
            await self._clock.sleep(backoff.next())
            if call.over.is_set():
                return

    async def _tap(self, call: _Call, leg: Leg) -> str:
        """Have one leg sent; return why it does not come, or nothing."""
        self._server.expect(leg)
        why = "error"
        try:
            await first_of(self._way.up, call.over)
            why = await self._way.ask(call.call_id, call.uniqueid, leg)
        finally:
            if why:
                self._server.forget(leg.leg_id)
        return why

    async def _tell_failed(self, leg: Leg) -> None:
        await self._bus.publish(
            LegClosed(
                at=self._clock.time(),
                call_id=leg.call_id,
                leg_id=leg.leg_id,
                role=leg.role,
                samples=0,
                complete=False,
                reason="tap_failed",
            )
        )
