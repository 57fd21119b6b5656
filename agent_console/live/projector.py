"""Keeps the live state in step with the bus, and rebuilds it from the store at the start."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import Engine

from agent_console import reads
from agent_console.alert_reads import AlertQuery, list_alerts
from agent_console.live.feed import LIVE_EVENTS
from agent_console.live.state import MOST_ALERTS, LiveState
from agent_console.live.views import AlertView
from agent_console.settings import ConsoleSettings
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.ids import new_id
from qa_engine.events import SEVERITIES

_log = structlog.get_logger(__name__)
_BATCH = 500


class LiveProjector:
    """Feeds `state`; `ready` is set once it has caught up with the store."""

    def __init__(self, settings: ConsoleSettings, bus: Bus, clock: Clock, engine: Engine) -> None:
        self.state = LiveState(settings.ended_shown)
        self.ready = asyncio.Event()
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._engine = engine
        self._stream = ""
        self._moved = asyncio.Event()
        # From the first moment: health has no number and would not be heard of again.
        self._events = bus.subscribe("console_state", *LIVE_EVENTS, maxsize=10_000)
        self._head = bus.last_seq

    async def run(self) -> None:
        """Rebuild, then follow, until cancelled."""
        try:
            await self._rebuild()
            self.ready.set()
            async for envelope in self._events:
                self.state.apply(envelope)
                self._moved.set()
        finally:
            self._events.close()

    async def reach(self, seq: int) -> None:
        """Wait until the state holds the event of this number."""
        while self.state.seq < seq:
            self._moved.clear()
            await self._moved.wait()

    async def stream(self) -> str:
        """The name of the journal whose numbers are in use."""
        if not self._stream:
            # An empty journal has no name yet; a made-up one does until the next start.
            self._stream = await asyncio.to_thread(self._read_stream) or new_id()
        return self._stream

    def forget_stale(self) -> None:
        """Drop calls whose end was never told."""
        self.state.forget_calls_before(self._oldest())

    def _oldest(self) -> float:
        return self._clock.time() - self._settings.in_progress_hours * 3600

    async def _rebuild(self) -> None:
        first, alerts = await asyncio.to_thread(self._read_start)
        self.state.load_alerts(alerts)
        if first is None:
            self.state.seq = self._head
            return
        after = first - 1
        while batch := await self._bus.read(after, reads.durable_kinds(), _BATCH):
            for envelope in batch:
                self.state.apply(envelope)
            after = batch[-1].seq
        self.forget_stale()
        _log.info("live_state_rebuilt", calls=len(self.state.calls), alerts=len(self.state.alerts))

    def _read_start(self) -> tuple[int | None, list[AlertView]]:
        with self._engine.connect() as connection:
            first = reads.first_seq_to_replay(
                connection, joined_after=self._oldest(), ended_kept=self._settings.ended_shown
            )
            open_alerts: list[AlertView] = []
            # A red line of this morning stays, however many ordinary alerts have followed.
            for severity in reversed(SEVERITIES):
                wanted = AlertQuery(state="open", severities=(severity,))
                room = MOST_ALERTS // 2 - len(open_alerts)
                open_alerts += list_alerts(connection, wanted, room, None).items if room else []
        return first, sorted(open_alerts, key=lambda alert: alert.at)

    def _read_stream(self) -> str:
        with self._engine.connect() as connection:
            return reads.stream_id(connection)
