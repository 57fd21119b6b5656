"""`step`: something that must be said by a time: the opening, the closing.

Its presence is a hit at once. Its absence is told live, when the time is up and nothing that was
begun before it is still being recognised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict, Field, model_validator

from backbone.events import Event
from qa_engine.events import Evidence
from qa_engine.matches import word_hits
from qa_engine.operators.base import KIND, BaseRule, Finding, Outcome, Quiet, StepChange
from qa_engine.operators.words import finding
from qa_engine.sides import Side, roles_of
from qa_engine.words import WordHit

if TYPE_CHECKING:
    from qa_engine.state import CallState, Said


class StepRule(BaseRule):
    """Something that a side must say by a time; `kind` names its absence."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["within_s"]}, {"required": ["before_end_s"]}],
            "anyOf": [{"required": ["any_of"]}, {"required": ["all_of"]}],
        }
    )

    type: Literal["step"]
    role: Side
    done_kind: str = Field(pattern=KIND, max_length=64, description="What its presence is called.")
    any_of: tuple[str, ...] = Field((), description="One of these lists is enough.")
    all_of: tuple[str, ...] = Field((), description="Each of these lists must be heard.")
    within_s: float | None = Field(None, gt=0, description="Due so long after the answer.")
    before_end_s: float | None = Field(
        None, gt=0, description="Due in the last so many seconds before the hang-up."
    )

    @model_validator(mode="after")
    def _one_deadline(self) -> StepRule:
        if (self.within_s is None) == (self.before_end_s is None):
            raise ValueError("give either within_s or before_end_s")
        if not self.any_of and not self.all_of:
            raise ValueError("give any_of or all_of")
        return self

    def groups(self) -> Iterable[str]:
        """Names of the word groups it looks at."""
        return (*self.any_of, *self.all_of)

    @property
    def alert_title(self) -> str:
        """The step is missing: its bare name would read as if it had been heard."""
        return f"缺少{self.title}"

    @property
    def alert_title_en(self) -> str:
        """The same in English."""
        return f"Missing – {self.title_en}"


class StepOperator(Quiet):
    """Follows one step of one call."""

    def __init__(self, rule: StepRule) -> None:
        self._rule = rule
        self._state: Literal["", "pending", "done", "missing"] = ""
        self._heard: dict[str, float] = {}

    def feed(self, state: CallState, event: Event, said: Said | None) -> Iterable[Outcome]:
        """Open the step at the answer, close it when it is heard."""
        del event
        if state.connected_at is not None and not self._state:
            self._state = "pending"
            yield StepChange(state="pending", due=self._rule.within_s)
        if said is not None and said.role in roles_of(self._rule.role):
            yield from self._listen(state, said)

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """Tell the absence once the time is up."""
        rule = self._rule
        if self._state != "pending" or rule.within_s is None:
            return
        if not state.caught_up(rule.within_s, role=rule.role):
            return
        yield from self._missing(state, rule.within_s)

    def close(self, state: CallState) -> Iterable[Outcome]:
        """Tell the absence of what was due before the end."""
        rule = self._rule
        end = state.end_s
        if end is None:
            return
        if rule.before_end_s is not None:
            last = max(self._heard.values(), default=None)
            if self._state == "done" and last is not None and last < end - rule.before_end_s:
                self._state = "pending"  # said long before the end: no farewell
            if self._state == "pending":
                yield from self._missing(state, end)
        elif self._state == "pending" and rule.within_s is not None and end >= rule.within_s:
            yield from self._missing(state, rule.within_s)

    def _listen(self, state: CallState, said: Said) -> Iterator[Outcome]:
        rule = self._rule
        if rule.within_s is not None:
            if said.final.start > rule.within_s:
                return
        elif not any(s.role != said.role and s.start < said.final.start for s in state.speech):
            return  # a farewell before the other side said a word is part of the greeting
        best: WordHit | None = None
        for name in (*rule.any_of, *rule.all_of):
            hits = word_hits(said, (name,), "same")
            if hits:
                self._heard[name] = said.final.end
                best = best or hits[0]
        if best is None:
            return
        done = any(name in self._heard for name in rule.any_of) or (
            bool(rule.all_of) and all(name in self._heard for name in rule.all_of)
        )
        if not done or (self._state == "done" and rule.within_s is not None):
            return
        first = self._state != "done"
        self._state = "done"
        found = finding(said, best, rule, "same")
        yield Finding(
            key=("done", said.final.segment_id),
            kind=rule.done_kind,
            severity="info",
            alert=False,
            role=found.role,
            phrase=found.phrase,
            start=found.start,
            end=found.end,
            suspected=found.suspected,
            evidence=found.evidence,
        )
        if first:
            yield StepChange(state="done", due=rule.within_s, done_at=found.end)

    def _missing(self, state: CallState, due: float) -> Iterator[Outcome]:
        rule = self._rule
        since = 0.0 if rule.before_end_s is None else due - rule.before_end_s
        if not state.listened(roles_of(rule.role), since, due):
            return  # nobody listened: silence proves nothing
        self._state = "missing"
        yield StepChange(state="missing", due=due)
        start, end = self._span(state, due)
        yield Finding(
            key=("missing",),
            role="call" if rule.role == "either" else rule.role,
            phrase="",
            start=start,
            end=end,
            # What is due at the hang-up has no deadline that could be compared with anything.
            evidence=Evidence()
            if rule.within_s is None
            else Evidence(measured=round(state.clock, 1), limit=due, unit="s"),
        )

    def _span(self, state: CallState, due: float) -> tuple[float, float]:
        """From the answer to the end of the first turn, or from the last segment to the end."""
        if self._rule.within_s is not None:
            turn = state.first_turn(self._rule.role)
            return 0.0, turn[1] if turn and turn[0] <= due else due
        roles = roles_of(self._rule.role)
        spoken = [s.start for s in state.speech if s.role in roles and s.start < due]
        return (spoken[-1] if spoken else 0.0), due
