"""Words of a pack in one segment, and where in the call they were said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from qa_engine.words import WordHit

if TYPE_CHECKING:
    from qa_engine.state import Said

Suspected = Literal["off", "lower", "same"]


def word_hits(said: Said, lists: Iterable[str], suspected: Suspected) -> list[WordHit]:
    """Words of several lists in one segment, exact before suspected, none overlapping."""
    kept: list[WordHit] = []
    found = (hit for name in lists for hit in said.scan.hits(name))
    for hit in sorted(found, key=lambda h: (h.suspected, h.start - h.end, h.start)):
        if hit.suspected and suspected == "off":
            continue
        if not any(hit.start < other.end and other.start < hit.end for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.start)


def place(said: Said, start: int, end: int) -> tuple[float, float]:
    """Where in the call characters [start, end) of a segment's normalised text were said.

    By counting characters, good to about half a second.
    """
    length = max(1, len(said.scan.text.text))
    begin, seconds = said.final.start, said.final.end - said.final.start
    return begin + seconds * start / length, begin + seconds * end / length
