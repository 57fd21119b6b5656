"""Follows all calls of a node for the agents' guidance; takes up calls after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from asr.events import (
    AudioGap,
    LegTranscribed,
    SpeechStarted,
    SpeechStopped,
    TranscriptFinal,
)
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.events import Event
from backbone.media import LegClosed, LegOpened
from qa_engine.events import EmpathyOffered, EmpathyUsed, TopicDetected
from qa_engine.guidance.call import CallGuidance, Told
from qa_engine.guidance.content import Guidance, guidance_folder, load_guidance
from qa_engine.guidance_storage import calls_under_way
from qa_engine.pack import PackError, fingerprint
from qa_engine.settings import QaSettings
from telephony.events import CallEvent

_log = structlog.get_logger(__name__)

_HEARD = (
    CallEvent,
    LegOpened,
    LegClosed,
    SpeechStarted,
    SpeechStopped,
    AudioGap,
    LegTranscribed,
    TranscriptFinal,
    EmpathyUsed,
)
_KEPT = (*_HEARD, TopicDetected, EmpathyOffered)
"""What is read again after a restart: what was heard, and what we told of it."""


@dataclass(slots=True)
class _Call:
    guidance: CallGuidance
    seen_at: float


class GuidanceService:
    """One `CallGuidance` per call. A call keeps the guidance it began with.

    Args:
        settings: of rules.
        bus: where calls are heard and told of.
        clock: the system's.
        counters: where failures are counted.
        engine: of the store, to take up calls that an earlier run did not see the end of.

    Raises:
        PackError: the pack's guidance cannot be used.
    """

    def __init__(
        self,
        settings: QaSettings,
        bus: Bus,
        clock: Clock,
        counters: Counters,
        engine: Engine | None = None,
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._engine = engine
        self._folder = guidance_folder(settings.rules)
        self._fingerprint = fingerprint(self._folder)
        self.guidance: Guidance = load_guidance(settings.rules)
        """For calls that begin now."""
        self._calls: dict[str, _Call] = {}
        # From the first moment, so that nothing between construction and run() is missed.
        self._events = bus.subscribe("guidance", *_HEARD, maxsize=10_000)

    @property
    def open_calls(self) -> int:
        """Calls that are being followed."""
        return len(self._calls)

    async def run(self) -> None:
        """Follow calls until cancelled."""
        if self._engine is not None:
            await self._take_up(self._engine)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._tick())
            tasks.create_task(self._watch())

    async def _take_up(self, engine: Engine) -> None:
        """Hear again what was journalled of calls under way; only where they stand is told."""
        since = self._clock.time() - self._settings.forget_s

        def read() -> Mapping[str, Sequence[Event]]:
            kinds = self._bus.concrete(_KEPT)
            with engine.connect() as connection:
                return calls_under_way(connection, since, kinds)

        for call_id, events in (await asyncio.to_thread(read)).items():
            call = self._open(call_id)
            for event in events:

                def hear(call: _Call = call, event: Event = event) -> list[Told]:
                    call.guidance.feed(event, event.at)
                    return []

                self._guarded(call_id, hear)
            await self._publish(self._guarded(call_id, call.guidance.current))

    async def _listen(self) -> None:
        async for envelope in self._events:
            event = envelope.event
            call_id: str = getattr(event, "call_id", "")
            call = self._calls.get(call_id)
            if call is None:
                if isinstance(event, EmpathyUsed):
                    continue  # of a call that is over
                call = self._open(call_id)
            call.seen_at = self._clock.time()

            def feed(call: _Call = call, event: Event = event) -> list[Told]:
                return call.guidance.feed(event, call.seen_at)

            await self._publish(self._guarded(call_id, feed))

    def _open(self, call_id: str) -> _Call:
        if len(self._calls) >= self._settings.calls:
            oldest = min(self._calls, key=lambda known: self._calls[known].seen_at)
            del self._calls[oldest]
            self._counters.add("guidance_calls_dropped", reason="too_many")
        call = _Call(CallGuidance(self.guidance, call_id), self._clock.time())
        self._calls[call_id] = call
        return call

    def _guarded(self, call_id: str, work: Callable[[], list[Told]]) -> list[Told]:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - one call must not end the others
            self._counters.add("guidance_failures")
            _log.error("call_not_followed", call_id=call_id, error=type(error).__name__)
            return []

    async def _publish(self, told: Sequence[Told]) -> None:
        # Together, so that they share a commit; they keep their order.
        if told:
            await asyncio.gather(*(self._bus.publish(event) for event in told))

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._settings.tick_s)
            now = self._clock.time()
            for call_id, call in list(self._calls.items()):

                def tick(call: _Call = call, now: float = now) -> list[Told]:
                    return call.guidance.tick(now)

                await self._publish(self._guarded(call_id, tick))
                silent = now >= call.seen_at + self._settings.forget_s
                # Finals that come late still find their call, and change nothing.
                if silent or (call.guidance.closed and now >= call.seen_at + self._settings.late_s):
                    self._calls.pop(call_id, None)

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(self._settings.watch_s)
            seen = await asyncio.to_thread(fingerprint, self._folder)
            if seen == self._fingerprint:
                continue
            self._fingerprint = seen
            try:
                self.guidance = await asyncio.to_thread(load_guidance, self._settings.rules)
            except PackError as error:
                self._counters.add("guidance_refused")
                _log.warning("guidance_refused", problems=len(error.problems), problem=str(error))
                continue
            _log.info("guidance_loaded", version=self.guidance.version)
