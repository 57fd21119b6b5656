"""Judges all calls of a node while they happen, and reloads the rules when they are edited."""

from __future__ import annotations

import functools
from typing import ClassVar

import structlog
from sqlalchemy import Engine

from asr.events import TranscriptPartial
from backbone.events import Event
from qa_engine.events import RuleMuted, RulesLoaded, Score, Severity, TopicDetected
from qa_engine.judge import CallJudge
from qa_engine.live_calls import HEARD, LiveCalls, Names, Reloaded
from qa_engine.operators.base import BaseRule, one_lower
from qa_engine.pack import DEFAULT_PACK, Pack, fingerprint, load
from qa_engine.restore import TOLD, take_up
from qa_engine.settings import QaSettings
from qa_engine.versions import versioned

_log = structlog.get_logger(__name__)

_RETELL_S = 15.0


class QaService(LiveCalls[CallJudge, Pack]):
    """One judge per call. A call keeps the rules it began with.

    With an `engine`, calls in progress are taken up from the journal after a restart.
    """

    names = Names("qa", "qa_calls_dropped", "qa_call_failures", "call_not_judged")
    hears: ClassVar[tuple[type[Event], ...]] = (*HEARD, TranscriptPartial, RuleMuted, TopicDetected)

    def _load(self, settings: QaSettings) -> Reloaded[Pack]:
        path = settings.rules or DEFAULT_PACK
        return Reloaded(lambda: fingerprint(path), lambda: _taught(load(path)))

    @property
    def pack(self) -> Pack:
        """The rules for calls that begin now."""
        return self._content.value

    def alert_kinds(self) -> list[tuple[str, Severity]]:
        """Kinds and severities of the alerts that the rules can raise."""
        kinds: dict[tuple[str, Severity], None] = {}
        for rule in self.pack.rules:
            if rule.alerts:
                kinds[rule.kind, rule.severity] = None
                if _may_be_suspected(rule):
                    kinds[rule.kind, one_lower(rule.severity)] = None
        return list(kinds)

    async def _take_up(self, engine: Engine) -> None:
        """Go on with calls that an earlier run did not see the end of; tell nothing twice."""
        now = self._clock.time()
        kinds: tuple[type[Event], ...] = (*self.hears, *TOLD)
        under_way = await self._under_way(engine, kinds, now - self._settings.late_s)
        for call_id, journalled in under_way.items():
            if any(isinstance(event, Score) for event in journalled):
                continue  # judged to its end
            judge = self._open(call_id).follower
            await self._tell(call_id, functools.partial(take_up, judge, journalled, now))
            self._counters.add("qa_calls_taken_up")

    def _follow(self, call_id: str) -> CallJudge:
        return CallJudge(
            self.pack,
            call_id,
            self._rule_failed,
            self._settings.seniority,
            provisional=self._settings.provisional,
        )

    def _rule_failed(self, rule: str) -> None:
        self._counters.add("qa_rule_failures", rule=rule)

    async def _watch(self) -> None:
        self._say_what_is_in_force()
        told_at = self._clock.time()
        await self._bus.publish(versioned(self.pack, told_at))
        in_force = self.pack.digest
        while True:
            await self._clock.sleep(self._settings.watch_s)
            if await self._reload() or self._clock.time() >= told_at + _RETELL_S:
                self._say_what_is_in_force()
                told_at = self._clock.time()
            if self.pack.digest != in_force:
                in_force = self.pack.digest
                await self._bus.publish(versioned(self.pack, self._clock.time()))

    async def _reload(self) -> bool:
        """Load the pack again if it was edited; tell whether there is news."""
        news = await self._content.look()
        error, pack = self._content.refused, self.pack
        if news and error is not None:
            self._counters.add("qa_rules_refused")
            _log.warning("rules_refused", problems=len(error.problems), problem=str(error))
        elif news:
            _log.info("rules_loaded", pack=pack.name, version=pack.version, rules=len(pack.rules))
        return news

    def _say_what_is_in_force(self) -> None:
        error = self._content.refused
        self._bus.emit(
            RulesLoaded(
                at=self._clock.time(),
                pack=self.pack.name,
                version=self.pack.version,
                rules=len(self.pack.rules),
                error="" if error is None else str(error),
            )
        )


def _taught(pack: Pack) -> Pack:
    """A pack that knows its meanings already: no call waits for it to learn them."""
    pack.meanings.learn()
    return pack


def _may_be_suspected(rule: BaseRule) -> bool:
    return (any(True for _ in rule.groups()) or bool(rule.learns())) and getattr(
        rule, "suspected", "lower"
    ) == "lower"
