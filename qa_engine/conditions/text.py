"""Conditions on what was said: words, regular expressions, similar sentences, repetition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import regex

from backbone.media import Role
from qa_engine.conditions.base import Moment
from qa_engine.conditions.models import (
    MeansCondition,
    RegexCondition,
    RepeatsCondition,
    SimilarCondition,
    WordsCondition,
)
from qa_engine.events import Evidence
from qa_engine.matches import Suspected, place, word_hits
from qa_engine.similarity import Exemplars, surface_similarity

if TYPE_CHECKING:
    from qa_engine.state import CallState, Said

_LONGER = 1.5
"""A part of a sentence is compared when it is not longer or shorter than an exemplar by more."""

REGEX_TIMEOUT_S = 0.05
"""A pattern that takes longer on one segment is broken: its rule is given up for the call."""


class _PerSegment:
    """Looks at each segment once; remembers what it found in it."""

    def __init__(self, role: str) -> None:
        self._role = role
        self._seen: dict[str, tuple[Moment, ...]] = {}
        self._looked_at = 0
        self._all: Sequence[Moment] = ()

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        if self._looked_at == len(state.said):
            return self._all  # time has passed, and nothing was said
        found: list[Moment] = []
        for said in state.said:
            if self._role in ("either", said.role):
                segment = said.final.segment_id
                if segment not in self._seen:
                    self._seen[segment] = tuple(self._look(state, said))
                found += self._seen[segment]
        self._looked_at, self._all = len(state.said), found
        return found

    def _look(self, state: CallState, said: Said) -> Iterable[Moment]:
        raise NotImplementedError


def moment_at(
    said: Said,
    start: int,
    end: int,
    *,
    suspected: bool = False,
    measured: float | None = None,
    unit: str = "similarity",
) -> Moment:
    """A stretch [start, end) of a segment's normalised text as a moment."""
    span = said.scan.text.span(start, end)
    begin, until = place(said, start, end)
    return Moment(
        key=(said.final.segment_id, *span),
        role=said.role,
        start=begin,
        end=until,
        phrase=said.final.text[slice(*span)],
        suspected=suspected,
        evidence=Evidence(
            segment_id=said.final.segment_id,
            text=said.final.text,
            span=span,
            measured=measured,
            unit="" if measured is None else unit,
        ),
    )


class WordsFinder(_PerSegment):
    """Any, all, or at least so many words."""

    def __init__(self, condition: WordsCondition) -> None:
        super().__init__(condition.role)
        self._condition = condition

    def _look(self, state: CallState, said: Said) -> Iterator[Moment]:
        del state
        condition = self._condition
        policy: Suspected = "same" if condition.suspected else "off"
        for name in condition.all_of:
            if not word_hits(said, (name,), policy):
                return
        names = (*condition.any_of, *condition.all_of)
        hits = word_hits(said, names, policy)
        if condition.any_of and not word_hits(said, condition.any_of, policy):
            return
        different = {said.scan.text.text[hit.start : hit.end] for hit in hits}
        if len(different) < condition.at_least:
            return
        if condition.all_of or condition.at_least > 1:
            suspected = any(hit.suspected for hit in hits)
            yield moment_at(said, hits[0].start, hits[-1].end, suspected=suspected)
            return
        for hit in hits:
            yield moment_at(said, hit.start, hit.end, suspected=hit.suspected)


class RegexFinder(_PerSegment):
    """A pattern, unless another one matches."""

    def __init__(self, condition: RegexCondition) -> None:
        super().__init__(condition.role)
        self._pattern = regex.compile(condition.pattern)
        self._unless = None if condition.unless is None else regex.compile(condition.unless)

    def _look(self, state: CallState, said: Said) -> Iterator[Moment]:
        del state
        text = said.scan.text.text
        if self._unless is not None and self._unless.search(text, timeout=REGEX_TIMEOUT_S):
            return
        for match in self._pattern.finditer(text, timeout=REGEX_TIMEOUT_S):
            if match.end() > match.start():
                yield moment_at(said, match.start(), match.end())


