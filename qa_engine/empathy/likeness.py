"""How much of a sentence is in what somebody said, however much more they said."""

from __future__ import annotations

from collections import Counter

from rapidfuzz import fuzz

from qa_engine.syllables import syllables


def _grams(text: str) -> Counter[str]:
    return Counter(text[i : i + 2] for i in range(len(text) - 1))


def part_of(sentence: str, said: str) -> float:
    """0..1: the mean of how many of the sentence's character pairs were said, and of its sound.

    Both must be normalised text. The sound is the best alignment of the sentence's syllables
    inside what was said (rapidfuzz's partial ratio), so that a longer turn costs nothing.
    """
    wanted = _grams(sentence)
    if not wanted or not said:
        return 0.0
    shared = (wanted & _grams(said)).total() / wanted.total()
    one, other = syllables(sentence), syllables(said)
    if len(one) > len(other):
        # The alignment is of the shorter in the longer: a fragment is not the whole.
        sound = fuzz.ratio(one, other) / 100
    else:
        sound = fuzz.partial_ratio(one, other) / 100
    return (shared + sound) / 2
