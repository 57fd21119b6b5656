"""`words`: a side says one of these words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backbone.events import Event
from backbone.media import Role
from qa_engine.events import Evidence
from qa_engine.matches import Suspected, place, word_hits
from qa_engine.operators.base import (
    BaseRule,
    Finding,
    Held,
    Outcome,
    Quiet,
    TakenBack,
    one_lower,
)
from qa_engine.sides import Side, other_side
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
            return other_side(role)
        return self.role

    def present(self, state: CallState, said: Said, *, exact: bool = False) -> bool:
        """Whether such words are there, as far as has been heard; `exact`: not by sound only."""
        side = self.side(said.role)
        begin, end = said.final.start - self.before_s, said.final.end + self.after_s
        return any(
            not (exact and hit.suspected)
            for other in state.said
            if other.role == side and other.final.end >= begin and other.final.start <= end
            for name in self.lists
            for hit in other.scan.hits(name)
        )

    def may_come(self, state: CallState, said: Said) -> bool:
        """Whether such words may still be heard in time."""
        if state.over:
            return False
        until = said.final.end + self.after_s
        # What was begun before may still be in recognition, as a long sentence of the other side.
        return (self.after_s > 0 and state.clock < until) or state.awaiting(
            role=self.side(said.role), before=until
        )


class Settling(BaseModel):
    """What makes a word that only sounds alike certain, or nothing; until then it is not told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    promoted_by: Company | None = Field(
        None, description="With these words, exactly heard, it counts as heard exactly."
    )
    withdrawn_by: Company | None = Field(None, description="With these words it was nothing.")

    @model_validator(mode="after")
    def _some(self) -> Settling:
        if self.promoted_by is None and self.withdrawn_by is None:
            raise ValueError("give promoted_by or withdrawn_by")
        return self

    @property
    def waits(self) -> bool:
        """Whether something may still be said that settles it."""
        return any(company.after_s for company in self.companies())

    def companies(self) -> Iterator[Company]:
        """Those that are given."""
        for company in (self.promoted_by, self.withdrawn_by):
            if company is not None:
                yield company

    def outcome(
        self, state: CallState, said: Said
    ) -> Literal["promoted", "withdrawn", "open", "suspected"]:
        """What has become of what was suspected in a segment; `open` while it may be settled."""
        if self.withdrawn_by is not None and self.withdrawn_by.present(state, said):
            return "withdrawn"
        if self.promoted_by is not None and self.promoted_by.present(state, said, exact=True):
            return "promoted"
        waits = any(company.may_come(state, said) for company in self.companies())
        return "open" if waits else "suspected"


class WordsRule(BaseRule):
    """A side says one of these words."""

    type: Literal["words"]
    role: Side
    lists: tuple[str, ...] = Field(min_length=1, description="Word lists, any of them.")
    suspected: Suspected = Field(
        "lower", description="What becomes of words that only sound alike: off, lower or same."
    )
    accompanied: Company | None = Field(None, description="Only together with these words.")
    unaccompanied: Company | None = Field(None, description="Not together with these words.")
    settle: Settling | None = Field(
        None, description="What promotes or withdraws words that only sound alike."
    )
    not_first: bool = Field(
        False, description="Only once the other side has spoken (a farewell is no greeting)."
    )

    def groups(self) -> Iterable[str]:
        """Names of the word groups it looks at."""
        yield from self.lists
        settling = () if self.settle is None else self.settle.companies()
        for company in (self.accompanied, self.unaccompanied, *settling):
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
        self._waiting: list[tuple[Said, Company]] = []
        """Finals that lack their company."""
        self._held: list[tuple[Said, tuple[WordHit, ...]]] = []
        """Words that something to come may still take back, or make certain."""

    def feed(self, state: CallState, event: Event, said: Said | None) -> Iterable[Outcome]:
        """Judge a final, and those that waited for it."""
        del event
        yield from self.tick(state)
        if said is None or self._rule.role not in {"either", said.role}:
            return
        if self._rule.accompanied is None:
            yield from self._found(state, said)
        else:
            yield from self._accompany(state, said, self._rule.accompanied)

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """Tell what has got its company, and what nothing has taken back in its time."""
        waiting, self._waiting = self._waiting, []
        for said, company in waiting:
            yield from self._accompany(state, said, company)
        held, self._held = self._held, []
        for said, hits in held:
            yield from self._weigh(state, said, hits, again=True)

    def close(self, state: CallState) -> Iterable[Outcome]:
        """Nothing more will be said."""
        return self.tick(state)

    def _accompany(self, state: CallState, said: Said, company: Company) -> Iterator[Outcome]:
        if company.present(state, said):
            yield from self._found(state, said)
        elif company.may_come(state, said):
            self._waiting.append((said, company))

    def _found(self, state: CallState, said: Said) -> Iterator[Outcome]:
        rule = self._rule
        hits = word_hits(said, rule.lists, rule.suspected)
        if hits and not (rule.not_first and not _answered(state, said)):
            yield from self._weigh(state, said, tuple(hits))

    def _weigh(
        self, state: CallState, said: Said, hits: tuple[WordHit, ...], *, again: bool = False
    ) -> Iterator[Outcome]:
        """Tell what is certain of these words, and hold what is not yet."""
        rule = self._rule
        against = rule.unaccompanied
        if against is not None and against.present(state, said):
            yield from self._take_back(said, hits, told=again)
            return
        if against is not None and against.may_come(state, said):
            yield from self._hold(said, hits, told=again)
            return
        outcome = "suspected" if rule.settle is None else rule.settle.outcome(state, said)
        doubtful = tuple(hit for hit in hits if hit.suspected)
        if outcome == "open":
            yield from self._hold(said, doubtful, told=again)
        elif outcome == "withdrawn":
            yield from self._take_back(said, doubtful, told=again)
        for hit in hits:
            if not hit.suspected or outcome == "suspected":
                yield finding(said, hit, rule, rule.suspected)
            elif outcome == "promoted":
                yield finding(said, replace(hit, suspected=False), rule, rule.suspected)

    def _hold(self, said: Said, hits: tuple[WordHit, ...], *, told: bool) -> Iterator[Held]:
        if hits:
            self._held.append((said, hits))
        if not told:
            for hit in hits:
                yield Held(finding(said, hit, self._rule, self._rule.suspected))

    def _take_back(
        self, said: Said, hits: tuple[WordHit, ...], *, told: bool
    ) -> Iterator[TakenBack]:
        if told:
            for hit in hits:
                yield TakenBack(finding(said, hit, self._rule, self._rule.suspected).key)


def _answered(state: CallState, said: Said) -> bool:
    return any(s.role != said.role and s.start < said.final.start for s in state.speech)
