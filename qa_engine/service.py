"""Judges all calls of a node while they happen, and reloads the rules when they are edited."""

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
    TranscriptPartial,
)
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.events import Event
from backbone.media import LegClosed, LegOpened
from qa_engine.events import RuleMuted, RulesLoaded, Score, Severity, TopicDetected
from qa_engine.guidance_storage import calls_under_way
from qa_engine.judge import CallJudge, Verdict
from qa_engine.operators.base import BaseRule, one_lower
from qa_engine.pack import DEFAULT_PACK, PackError, fingerprint, load
from qa_engine.restore import TOLD, take_up
from qa_engine.settings import QaSettings
from qa_engine.versions import versioned
from telephony.events import CallEvent

_log = structlog.get_logger(__name__)

_LISTENS_TO = (
    CallEvent,
    LegOpened,
    LegClosed,
    SpeechStarted,
    SpeechStopped,
    AudioGap,
    LegTranscribed,
    TranscriptPartial,
    TranscriptFinal,
    RuleMuted,
    TopicDetected,
)
_RETELL_S = 15.0


@dataclass(slots=True)
class _Call:
    judge: CallJudge
    seen_at: float
    closed_at: float | None = None


class QaService:
    """One judge per call. A call keeps the rules it began with.

    With an `engine`, calls in progress are taken up from the journal after a restart.

    Raises:
        PackError: the rule pack cannot be used; there are no old rules to go on with yet.
    """

    def __init__(
        self,
        settings: QaSettings,
        bus: Bus,
        clock: Clock,
        counters: Counters,
        *,
        engine: Engine | None = None,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._path = settings.rules or DEFAULT_PACK
        self._fingerprint = fingerprint(self._path)
        self.pack = load(self._path)
        """The rules for calls that begin now."""
        self._error = ""
        self._calls: dict[str, _Call] = {}
        # From the first moment, so that nothing between construction and run() is missed.
        self._events = bus.subscribe("qa", *_LISTENS_TO, maxsize=10_000)

    @property
    def open_calls(self) -> int:
        """Calls that are being judged, or waited for after their end."""
        return len(self._calls)

    def alert_kinds(self) -> list[tuple[str, Severity]]:
        """Kinds and severities of the alerts that the rules can raise."""
        kinds: dict[tuple[str, Severity], None] = {}
        for rule in self.pack.rules:
            if rule.alerts:
                kinds[rule.kind, rule.severity] = None
                if _may_be_suspected(rule):
                    kinds[rule.kind, one_lower(rule.severity)] = None
        return list(kinds)

    async def run(self) -> None:
        """Judge until cancelled."""
        if self._engine is not None:
            await self._take_up(self._engine)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._tick())
            tasks.create_task(self._watch())

    async def _take_up(self, engine: Engine) -> None:
        """Go on with calls that an earlier run did not see the end of; tell nothing twice."""
        now = self._clock.time()

        def read() -> Mapping[str, Sequence[Event]]:
            kinds = self._bus.concrete((*_LISTENS_TO, *TOLD))
            late = now - self._settings.late_s
            with engine.connect() as connection:
                return calls_under_way(connection, now - self._settings.forget_s, kinds, late)

        for call_id, journalled in (await asyncio.to_thread(read)).items():
            if any(isinstance(event, Score) for event in journalled):
                continue  # judged to its end
            judge = self._open(call_id).judge

            def again(
                judge: CallJudge = judge, journalled: Sequence[Event] = journalled
            ) -> list[Verdict]:
                return take_up(judge, journalled, now)

            await self._publish(self._guarded(call_id, again))
            self._counters.add("qa_calls_taken_up")

    async def _listen(self) -> None:
        async for envelope in self._events:
            event = envelope.event
            call_id: str = getattr(event, "call_id", "")
            call = self._calls.get(call_id) or self._open(call_id)
            now = self._clock.time()
            call.seen_at = now

            def feed(judge: CallJudge = call.judge, event: Event = event) -> list[Verdict]:
                return judge.feed(event, self._clock.time())

            await self._publish(self._guarded(call_id, feed))

    def _open(self, call_id: str) -> _Call:
        if len(self._calls) >= self._settings.calls:
            oldest = min(self._calls, key=lambda known: self._calls[known].seen_at)
            del self._calls[oldest]
            self._counters.add("qa_calls_dropped", reason="too_many")
        judge = CallJudge(
            self.pack,
            call_id,
            self._rule_failed,
            self._settings.seniority,
            provisional=self._settings.provisional,
        )
        call = self._calls[call_id] = _Call(judge, self._clock.time())
        return call

    def _rule_failed(self, rule: str) -> None:
        self._counters.add("qa_rule_failures", rule=rule)

    def _guarded(self, call_id: str, work: Callable[[], list[Verdict]]) -> list[Verdict]:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - one call must not end the others
            self._counters.add("qa_call_failures")
            _log.error("call_not_judged", call_id=call_id, error=type(error).__name__)
            return []

    async def _publish(self, verdicts: Sequence[Verdict]) -> None:
        # Together, so that they share a commit; they keep their order.
        if verdicts:
            await asyncio.gather(*(self._bus.publish(verdict) for verdict in verdicts))

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._settings.tick_s)
            now = self._clock.time()
            for call_id, call in list(self._calls.items()):

                def tick(judge: CallJudge = call.judge, now: float = now) -> list[Verdict]:
                    return judge.tick(now)

                await self._publish(self._guarded(call_id, tick))
                self._forget(call_id, call, now)

    def _forget(self, call_id: str, call: _Call, now: float) -> None:
        if call.judge.closed and call.closed_at is None:
            call.closed_at = now
        if call.closed_at is not None and now >= call.closed_at + self._settings.late_s:
            self._calls.pop(call_id, None)
        elif now >= call.seen_at + self._settings.forget_s:
            self._calls.pop(call_id, None)
            self._counters.add("qa_calls_dropped", reason="silent")

    async def _watch(self) -> None:
        self._tell()
        told_at = self._clock.time()
        await self._bus.publish(versioned(self.pack, told_at))
        in_force = self.pack.digest
        while True:
            await self._clock.sleep(self._settings.watch_s)
            if await self._reload() or self._clock.time() >= told_at + _RETELL_S:
                self._tell()
                told_at = self._clock.time()
            if self.pack.digest != in_force:
                in_force = self.pack.digest
                await self._bus.publish(versioned(self.pack, self._clock.time()))

    async def _reload(self) -> bool:
        """Load the pack again if it was edited; tell whether there is news."""
        seen = await asyncio.to_thread(fingerprint, self._path)
        if seen == self._fingerprint:
            return False
        try:
            pack = await asyncio.to_thread(load, self._path)
        except PackError as error:
            if await asyncio.to_thread(fingerprint, self._path) != seen:
                return False  # still being written: look again
            self._fingerprint = seen
            self._error = str(error)
            self._counters.add("qa_rules_refused")
            _log.warning("rules_refused", problems=len(error.problems), problem=str(error))
            return True
        self._fingerprint = seen
        self._error = ""
        self.pack = pack
        _log.info("rules_loaded", pack=pack.name, version=pack.version, rules=len(pack.rules))
        return True

    def _tell(self) -> None:
        self._bus.emit(
            RulesLoaded(
                at=self._clock.time(),
                pack=self.pack.name,
                version=self.pack.version,
                rules=len(self.pack.rules),
                error=self._error,
            )
        )


def _may_be_suspected(rule: BaseRule) -> bool:
    return any(True for _ in rule.groups()) and getattr(rule, "suspected", "lower") == "lower"
