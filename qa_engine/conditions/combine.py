"""Conditions made of conditions: all, any, not, pick, before, after, absent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backbone.media import Role
from qa_engine.conditions.base import Finder, Moment, in_order, sentence_number
from qa_engine.conditions.models import (
    AbsentCondition,
    AllCondition,
    AnchoredCondition,
    NotCondition,
    PickCondition,
)
from qa_engine.events import Evidence
from qa_engine.sides import roles_of

if TYPE_CHECKING:
    from qa_engine.state import CallState

_MAX_TRIES = 200
"""How many ways to put moments together are tried, for each moment of the first part."""


class AnyFinder:
    """One of several."""

    def __init__(self, parts: Sequence[Finder]) -> None:
        self._parts = parts

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        return in_order([moment for part in self._parts for moment in part.moments(state)])


@dataclass(frozen=True, slots=True)
class Refused:
    """What must not be there, and the sides that must have been heard to know that."""

    part: Finder
    roles: frozenset[Role]


class AllFinder:
    """For each moment of the first part, the nearest ones of the others that fit together."""

    def __init__(
        self, condition: AllCondition, asked: Sequence[Finder], refused: Sequence[Refused]
    ) -> None:
        self._condition = condition
        self._asked = asked
        self._refused = refused
        within_words = condition.within_characters is not None or condition.within_sentences == 0
        self._asks_on = bool(refused) and not within_words
        """Whether something should have been said besides, not only words of the same sentence."""
        self._found: dict[tuple[object, ...], Moment] = {}
        """What is certain, by the first part's moment: it is not looked for again."""

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        first, *others = [part.moments(state) for part in self._asked]
        if not all(others):
            return ()
        for moment in first:
            if moment.key in self._found:
                continue
            chain = self._chain(state, [moment], others, [_MAX_TRIES])
            if chain is not None and self._undisturbed(state, chain):
                self._found[moment.key] = _joined(moment, chain, absence=self._asks_on)
        return in_order([*self._found.values()])

    def _chain(
        self,
        state: CallState,
        chain: list[Moment],
        others: Sequence[Sequence[Moment]],
        left: list[int],
    ) -> list[Moment] | None:
        """The chain with one moment of each of the others, or None. `left`: tries, so far."""
        if not others:
            return chain
        fitting = [c for c in others[0] if self._fits(state, chain, c)]
        for candidate in sorted(fitting, key=lambda m: abs(m.start - chain[-1].start)):
            left[0] -= 1
            if left[0] < 0:
                return None
            whole = self._chain(state, [*chain, candidate], others[1:], left)
            if whole is not None:
                return whole
        return None

    def _fits(self, state: CallState, chain: Sequence[Moment], next_one: Moment) -> bool:
        condition = self._condition
        last = chain[-1]
        if condition.ordered and next_one.start < last.end - 1e-6:
            return False
        within = condition.within_characters
        if within is not None and not _same_words(last, next_one, within):
            return False
        return all(_near(state, condition, m, next_one) for m in chain)

    def _undisturbed(self, state: CallState, chain: Sequence[Moment]) -> bool:
        """Whether what must not be there is not, was not missed, and cannot come any more."""
        if not self._refused:
            return True
        since, until = self._stretch(state, chain)
        for refused in self._refused:
            if any(self._disturbs(state, chain, m) for m in refused.part.moments(state)):
                return False
            if not state.listened(refused.roles, since, until):
                return False
        return state.over or self._certain(state, chain)

    def _stretch(self, state: CallState, chain: Sequence[Moment]) -> tuple[float, float]:
        """From when to when it matters what was said."""
        condition = self._condition
        begin, end = min(m.start for m in chain), max(m.end for m in chain)
        if condition.within_characters is not None or condition.within_sentences == 0:
            return begin, end
        if condition.within_s is not None:
            return begin - condition.within_s, end + condition.within_s
        if condition.within_sentences is not None:
            first = min(sentence_number(state, m) for m in chain) - condition.within_sentences
            return (state.said[first - 1].final.start if first > 1 else 0.0), state.clock
        return 0.0, state.clock

    def _disturbs(self, state: CallState, chain: Sequence[Moment], other: Moment) -> bool:
        within = self._condition.within_characters
        return any(
            _near(state, self._condition, m, other)
            and (within is None or _same_words(m, other, within))
            for m in chain
        )

    def _certain(self, state: CallState, chain: Sequence[Moment]) -> bool:
        """Whether nothing can come any more that lies in the stretch of a chain."""
        condition = self._condition
        if condition.within_characters is not None or condition.within_sentences == 0:
            return True  # what else its segment holds is known
        if condition.within_s is not None:
            deadline = max(m.end for m in chain) + condition.within_s
            return state.caught_up(deadline)
        if condition.within_sentences is not None:
            last = max(sentence_number(state, m) for m in chain) + condition.within_sentences
            if len(state.said) < last:
                return False
            return not state.behind(before=state.said[last - 1].final.start)
        return False  # nowhere in the call: known at its end


def _same_words(one: Moment, other: Moment, within: int) -> bool:
    """Whether two moments stand in one segment, at most so many characters apart."""
    here, there = one.evidence, other.evidence
    if here.segment_id != there.segment_id or here.span is None or there.span is None:
        return False
    return max(there.span[0] - here.span[1], here.span[0] - there.span[1]) <= within


