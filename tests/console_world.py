"""A real console over a real bus and store, and made-up calls to show on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

import agent_console.history.index
import agent_console.work.storage
import asr.storage
import backbone.audit
import qa_engine.guidance_storage
import qa_engine.score_storage
import qa_engine.storage
import qa_engine.versions
import telephony.recording.storage
import telephony.storage
from agent_console.server import ConsoleServer
from agent_console.settings import ConsoleSettings
from agent_console.site import Site
from asr.events import SpeechStarted, TranscriptFinal, TranscriptPartial
from backbone.bus import Bus
from backbone.clock import Clock, SystemClock
from backbone.counters import Counters
from backbone.ids import stable_id
from backbone.media import LegOpened, Role
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal
from backbone.store.projections import merged
from qa_engine.events import Alert, ComplianceStep, Evidence, Hit, Severity
from telephony.events import (
    CallConnected,
    CallEnded,
    CallJoined,
    CallRecord,
    RingEnded,
    RingStarted,
)

PASSWORD = "correct horse battery"
CALLER = "13800138000"


PROJECTIONS = merged(
    telephony.storage.PROJECTIONS,
    telephony.recording.storage.PROJECTIONS,
    asr.storage.PROJECTIONS,
    qa_engine.storage.PROJECTIONS,
    qa_engine.versions.PROJECTIONS,
    qa_engine.guidance_storage.PROJECTIONS,
    qa_engine.score_storage.PROJECTIONS,
    backbone.audit.PROJECTIONS,
    agent_console.work.storage.PROJECTIONS,
    agent_console.history.index.PROJECTIONS,
)


class World:
    """Bus, store and clock; the console on top may come and go."""

    def __init__(self, engine: Engine, bus: Bus, clock: Clock, counters: Counters) -> None:
        self.engine = engine
        self.bus = bus
        self.clock = clock
        self.counters = counters

    def server(self, *, site: Site | None = None, **settings: Any) -> ConsoleServer:
        chosen = {"port": 0, "lead_password": PASSWORD, **settings}
        return ConsoleServer(
            ConsoleSettings(**chosen), self.bus, self.clock, self.counters, self.engine, site=site
        )


@contextlib.asynccontextmanager
async def world(folder: Path, clock: Clock | None = None) -> AsyncIterator[World]:
    counters = Counters()
    engine = open_engine(sqlite_url(folder / "console.sqlite3"))
    journal = StoreJournal(engine, counters, PROJECTIONS)
    bus = Bus(counters, journal)
    journal.start()
    await bus.start()
    try:
        yield World(engine, bus, clock or SystemClock(), counters)
    finally:
        await journal.close()
        engine.dispose()


@contextlib.asynccontextmanager
async def running(server: ConsoleServer) -> AsyncIterator[ConsoleServer]:
    task = asyncio.create_task(server.run())
    started = asyncio.create_task(server.started.wait())
    try:
        await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield server
    finally:
        started.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Call:
    """Publishes the events of one made-up call, in the order a test asks for them."""

    def __init__(self, world: World, name: str, *, queue: str = "预约挂号") -> None:
        self.id = stable_id("test", name)
        self.name = name
        self.queue = queue
        self.agent = "PJSIP/1001"
        self._bus = world.bus
        self._clock = world.clock
        self.caller = CALLER
        self.joined_at = world.clock.time()
        self._answered_at = self.joined_at

    @property
    def _visit(self) -> dict[str, Any]:
        """What names the visit in its first event and in its record."""
        return {
            "call_id": self.id,
            "system": "pbx",
            "uniqueid": f"{self.name}.1",
            "linkedid": f"{self.name}.1",
            "visit": 1,
            "queue": self.queue,
        }

    async def join(self, *, ago: float = 0.0, caller: str = CALLER, name: str = "王小明") -> int:
        self.joined_at = self._clock.time() - ago
        self.caller = caller
        return await self._bus.publish(
            CallJoined(
                at=self.joined_at,
                **self._visit,
                caller=caller,
                caller_name=name,
                position=1,
            )
        )

    async def ring(self, *, ago: float = 0.0) -> int:
        return await self._bus.publish(
            RingStarted(
                at=self._clock.time() - ago,
                call_id=self.id,
                queue=self.queue,
                agent=self.agent,
                agent_name="李护士",
                attempt_id=f"{self.name}.2",
            )
        )

    async def connect(self, *, ago: float = 0.0, wait_s: float = 8.0, rings: int = 2) -> int:
        self._answered_at = self._clock.time() - ago
        await self._bus.publish(
            RingEnded(
                at=self._answered_at,
                call_id=self.id,
                queue=self.queue,
                agent=self.agent,
                attempt_id=f"{self.name}.2",
                ring_s=rings * 5.0,
                rings=rings,
                result="answered",
            )
        )
        return await self._bus.publish(
            CallConnected(
                at=self._answered_at,
                call_id=self.id,
                system="pbx",
                uniqueid=f"{self.name}.1",
                channel=f"PJSIP/trunk-{self.name}",
                queue=self.queue,
                agent=self.agent,
                agent_name="李护士",
                wait_s=wait_s,
                ring_s=rings * 5.0,
                rings=rings,
            )
        )

    async def legs(self) -> None:
        roles: tuple[Role, Role] = ("agent", "customer")
        for role in roles:
            await self._bus.publish(
                LegOpened(
                    at=self._clock.time(),
                    call_id=self.id,
                    leg_id=stable_id(self.id, role),
                    role=role,
                    rate=8000,
                    offset_s=0.0,
                )
            )

    def begin(self, segment: str, role: Role, start: float) -> None:
        self._bus.emit(
            SpeechStarted(
                at=self._clock.time(),
                call_id=self.id,
                role=role,
                segment_id=self.segment(segment),
                start=start,
            )
        )

    def partial(self, segment: str, role: Role, text: str, *, start: float, revision: int) -> None:
        self._bus.emit(
            TranscriptPartial(
                at=self._clock.time(),
                call_id=self.id,
                role=role,
                segment_id=self.segment(segment),
                start=start,
                end=start + 1,
                text=text,
                stable=0,
                revision=revision,
            )
        )

    async def say(self, segment: str, role: Role, text: str, *, start: float) -> int:
        return await self._bus.publish(
            TranscriptFinal(
                at=self._clock.time(),
                call_id=self.id,
                role=role,
                leg_id=stable_id(self.id, role),
                segment_id=self.segment(segment),
                start=start,
                end=start + len(text) / 5,
                text=text,
                language="zh",
                confidence=0.9,
                level_db=-24.0,
                lag_s=0.6,
                decode_s=0.3,
            )
        )

    async def hit(
        self,
        segment: str,
        text: str,
        phrase: str,
        *,
        severity: Severity = "high",
        start: float = 1.0,
    ) -> int:
        at = text.index(phrase)
        return await self._bus.publish(
            Hit(
                at=self._clock.time(),
                hit_id=stable_id("hit", self.id, segment, phrase),
                call_id=self.id,
                rule="taboo.attitude",
                kind="taboo",
                severity=severity,
                role="agent",
                phrase=phrase,
                start=start,
                end=start + 1.0,
                suspected=False,
                evidence=Evidence(
                    segment_id=self.segment(segment), text=text, span=(at, at + len(phrase))
                ),
            )
        )

    async def alert(
        self,
        name: str,
        *,
        severity: Severity = "high",
        segment: str = "",
        phrase: str = "",
        title: str = "服务禁语",
        title_en: str = "Taboo phrase",
        suspected: bool = False,
        start: float = 1.0,
        span: tuple[int, int] | None = None,
        version: str = "",
        confirms: str = "",
        kind: str = "taboo_phrase",
    ) -> str:
        alert_id = stable_id("alert", self.id, name)
        await self._bus.publish(
            Alert(
                at=self._clock.time(),
                alert_id=alert_id,
                call_id=self.id,
                queue=self.queue,
                agent=self.agent,
                rule="taboo.attitude",
                kind=kind,
                severity=severity,
                role="agent",
                title=title,
                title_en=title_en,
                phrase=phrase,
                start=start,
                end=start + 1.0,
                suspected=suspected,
                version=version,
                confirms=confirms,
                evidence=Evidence(segment_id=self.segment(segment) if segment else "", span=span),
                advice="请听一下这通电话，必要时介入安抚来电者。",
                advice_en="Listen in and step in to calm the caller if needed.",
            )
        )
        return alert_id

    async def step(
        self, step: str, title: str, title_en: str, state: Any, due: float | None
    ) -> int:
        return await self._bus.publish(
            ComplianceStep(
                at=self._clock.time(),
                call_id=self.id,
                step=step,
                title=title,
                title_en=title_en,
                state=state,
                due=due,
                done_at=3.0 if state == "done" else None,
            )
        )

    async def end(self, *, complete: bool = True) -> int:
        now = self._clock.time()
        return await self._bus.publish(
            CallEnded(
                at=now,
                call_id=self.id,
                record=CallRecord(
                    **self._visit,
                    caller=self.caller,
                    caller_name="王小明",
                    agent=self.agent,
                    outcome="answered",
                    joined_at=self.joined_at,
                    answered_at=self._answered_at,
                    ended_at=now,
                    wait_s=8.0,
                    ring_s=10.0,
                    rings=2,
                    talk_s=now - self._answered_at,
                    hold_s=0.0,
                    transfers=0,
                    hangup_by="customer",
                    hangup_cause=16,
                    unanswered=(),
                    complete=complete,
                    incomplete_reason="" if complete else "ami_gap",
                ),
            )
        )

    def segment(self, name: str) -> str:
        return stable_id("segment", self.id, name)
