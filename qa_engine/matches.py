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

    By the recogniser's times of characters; by counting characters, good to about half a second,
    where it gave none.
    """
    final, text = said.final, said.scan.text
    if len(final.char_times) == len(final.text) and start < end:
        times = (*final.char_times, final.end)
        begin, until = times[text.starts[start]], times[text.ends[end - 1]]
        # Attention wanders a little; speech began and ended when voice detection says.
        begin = min(max(begin, final.start), final.end)
        return begin, min(max(until, begin), final.end)
    length = max(1, len(text.text))
    seconds = final.end - final.start
    return final.start + seconds * start / length, final.start + seconds * end / length
