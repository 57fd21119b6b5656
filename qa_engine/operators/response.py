"""`response`: after one thing was said, the agent must say another: 120 after an emergency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from backbone.events import Event
from backbone.media import Role
from qa_engine.events import Evidence
from qa_engine.matches import place, word_hits
from qa_engine.operators.base import BaseRule, Finding, Outcome, Quiet
from qa_engine.operators.words import finding
from qa_engine.sides import Side, other_side, roles_of
from qa_engine.words import WordHit

if TYPE_CHECKING:
    from qa_engine.state import CallState, Said

REPLY_CHARACTERS = 4
"""A shorter reply (嗯, 好的, 您说) answers nothing."""

REPLY_PAUSE_S = 3.0
"""A silence that long ends a reply."""


class Words(BaseModel):
    """Words of one side."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Side
    lists: tuple[str, ...] = Field(min_length=1, description="Word lists, any of them.")


class ResponseRule(BaseRule):
    """`kind` names the response's absence."""

    type: Literal["response"]
    trigger: Words
    expected: Words
    excused_by: Words | None = Field(
        None, description="Where this was said as timely, nothing more has to be."
    )
    settle: Literal["next_reply", "deadline"] = Field(
        "deadline", description="Must the very next reply hold it, or anything until the deadline?"
    )
    within_s: float = Field(20.0, gt=0, description="The deadline, after the trigger's end.")
    lookback_s: float = Field(
        0.0, ge=0, description="Said so long before the trigger it counts as well."
    )

    def groups(self) -> Iterable[str]:
        """Names of the word groups it looks at."""
        excuse = () if self.excused_by is None else self.excused_by.lists
        return (*self.trigger.lists, *self.expected.lists, *excuse)


@dataclass(frozen=True, slots=True)
class _Open:
    said: Said
    hit: WordHit


class ResponseOperator(Quiet):
    """Holds what was said and not yet answered; the first of several counts."""

    def __init__(self, rule: ResponseRule) -> None:
        self._rule = rule
        self._open: _Open | None = None

    def feed(self, state: CallState, event: Event, said: Said | None) -> Iterable[Outcome]:
        """Open at a trigger; see whether what was said answers it."""
        del event
        rule = self._rule
        if self._open is None and said is not None and said.role in roles_of(rule.trigger.role):
            hits = word_hits(said, rule.trigger.lists, "same")
            if hits:
                self._open = _Open(said, hits[0])
        yield from self.tick(state)

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """Settle what can be settled."""
        opened = self._open
        if opened is None:
            return
        if self._answered(state, opened):
            self._open = None
        elif not self._outstanding(state, opened):
            self._open = None
            yield from self._missing(state, opened)

    def close(self, state: CallState) -> Iterable[Outcome]:
        """Nothing more will be said."""
        opened, self._open = self._open, None
        if opened is not None and not self._answered(state, opened):
            yield from self._missing(state, opened)

    def _answered(self, state: CallState, opened: _Open) -> bool:
        rule = self._rule
        begin = opened.said.final.start - rule.lookback_s
        until = opened.said.final.end + rule.within_s
        # Who was still talking when it came up may answer it in the same breath.
        return any(
            said.final.start >= begin or place(said, hit.start, hit.end)[1] >= begin
            for words in (rule.expected, rule.excused_by)
            if words is not None
            for said in state.by(words.role, until=until)
            if said.final.end >= begin
            for name in words.lists
            for hit in said.scan.hits(name)
        )

    def _outstanding(self, state: CallState, opened: _Open) -> bool:
        """Whether an answer may still come."""
        rule = self._rule
        deadline = opened.said.final.end + rule.within_s
        if state.behind(role=rule.expected.role, before=deadline):
            return True
        if state.clock >= deadline:
            return False
        reply = self._reply(state, opened)
        if rule.settle == "deadline" or not reply:
            return True
        if sum(len(said.scan.text.text) for said in reply) < REPLY_CHARACTERS:
            return True
        begin, end = reply[0].final.start, reply[-1].final.end
        over = any(s.role != reply[0].role and s.start > begin for s in state.speech)
        return not over and state.clock < end + REPLY_PAUSE_S

    def _replier(self, opened: _Open) -> Role:
        """Who owes the answer."""
        role = self._rule.expected.role
        return other_side(opened.said.role) if role == "either" else role

    def _reply(self, state: CallState, opened: _Open) -> list[Said]:
        """What the other side said next, until it was answered in turn."""
        replier = self._replier(opened)
        reply = list(state.by(replier, opened.said.final.start))
        if not reply:
            return []
        begin = reply[0].final.start
        stop = min(
            (s.start for s in state.speech if s.role != replier and s.start > begin), default=1e9
        )
        return [said for said in reply if said.final.start < stop]

    def _missing(self, state: CallState, opened: _Open) -> Iterator[Finding]:
        rule = self._rule
        replier = self._replier(opened)
        until = min(state.clock, opened.said.final.end + rule.within_s)
        if not state.listened(roles_of(rule.expected.role), opened.said.final.end, until):
            return
        trigger = finding(opened.said, opened.hit, rule, "lower")
        start, end = trigger.start, trigger.end
        reply = self._reply(state, opened) if rule.settle == "next_reply" else []
        evidence = trigger.evidence
        if reply:
            start, end = reply[0].final.start, reply[-1].final.end
        elif opened.said.role != replier:
            start, end = opened.said.final.end, max(opened.said.final.end, state.clock)
        yield Finding(
            key=("missing", opened.said.final.segment_id),
            role=replier,
            phrase=trigger.phrase,
            start=start,
            end=end,
            suspected=trigger.suspected,
            absence=True,
            severity=trigger.severity,
            evidence=Evidence(
                segment_id=evidence.segment_id,
                text=evidence.text,
                span=evidence.span,
                measured=round(state.clock - opened.said.final.end, 1),
                limit=rule.within_s,
                unit="s",
            ),
        )
