"""`words`: a side says one of these words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from backbone.events import Event
from backbone.media import Role
from qa_engine.events import Evidence
from qa_engine.matches import Suspected, place, word_hits
from qa_engine.operators.base import BaseRule, Finding, Outcome, Quiet, one_lower
from qa_engine.words import WordHit

if TYPE_CHECKING:
    from qa_engine.state import CallState, Said


class Company(BaseModel):
    """Other words that must (or must not) be said nearby."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lists: tuple[str, ...] = Field(min_length=1, description="Word lists, any of them.")
    role: Literal["agent", "customer", "same", "other"] = "same"
    before_s: float = Field(0.0, ge=0, description="At most so long before the segment begins.")
    after_s: float = Field(0.0, ge=0, description="At most so long after the segment ends.")

    def side(self, role: Role) -> Role:
        """The side whose words count."""
        if self.role == "same":
            return role
        if self.role == "other":
            return "customer" if role == "agent" else "agent"
        return self.role

    def present(self, state: CallState, said: Said) -> bool:
        """Whether such words are there, as far as has been heard."""
        side = self.side(said.role)
        begin, end = said.final.start - self.before_s, said.final.end + self.after_s
        return any(
            other.scan.hits(name)
            for other in state.said
            if other.role == side and other.final.end >= begin and other.final.start <= end
            for name in self.lists
        )


class WordsRule(BaseRule):
    """A side says one of these words."""

    type: Literal["words"]
    role: Literal["agent", "customer", "either"]
    lists: tuple[str, ...] = Field(min_length=1, description="Word lists, any of them.")
    suspected: Suspected = Field(
        "lower", description="What becomes of words that only sound alike: off, lower or same."
    )
    accompanied: Company | None = Field(None, description="Only together with these words.")
    unaccompanied: Company | None = Field(None, description="Not together with these words.")
    not_first: bool = Field(
        False, description="Only once the other side has spoken (a farewell is no greeting)."
    )

    def groups(self) -> Iterable[str]:
        """Names of the word groups it looks at."""
        yield from self.lists
        for company in (self.accompanied, self.unaccompanied):
            if company is not None:
                yield from company.lists


def finding(said: Said, hit: WordHit, rule: BaseRule, policy: Suspected) -> Finding:
    """A word as a finding, with its segment as evidence."""
    start, end = place(said, hit.start, hit.end)
    return Finding(
        key=(said.final.segment_id, *hit.span),
        role=said.role,
        phrase=said.final.text[slice(*hit.span)],
        start=start,
        end=end,
        suspected=hit.suspected,
        severity=one_lower(rule.severity) if hit.suspected and policy == "lower" else None,
        evidence=Evidence(segment_id=said.final.segment_id, text=said.final.text, span=hit.span),
    )


class WordsOperator(Quiet):
    """Judges each final; what hangs on what is said next waits for it."""

    def __init__(self, rule: WordsRule) -> None:
        self._rule = rule
        self._waiting: list[Said] = []
        """Finals that lack their company."""
        self._doubted: list[Said] = []
        """Finals that company to come would take back."""

    def feed(self, state: CallState, event: Event, said: Said | None) -> Iterable[Outcome]:
        """Judge a final, and those that waited for it."""
        del event
        if said is None:
            return
        rule = self._rule
        company = rule.accompanied
        waiting, self._waiting = self._waiting, []
        for earlier in waiting:
            assert company is not None  # noqa: S101 - nothing waits otherwise, for the type checker
            if company.present(state, earlier):
                yield from self._found(state, earlier)
            elif said.final.start <= earlier.final.end + company.after_s:
                self._waiting.append(earlier)
        if rule.role not in ("either", said.role):
            return
        if company is not None and not company.present(state, said):
            if company.after_s:
                self._waiting.append(said)
            return
        yield from self._found(state, said)

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """Tell what nothing has taken back in its time."""
        company = self._rule.unaccompanied
        doubted, self._doubted = self._doubted, []
        for said in doubted:
            assert company is not None  # noqa: S101 - nothing is doubted otherwise
            until = said.final.end + company.after_s
            if not state.over and (
                state.clock < until or state.awaiting(role=company.side(said.role), before=until)
            ):
                self._doubted.append(said)
            elif not company.present(state, said):
                yield from self._told(said)

    def close(self, state: CallState) -> Iterable[Outcome]:
        """Nothing more will be said."""
        return self.tick(state)

    def _found(self, state: CallState, said: Said) -> Iterator[Finding]:
        rule = self._rule
        hits = word_hits(said, rule.lists, rule.suspected)
        if not hits or (rule.not_first and not _answered(state, said)):
            return
        company = rule.unaccompanied
        if company is not None and company.present(state, said):
            return
        if company is not None and company.after_s:
            self._doubted.append(said)
            return
        yield from self._told(said)

    def _told(self, said: Said) -> Iterator[Finding]:
        rule = self._rule
        for hit in word_hits(said, rule.lists, rule.suspected):
            yield finding(said, hit, rule, rule.suspected)


def _answered(state: CallState, said: Said) -> bool:
    return any(s.role != said.role and s.start < said.final.start for s in state.speech)