def _near(
    state: CallState, condition: AllCondition | AnchoredCondition, one: Moment, other: Moment
) -> bool:
    if condition.within_s is not None:
        apart = max(other.start - one.end, one.start - other.end)
        if apart > condition.within_s:
            return False
    if condition.within_sentences is not None:
        apart = abs(sentence_number(state, one) - sentence_number(state, other))
        if apart > condition.within_sentences:
            return False
    return True


def _began(state: CallState, moment: Moment) -> float:
    speech = state.segments.get(moment.evidence.segment_id)
    return moment.start if speech is None else speech.start


def _joined(first: Moment, chain: Sequence[Moment], *, absence: bool) -> Moment:
    by_time = in_order(chain)
    phrases = dict.fromkeys(m.phrase for m in by_time if m.phrase)
    shown = next((m for m in chain if m.evidence.segment_id), first)
    return Moment(
        key=("all", *first.key),
        role=first.role,
        start=by_time[0].start,
        end=max(m.end for m in chain),
        phrase=" … ".join(phrases),
        suspected=any(m.suspected for m in chain),
        absence=absence or shown.absence,
        evidence=shown.evidence,
    )


class NotFinder:
    """Nowhere in the whole call."""

    def __init__(self, condition: NotCondition, part: Finder) -> None:
        self._roles = condition.roles()
        self._part = part

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        end = state.end_s
        if not state.over or end is None or not state.heard or state.lost:
            return ()
        if not state.listened(self._roles, 0.0, end):
            return ()
        if self._part.moments(state):
            return ()
        return (Moment(key=("not",), role="call", start=0.0, end=end, evidence=Evidence()),)


class PickFinder:
    """The first, the last, or the k-th."""

    def __init__(self, condition: PickCondition, part: Finder) -> None:
        self._which = condition.which
        self._part = part
        self._told: tuple[Moment, ...] = ()

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        if not self._told and self._which == "last":
            self._told = tuple(self._part.moments(state)[-1:]) if state.over else ()
        elif not self._told:
            # Told once: a final that comes late must not make another one the first, or the last.
            number = 1 if self._which == "first" else self._which
            assert isinstance(number, int)  # noqa: S101 - for the type checker
            self._told = tuple(self._part.moments(state)[number - 1 : number])
        return self._told


class AnchoredFinder:
    """What lies before or after an anchor."""

    def __init__(self, condition: AnchoredCondition, anchor: Finder, part: Finder) -> None:
        self._condition = condition
        self._anchor = anchor
        self._part = part

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        anchors = self._anchor.moments(state)
        return [
            moment
            for moment in self._part.moments(state)
            if any(
                self._on_its_side(moment, anchor) and _near(state, self._condition, moment, anchor)
                for anchor in anchors
            )
        ]

    def _on_its_side(self, moment: Moment, anchor: Moment) -> bool:
        if self._condition.op == "before":
            return moment.end <= anchor.start + 1e-6
        return moment.start >= anchor.end - 1e-6


class AbsentFinder:
    """What has not come by its deadline."""

    def __init__(self, condition: AbsentCondition, part: Finder, after: Finder | None) -> None:
        self._condition = condition
        self._part = part
        self._after = after
        self._known: dict[tuple[object, ...], Moment | None] = {}
        """What is certain, by anchor: missing, or None where it was said in time."""

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        if state.connected_at is None:
            return ()
        present = self._part.moments(state)
        return in_order(list(self._missing(state, present)))

    def _missing(self, state: CallState, present: Sequence[Moment]) -> Iterator[Moment]:
        anchors = (None,) if self._after is None else self._after.moments(state)
        for anchor in anchors:
            key = () if anchor is None else anchor.key
            if key not in self._known:
                begin, end = (0.0, 0.0) if anchor is None else (anchor.start, anchor.end)
                deadline = end + self._condition.within_s
                # What was begun in time was said in time.
                if any(begin <= m.end and _began(state, m) <= deadline for m in present):
                    self._known[key] = None
                elif self._settled(state, begin, deadline):
                    self._known[key] = self._moment(state, ("absent", *key), end, anchor)
            if (missing := self._known.get(key)) is not None:
                yield missing

    def _settled(self, state: CallState, begin: float, deadline: float) -> bool:
        if not state.listened(roles_of(self._condition.role), begin, min(deadline, state.clock)):
            return False  # nobody listened: silence proves nothing
        if state.over:
            return True
        return state.caught_up(deadline, role=self._condition.role)

    def _moment(
        self, state: CallState, key: tuple[object, ...], begin: float, anchor: Moment | None
    ) -> Moment:
        within = self._condition.within_s
        evidence = Evidence() if anchor is None else anchor.evidence
        role = self._condition.role
        return Moment(
            key=key,
            role="call" if role == "either" else role,
            start=begin,
            end=begin + within,
            phrase="" if anchor is None else anchor.phrase,
            suspected=anchor is not None and anchor.suspected,
            absence=True,
            evidence=Evidence(
                segment_id=evidence.segment_id,
                text=evidence.text,
                span=evidence.span,
                measured=round(max(0.0, state.clock - begin), 1),
                limit=within,
                unit="s",
            ),
        )