class SimilarFinder(_PerSegment):
    """A sentence of the segment that is alike enough to an exemplar."""

    def __init__(self, condition: SimilarCondition) -> None:
        super().__init__(condition.role)
        self._condition = condition
        self._exemplars = Exemplars.of(condition.to)

    def _look(self, state: CallState, said: Said) -> Iterator[Moment]:
        del state
        condition = self._condition
        if not all(said.scan.hits(name) for name in condition.slots):
            return
        if any(said.scan.hits(name) for name in condition.unless):
            return
        for start, end in said.scan.text.sentences():
            likeness, begin, until = max(
                (self._likeness(said, begin, until), begin, until)
                for begin, until in self._stretches(said, start, end)
            )
            if likeness >= condition.threshold:
                # Meaning is judged, not words: a person has to look.
                yield moment_at(said, begin, until, suspected=True, measured=round(likeness, 2))

    def _likeness(self, said: Said, start: int, end: int) -> float:
        return self._exemplars.likeness(
            said.scan.text.text[start:end], floor=self._condition.threshold
        )

    def _stretches(self, said: Said, start: int, end: int) -> Iterator[tuple[int, int]]:
        """A sentence, and the runs of its clauses that are about as long as an exemplar."""
        yield start, end
        clauses = [c for c in said.scan.text.clauses() if start <= c[0] and c[1] <= end]
        least, most = self._exemplars.lengths()
        for number, (begin, _) in enumerate(clauses):
            for _, until in clauses[number:]:
                if until - begin > most * _LONGER:
                    break
                if until - begin >= least / _LONGER and (begin, until) != (start, end):
                    yield begin, until


class MeansFinder(_PerSegment):
    """A segment, or the part of it that says so most surely, means something."""

    def __init__(self, condition: MeansCondition) -> None:
        super().__init__(condition.role)
        self._condition = condition

    def _look(self, state: CallState, said: Said) -> Iterator[Moment]:
        del state
        condition = self._condition
        if any(said.scan.hits(name) for name in condition.unless):
            return
        readings = [reading for reading in said.readings if condition.what in reading.shares]
        if not readings:
            return
        best = max(readings, key=lambda reading: reading.shares[condition.what])
        share = best.shares[condition.what]
        if share >= condition.share:
            # As above: a person has to look.
            yield moment_at(
                said, best.start, best.end, suspected=True, measured=round(share, 2), unit="share"
            )


class RepeatsFinder:
    """The same said again by the same side."""

    def __init__(self, condition: RepeatsCondition, role: Role) -> None:
        self._condition = condition
        self._role: Role = role
        self._alike: dict[tuple[str, str], float] = {}
        self._looked_at = 0
        self._found: list[Moment] = []

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        if self._looked_at != len(state.said):
            # All of it anew: what was said before may be recognised after.
            self._looked_at = len(state.said)
            self._found = list(self._look(state))
        return self._found

    def _look(self, state: CallState) -> Iterator[Moment]:
        condition = self._condition
        long = [
            said
            for said in state.by(self._role)
            if len(said.scan.text.text) >= condition.characters
        ]
        for number, said in enumerate(long):
            before = long[max(0, number - condition.look_back) : number]
            alike = [self._likeness(said, earlier) for earlier in before]
            best = [likeness for likeness in alike if likeness >= condition.similarity]
            if len(best) >= condition.times - 1:
                yield moment_at(said, 0, len(said.scan.text.text), measured=round(max(best), 2))

    def _likeness(self, said: Said, earlier: Said) -> float:
        pair = said.final.segment_id, earlier.final.segment_id
        if pair not in self._alike:
            self._alike[pair] = surface_similarity(said.scan.text.text, earlier.scan.text.text)
        return self._alike[pair]
