"""Which exemplar a sentence is like: cosine of syllable pairs, weighted by how rare they are.

Syllables, not characters, so that what a recogniser wrote with other characters counts as well;
an inverted index, so that a sentence costs microseconds however many exemplars there are.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from qa_engine.syllables import syllables
from qa_engine.text import normalise


def _pairs(text: str) -> Counter[str]:
    sounds = syllables(text)
    return Counter(sounds[i : i + 2] for i in range(len(sounds) - 1))


class NearestExemplar:
    """Exemplar sentences by topic. Immutable once made.

    Args:
        sentences: of each topic, as written.
    """

    def __init__(self, sentences: Mapping[str, Sequence[str]]) -> None:
        owners: list[str] = []
        counts: list[Counter[str]] = []
        for topic, texts in sentences.items():
            for text in texts:
                owners.append(topic)
                counts.append(_pairs(normalise(text).text))
        spread = Counter(pair for pairs in counts for pair in pairs)
        # Smoothed inverse document frequency (Sparck Jones 1972), never zero.
        self._rarity = {pair: math.log((1 + len(counts)) / n) for pair, n in spread.items()}
        self._unknown = math.log(1 + len(counts)) if counts else 0.0
        self._owners = owners
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, pairs in enumerate(counts):
            length = self._length(pairs)
            for pair, n in pairs.items():
                self._postings[pair].append((number, n * self._rarity[pair] / length))

    def likeness(self, text: str) -> dict[str, float]:
        """Cosine 0..1 of a normalised text to the nearest exemplar of each topic it is like."""
        pairs = _pairs(text)
        length = self._length(pairs)
        found: dict[int, float] = defaultdict(float)
        for pair, n in pairs.items():
            for number, weight in self._postings.get(pair, ()):
                found[number] += n * self._rarity[pair] / length * weight
        best: dict[str, float] = {}
        for number, cosine in found.items():
            topic = self._owners[number]
            best[topic] = max(best.get(topic, 0.0), min(1.0, cosine))
        return best

    def _length(self, pairs: Counter[str]) -> float:
        squares = sum((n * self._rarity.get(p, self._unknown)) ** 2 for p, n in pairs.items())
        return math.sqrt(squares) or 1.0
