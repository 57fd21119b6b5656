"""Follows all calls of a node for the agents' guidance; takes up calls after a restart."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import ClassVar

import structlog
from sqlalchemy import Engine

from backbone.events import Event
from qa_engine.events import EmpathyOffered, EmpathyUsed, TopicDetected
from qa_engine.guidance.call import CallGuidance, Told
from qa_engine.guidance.content import Guidance, guidance_folder, load_guidance
from qa_engine.live_calls import HEARD, LiveCalls, Names, Reloaded
from qa_engine.pack import fingerprint
from qa_engine.settings import QaSettings
from qa_engine.versions import guidance_versioned

_log = structlog.get_logger(__name__)


class GuidanceService(LiveCalls[CallGuidance, Guidance]):
    """One `CallGuidance` per call. A call keeps the guidance it began with."""

    names = Names("guidance", "guidance_calls_dropped", "guidance_failures", "call_not_followed")
    hears: ClassVar[tuple[type[Event], ...]] = (*HEARD, EmpathyUsed)

    def _load(self, settings: QaSettings) -> Reloaded[Guidance]:
        return Reloaded(
            lambda: fingerprint(guidance_folder(settings.rules)),
            lambda: load_guidance(settings.rules),
        )

    @property
    def guidance(self) -> Guidance:
        """For calls that begin now."""
        return self._content.value

    async def _take_up(self, engine: Engine) -> None:
        """Hear again what was journalled of calls under way; only where they stand is told."""
        kinds: tuple[type[Event], ...] = (*self.hears, TopicDetected, EmpathyOffered)
        for call_id, events in (await self._under_way(engine, kinds)).items():
            guidance = self._open(call_id).follower
            await self._tell(call_id, functools.partial(_again, guidance, events))

    def _follow(self, call_id: str) -> CallGuidance:
        return CallGuidance(self.guidance, call_id)

    def _opens(self, event: Event) -> bool:
        return not isinstance(event, EmpathyUsed)  # marked after the call was over

    async def _watch(self) -> None:
        await self._bus.publish(guidance_versioned(self.guidance, self._clock.time()))
        while True:
            await self._clock.sleep(self._settings.watch_s)
            if not await self._content.look():
                continue
            error = self._content.refused
            if error is None:
                _log.info("guidance_loaded", version=self.guidance.version)
                await self._bus.publish(guidance_versioned(self.guidance, self._clock.time()))
            else:
                self._counters.add("guidance_refused")
                _log.warning("guidance_refused", problems=len(error.problems), problem=str(error))


def _again(guidance: CallGuidance, events: Sequence[Event]) -> list[Told]:
    for event in events:
        guidance.feed(event, event.at)
    return guidance.current()
