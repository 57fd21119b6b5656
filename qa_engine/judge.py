"""Judges one call: events and time in, hits, alerts and compliance steps out.

Pure: no socket, no clock, no store. Finals decide. A partial is a sign that somebody is speaking
and, where that is asked for, a source of provisional alerts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import structlog

from asr.events import TranscriptFinal, TranscriptPartial
from backbone.events import Event
from backbone.ids import stable_id
from qa_engine.attributes import Seniority
from qa_engine.conditions.base import Moment
from qa_engine.cooldown import Cooldown
from qa_engine.events import (
    SEVERITIES,
    Alert,
    AlertWithdrawn,
    ComplianceStep,
    Hit,
    HitRole,
    ProvisionalAlert,
    RunningScore,
    Score,
    ScoreItem,
    Severity,
)
from qa_engine.operators import BaseRule, Operator, build
from qa_engine.operators.base import Finding, Held, Outcome, StepChange, TakenBack
from qa_engine.pack import Pack
from qa_engine.provisional import Provisional, provisional_alert
from qa_engine.scorecard import answers, changed, total
from qa_engine.state import CallState
from qa_engine.verdicts import Verdict

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Working:
    rule: BaseRule
    operator: Operator
    failed: bool = False


class CallJudge:
    """All rules of a pack at work on one call.

    Args:
        pack: stays in force for this call to its end, whatever is loaded meanwhile.
        call_id: the call's.
        seniority: of agents; one that is not named is `regular`.
        provisional: tell alerts on partials too (see `qa_engine.provisional`).
        failed: called with the rule's id when a rule breaks; it is not asked again on this call.
    """

    def __init__(
        self,
        pack: Pack,
        call_id: str,
        failed: Callable[[str], None] | None = None,
        seniority: Mapping[str, Seniority] | None = None,
        *,
        provisional: bool = False,
    ) -> None:
        self.pack = pack
        self.state = CallState(call_id, pack.index, pack.meanings, seniorities=seniority or {})
        self._failed = failed or (lambda _rule: None)
        self._stages = [[_Working(rule, build(rule)) for rule in stage] for stage in pack.stages]
        self._emitted: set[str] = set()
        self._known: set[tuple[str, tuple[object, ...]]] = set()
        """Findings that were seen to, by rule and key."""
        self._steps: dict[str, str] = {}
        self._cooldown = Cooldown()
        self._held: dict[tuple[object, ...], str] = {}
        """Provisional alerts on what may still be taken back, by rule and key of the finding."""
        self._placed: dict[str, list[tuple[str, str, int, int]]] = {}
        self._waiting: dict[tuple[object, ...], tuple[BaseRule, Finding]] = {}
        """What was found and may still be taken back, by rule and key of the finding."""
        self._closed = False
        self._provisional = Provisional(pack) if provisional else None
        self._scored: list[ScoreItem] = []

    @property
    def closed(self) -> bool:
        """Whether the last word on this call is spoken."""
        return self._closed

    def feed(self, event: Event, now: float) -> list[Verdict]:
        """Take an event of this call in. `now` is in seconds since the epoch."""
        self.state.now = max(now, self.state.now)
        said = self.state.learn(event)
        verdicts = self._collect(lambda operator: operator.feed(self.state, event, said))
        if self._provisional is not None:
            if isinstance(event, TranscriptPartial):
                verdicts += self._provisional.hear(self.state, event, self._cooldown)
            elif isinstance(event, TranscriptFinal):
                verdicts = self._provisional.settle(event, verdicts, self.state.now)
        return verdicts + self._running_score()

    def tick(self, now: float) -> list[Verdict]:
        """Let time pass."""
        self.state.now = max(now, self.state.now)
        if self._closed:
            return []
        verdicts = self._collect(lambda operator: operator.tick(self.state))
        if self.state.complete():
            verdicts += self.close(now)
        return verdicts

    def close(self, now: float) -> list[Verdict]:
        """Say the last word: nothing more is waited for."""
        self.state.now = max(now, self.state.now)
        if self._closed:
            return []
        self._closed = True
        self.state.over = True
        verdicts = self._collect(lambda operator: operator.close(self.state))
        if self._provisional is not None:
            verdicts += self._provisional.close(self.state)
        return verdicts + self._final_score()

    def remember_hit(self, hit: Hit, moment: Moment) -> None:
        """An earlier judge of this call has told this: it counts, and is not told again."""
        if hit.hit_id not in self._emitted:
            self._emitted.add(hit.hit_id)
            rule = self.pack.rule(hit.rule)
            if rule is not None and hit.kind == rule.kind:
                self.state.found.append((hit.rule, moment))
            self.state.kinds.append((hit.kind, hit.suspected))

    def remember_step(self, step: ComplianceStep) -> None:
        """An earlier judge of this call has told this."""
        self._steps[step.step] = step.state

    def _running_score(self) -> list[Verdict]:
        card = self.pack.scorecard
        if card is None or self.state.connected_at is None or self._closed:
            return []
        items = answers(card, self.state)
        if not changed(self._scored, items):
            return []
        self._scored = items
        return [
            RunningScore(
                at=self.state.now,
                call_id=self.state.call_id,
                card=card.id,
                revision=self.pack.version,
                score=total(card, items),
                items=tuple(items),
            )
        ]

    def _final_score(self) -> list[Verdict]:
        card = self.pack.scorecard
        if card is None or self.state.connected_at is None:
            return []
        items = answers(card, self.state)
        return [
            Score(
                at=self.state.now,
                score_id=stable_id("score", self.state.call_id, card.id, self.pack.version),
                call_id=self.state.call_id,
                queue=self.state.queue,
                agent=self.state.agent,
                card=card.id,
                revision=self.pack.version,
                score=total(card, items),
                items=tuple(items),
            )
        ]

    def _collect(self, ask: Callable[[Operator], Iterable[Outcome]]) -> list[Verdict]:
        # Rules that build on what others have found come after them.
        return [v for stage in self._stages for v in self._ask(stage, ask)]

    def _ask(
        self, stage: list[_Working], ask: Callable[[Operator], Iterable[Outcome]]
    ) -> list[Verdict]:
        outcomes: list[tuple[BaseRule, Outcome]] = []
        for working in stage:
            if working.failed:
                continue
            try:
                outcomes += [
                    (working.rule, outcome)
                    for outcome in ask(working.operator)
                    if not self._settled(working.rule, outcome)
                ]
            except Exception as error:  # noqa: BLE001 - one rule must not silence the others
                working.failed = True
                self._failed(working.rule.id)
                _log.error(
                    "rule_failed",
                    rule=working.rule.id,
                    call_id=self.state.call_id,
                    error=type(error).__name__,
                )
        outcomes.sort(key=lambda pair: _precedence(*pair))
        for rule, outcome in outcomes:
            if isinstance(outcome, Held):
                self._waiting[rule.id, *outcome.finding.key] = rule, outcome.finding
        return [verdict for rule, outcome in outcomes for verdict in self._verdicts(rule, outcome)]

    def _settled(self, rule: BaseRule, outcome: Outcome) -> bool:
        """Whether a finding was told, or left to another, before: operators tell of all again."""
        return isinstance(outcome, Finding) and (rule.id, outcome.key) in self._known

    def _verdicts(self, rule: BaseRule, outcome: Outcome) -> Iterable[Verdict]:
        if rule.only is not None and not rule.only.fits(self.state):
            return ()
        match outcome:
            case StepChange():
                return self._step(rule, outcome)
            case Held(finding=found):
                return self._hold(rule, found)
            case TakenBack(key=key):
                return self._let_go(rule, key)
            case Finding():
                return self._found(rule, outcome)

    def _step(self, rule: BaseRule, step: StepChange) -> Iterator[Verdict]:
        if self._steps.get(rule.id) == step.state:
            return
        self._steps[rule.id] = step.state
        yield ComplianceStep(
            at=self.state.now,
            call_id=self.state.call_id,
            step=rule.id,
            title=rule.title,
            title_en=rule.title_en,
            state=step.state,
            due=None if step.due is None else round(step.due, 2),
            done_at=None if step.done_at is None else round(step.done_at, 2),
        )

    def _found(self, rule: BaseRule, found: Finding) -> Iterator[Verdict]:
        kind = found.kind or rule.kind
        severity = found.severity or rule.severity
        self._known.add((rule.id, found.key))
        hit_id = stable_id("hit", self.state.call_id, rule.id, *found.key)
        if hit_id in self._emitted or self._overlaps(rule, kind, found):
            yield from self._let_go(rule, found.key)
            return
        self._emitted.add(hit_id)
        if kind == rule.kind:  # of a step its absence: that it was done, its words tell
            self.state.found.append((rule.id, _moment(found)))
        self.state.kinds.append((kind, found.suspected))
        yield Hit(
            at=self.state.now,
            hit_id=hit_id,
            call_id=self.state.call_id,
            rule=rule.id,
            kind=kind,
            severity=severity,
            role=found.role,
            phrase=found.phrase,
            start=round(found.start, 2),
            end=round(found.end, 2),
            suspected=found.suspected,
            evidence=found.evidence,
        )
        if self._worth_an_alert(rule, found):
            self._cooldown.tell(*self._news(rule, found))
            yield self._alert(rule, kind, severity, found)
        else:
            yield from self._let_go(rule, found.key)

    def _worth_an_alert(self, rule: BaseRule, found: Finding) -> bool:
        alerts = rule.alerts if found.alert is None else found.alert
        if not alerts or rule.id in self.state.muted:
            return False
        return not self._cooldown.holds(*self._news(rule, found))

    def _news(self, rule: BaseRule, found: Finding) -> tuple[BaseRule, HitRole, str, str, float]:
        sentence = self.state.whole(found.evidence.segment_id)
        return rule, found.role, found.phrase, sentence, found.start

    def _hold(self, rule: BaseRule, found: Finding) -> Iterator[ProvisionalAlert]:
        """Tell at once, provisionally, what something to come may still take back."""
        held = (rule.id, *found.key)
        if self._provisional is None or held in self._held or not self._worth_an_alert(rule, found):
            return
        self._held[held] = stable_id("held", self.state.call_id, *held)
        yield provisional_alert(self.state, rule, found, self._held[held])

    def _let_go(self, rule: BaseRule, key: tuple[object, ...]) -> Iterator[AlertWithdrawn]:
        alert_id = self._held.pop((rule.id, *key), None)
        if alert_id is not None:
            yield AlertWithdrawn(at=self.state.now, alert_id=alert_id, call_id=self.state.call_id)

    def _alert(self, rule: BaseRule, kind: str, severity: Severity, found: Finding) -> Alert:
        return Alert(
            at=self.state.now,
            alert_id=stable_id("alert", self.state.call_id, rule.id, *found.key),
            call_id=self.state.call_id,
            queue=self.state.queue,
            agent=self.state.agent,
            rule=rule.id,
            kind=kind,
            severity=severity,
            role=found.role,
            title=rule.alert_title,
            title_en=rule.alert_title_en,
            advice=rule.advice,
            advice_en=rule.advice_en,
            advice_after=rule.advice_after,
            advice_after_en=rule.advice_after_en,
            phrase=found.phrase,
            start=round(found.start, 2),
            end=round(found.end, 2),
            suspected=found.suspected,
            evidence=found.evidence,
            version=self.pack.version,
            confirms=self._held.pop((rule.id, *found.key), ""),
        )

    def _overlaps(self, rule: BaseRule, kind: str, found: Finding) -> bool:
        """Whether another rule of this kind has found the same words already."""
        segment, span = found.evidence.segment_id, found.evidence.span
        if not segment or span is None or found.absence:
            return False
        if found.suspected and any(
            other is not rule and other.kind == kind and _same_words(held, found)
            for other, held in self._waiting.values()
        ):
            return True  # that rule waits for what makes the words harmless, and tells then
        placed = self._placed.setdefault(segment, [])
        for other_kind, role, start, end in placed:
            if other_kind == kind and role == found.role and start < span[1] and span[0] < end:
                return True
        placed.append((kind, found.role, *span))
        return False


def _same_words(one: Finding, other: Finding) -> bool:
    mine, theirs = one.evidence, other.evidence
    if mine.span is None or theirs.span is None or mine.segment_id != theirs.segment_id:
        return False
    return mine.span[0] < theirs.span[1] and theirs.span[0] < mine.span[1]


def _moment(found: Finding) -> Moment:
    return Moment(
        key=found.key,
        role=found.role,
        start=found.start,
        end=found.end,
        phrase=found.phrase,
        suspected=found.suspected,
        absence=found.absence,
        evidence=found.evidence,
    )


def _precedence(rule: BaseRule, outcome: Outcome) -> tuple[bool, int, float]:
    """Of overlapping findings: the exact one, then the gravest; steps stay in their place."""
    if isinstance(outcome, Held):
        outcome = outcome.finding
    if not isinstance(outcome, Finding):
        return (False, -len(SEVERITIES), 0.0)
    severity = outcome.severity or rule.severity
    return (outcome.suspected, -SEVERITIES.index(severity), outcome.start)
