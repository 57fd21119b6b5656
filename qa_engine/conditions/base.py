"""What a condition finds: moments of the call."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from qa_engine.events import Evidence, HitRole

if TYPE_CHECKING:
    from qa_engine.state import CallState, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A stretch of the call at which a condition holds; times are on the call's clock.

    `key` tells it from the other moments of its condition and stays the same when it is found
    again.
    """

    key: tuple[object, ...]
    role: HitRole
    start: float
    end: float
    evidence: Evidence
    phrase: str = ""
    suspected: bool = False
    absence: bool = False
    """Of something that was not said; its evidence is the anchor's."""


class Finder(Protocol):
    """A condition at work on one call. Pure; asked again and again while the call goes on."""

    def moments(self, state: CallState) -> Sequence[Moment]:
        """All that is certain by now, in order of start; what was told once is told again."""
        ...


def sentence_number(state: CallState, moment: Moment) -> int:
    """Its segment's place among what was said, from 1; else how many segments began before it."""
    said = state.finals.get(moment.evidence.segment_id)
    if said is None:
        return bisect_right(state.said, moment.start, key=_start)
    # Both sides may begin at once.
    at = bisect_left(state.said, said.final.start, key=_start)
    while state.said[at] is not said:
        at += 1
    return at + 1


def _start(said: Said) -> float:
    return said.final.start


def in_order(moments: Sequence[Moment]) -> list[Moment]:
    """By start, then by end."""
    return sorted(moments, key=lambda m: (m.start, m.end))
