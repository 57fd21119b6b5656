"""A server of legs on a free port, and what it publishes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from patience import PATIENCE_S

from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters
from backbone.media import AudioFrame, LegClosed, LegOpened
from telephony.legs.leg import Leg
from telephony.legs.server import LegServer

LEG = "11111111-2222-5333-8444-555555555555"


class LegRig:
    """What a test does with a server whatever its protocol; `make` gets bus, clock and counters."""

    def __init__(self, make: Callable[[Bus, SystemClock, Counters], LegServer]) -> None:
        self.counters = Counters()
        self.bus = Bus(self.counters)
        self.clock = SystemClock()
        self.server = make(self.bus, self.clock, self.counters)
        self.out = self.bus.subscribe("test", LegOpened, AudioFrame, LegClosed)
        self.answered = self.clock.time()
        self.task: asyncio.Task[None]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[LegRig]:
        self.task = asyncio.create_task(self.server.run())
        await self.server.ready.wait()
        yield self
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task

    def expect(self, leg_id: str = LEG, role: str = "agent") -> Leg:
        leg = Leg(leg_id=leg_id, call_id="c1", role=role, answered_here=self.answered)
        self.server.expect(leg)
        return leg

    async def next(self, kind):
        """The next event of a class."""
        async with asyncio.timeout(PATIENCE_S):
            async for envelope in self.out:
                if isinstance(envelope.event, kind):
                    return envelope.event
        raise AssertionError("the subscription ended")
