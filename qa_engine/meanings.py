"""What a sentence means, as sentences of known meaning teach it. Pure.

Phrases find what somebody thought of; people say the same in other words. For each side one linear
model is learned from the sentences of a pack: logistic regression, each meaning against all others
(Fan et al., LIBLINEAR, 2008), over runs of characters and of syllables, weighted by tf-idf. What a
recogniser writes with other characters of its sound keeps its syllables.
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backbone.media import Role
from qa_engine.syllables import syllables
from qa_engine.text import Normalised, normalise

NOTHING = "nothing"
"""The meaning of sentences that no rule is about; without many of them all others seem likely."""

FEWEST_MEANINGS = 2

_LONGEST_RUN = 4  # characters
_LONGEST_SOUND = 3  # syllables
_SOUND = "~"
_SEEN = 2
"""Runs that stand in fewer sentences are left out: four of five do, and tell nothing."""

_FEW = 100
"""Of so few sentences every run counts."""

_LOOSENESS = 30.0
"""How closely the model follows its sentences (`C`); from 30 to 100 nothing changes much."""

_SHORTEST = 7
_LONGEST = 45
"""Characters of what is read at once: in fewer one run decides, and packs have none with more."""

_FAMILIAR = 0.3
"""Share of its runs of two that a text must have from the sentences; of another language nothing
is known."""

Shares = Mapping[str, float]

_Sentences = Mapping[Role, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a stretch [start, end) of a normalised text means: shares of 1 by meaning."""

    start: int
    end: int
    shares: Shares


class Meanings:
    """Reads meanings; learns on first use, or when it is told to. Thread-safe, may be shared.

    Args:
        sentences: by side and meaning; `NOTHING` for what is harmless.
    """

    def __init__(self, sentences: _Sentences) -> None:
        self._sentences = sentences
        self._models: dict[Role, _Model] | None = None
        self._lock = threading.Lock()

    def known(self, role: Role) -> frozenset[str]:
        """The meanings that can be told of a side's words."""
        meanings = self._sentences.get(role, {})
        return frozenset(meanings) - {NOTHING} if len(meanings) >= FEWEST_MEANINGS else frozenset()

    def learn(self) -> None:
        """Learn now: a second or two for some thousand sentences."""
        with self._lock:
            if self._models is None:
                self._models = {
                    role: _learned(meanings)
                    for role, meanings in self._sentences.items()
                    if self.known(role)
                }

    def read(self, role: Role, text: Normalised) -> tuple[Reading, ...]:
        """What a side's segment and the parts of it mean; nothing where nothing was learned."""
        if not self.known(role):
            return ()
        if self._models is None:
            self.learn()
        assert self._models is not None  # noqa: S101 - just learned, for the type checker
        model = self._models[role]
        return tuple(
            Reading(start, end, model.shares(part))
            for start, end in dict.fromkeys(_stretches(text))
            if model.familiar(part := text.text[start:end])
        )


@dataclass(frozen=True, slots=True)
class _Model:
    """Weights of runs, shape (1 + runs, meanings)."""

    meanings: tuple[str, ...]
    places: Mapping[str, int]
    idf: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]

    def familiar(self, text: str) -> bool:
        """Whether enough of a text was seen before to say anything of it."""
        pairs = [text[at : at + 2] for at in range(len(text) - 1)]
        return sum(pair in self.places for pair in pairs) >= _FAMILIAR * len(pairs)

    def shares(self, text: str) -> dict[str, float]:
        """Of 1 by meaning."""
        counts = Counter(filter(None, map(self.places.get, _runs(text))))
        at = np.fromiter(counts.keys(), np.intp, len(counts))
        often = np.fromiter(counts.values(), np.float64, len(counts))
        values = (1 + np.log(often)) * self.idf[at]
        length = np.sqrt(np.square(values).sum()) or 1.0
        # No product of matrices: its threads would only wait for each other over so little.
        sums = (self.weights[at] * (values / length)[:, None]).sum(axis=0)
        scores = 1 / (1 + np.exp(-(sums + self.offsets)))
        return dict(zip(self.meanings, (scores / scores.sum()).tolist(), strict=True))


def _learned(meanings: Mapping[str, Sequence[str]]) -> _Model:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - takes a second
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - the same
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - comes with it

    texts = [normalise(sentence).text for each in meanings.values() for sentence in each]
    labels = [meaning for meaning, each in meanings.items() for _ in each]
    vectorizer = TfidfVectorizer(
        analyzer=_runs, sublinear_tf=True, min_df=1 if len(texts) <= _FEW else _SEEN
    )
    vectors = vectorizer.fit_transform(texts)
    classes = sorted(meanings)
    # Threads of the algebra library would wait on all processors, where calls are recognised.
    with threadpool_limits(1):
        models = [
            LogisticRegression(
                C=_LOOSENESS, solver="liblinear", class_weight="balanced", random_state=0
            ).fit(vectors, [label == meaning for label in labels])
            for meaning in classes
        ]
    return _Model(
        meanings=tuple(classes),
        # From 1 on: what has none is nothing.
        places={run: int(place) + 1 for run, place in vectorizer.vocabulary_.items()},
        idf=np.concatenate([[0.0], vectorizer.idf_]),
        weights=np.column_stack([np.concatenate([[0.0], one.coef_[0]]) for one in models]),
        offsets=np.array([one.intercept_[0] for one in models]),
    )


def _runs(text: str) -> list[str]:
    """All runs of characters, and of syllables with a mark before them."""
    sounds = syllables(text)
    runs = [text[at:end] for at, end in _places(len(text), _LONGEST_RUN)]
    return [*runs, *(_SOUND + sounds[at:end] for at, end in _places(len(text), _LONGEST_SOUND))]


@functools.lru_cache(maxsize=200)
def _places(length: int, longest: int) -> tuple[tuple[int, int], ...]:
    return tuple(
        (at, at + size) for size in range(1, longest + 1) for at in range(length - size + 1)
    )


def _stretches(text: Normalised) -> Iterator[tuple[int, int]]:
    """What of a segment is read: all of it, its sentences, and of long ones runs of clauses."""
    whole = len(text.text)
    if _SHORTEST <= whole <= _LONGEST:
        yield 0, whole
    clauses = list(text.clauses())
    for start, end in text.sentences():
        if end - start < _SHORTEST:
            continue
        if end - start <= _LONGEST:
            yield start, end
            continue
        inside = [clause for clause in clauses if start <= clause[0] and clause[1] <= end]
        yield from _rows(inside)


def _rows(clauses: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """From each clause on as many as are read at once."""
    reached = -1
    for number, (start, until) in enumerate(clauses):
        end = until
        for _, later in clauses[number + 1 :]:
            if later - start > _LONGEST:
                break
            end = later
        if end > reached and end - start >= _SHORTEST:
            reached = end
            yield start, end
