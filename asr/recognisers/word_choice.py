"""Which of several texts were said: by how likely the decoder and the language take them to be.

Of the hypotheses of a search that is chosen which is likelier as words too, and words that were
written with other characters of their sound are put right; see `asr.homophones`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from asr.events import Correction
from asr.guards import Hypothesis
from asr.homophones import Homophones, chosen

Align = Callable[[list[list[int]]], Sequence[Any]]
"""The decoder's alignment of tokens to segments that were encoded together, tokens by segment."""

_LEAST_SHARE = 1e-9  # of a token that the decoder takes for impossible
_WORDS_SHARE = 0.1
"""How much a nat of words counts beside one of the decoder, where hypotheses are chosen among."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A hypothesis with its tokens; times once they are known."""

    guess: Hypothesis
    tokens: list[int]
    char_times: tuple[float, ...] = ()
    end_s: float = math.inf
    corrections: tuple[Correction, ...] = ()


class WordChoice:
    """Chooses by words. Knows one language, that of its homophones."""

    def __init__(self, homophones: Homophones) -> None:
        self._homophones = homophones

    def likeliest(self, drafts: Sequence[Draft]) -> Draft:
        """Of several hypotheses the one that is likeliest for the audio and as words."""
        return max(
            drafts,
            key=lambda draft: (
                draft.guess.avg_logprob * (draft.guess.tokens + 1)
                - _WORDS_SHARE * self._homophones.cost(draft.guess.text)
            ),
        )

    def repaired(
        self, drafts: list[Draft], align: Align, tokens: Callable[[str], list[int]]
    ) -> list[Draft]:
        """Put words right that were written with other characters of their sound.

        Args:
            drafts: one of each segment that was encoded.
            align: of those segments.
            tokens: of a text.
        """
        found = [self._homophones.candidates(draft.guess.text) for draft in drafts]
        if not any(found):
            return drafts
        texts = [
            [draft.guess.text, *(one.in_text(draft.guess.text) for one in candidates)]
            for draft, candidates in zip(drafts, found, strict=True)
        ]
        repaired = []
        likelihoods = _likelihoods([[tokens(one) for one in each] for each in texts], align)
        for draft, candidates, (as_is, *changed) in zip(drafts, found, likelihoods, strict=True):
            text, corrections = draft.guess.text, []
            for one in chosen(candidates, [likelihood - as_is for likelihood in changed]):
                text = one.in_text(text)
                corrections.append(Correction(at=one.at, heard=one.heard, written=one.written))
            guess = replace(draft.guess, text=text)
            repaired.append(replace(draft, guess=guess, corrections=tuple(corrections)))
        return repaired


def _likelihoods(texts: Sequence[Sequence[list[int]]], align: Align) -> list[list[float]]:
    """Logarithms of how likely the decoder takes each text of each segment to be."""
    found: list[list[float]] = [[] for _ in texts]
    for rank in range(max(map(len, texts))):
        # All segments of a batch go together: those with fewer texts say their first again.
        aligned = align([each[rank if rank < len(each) else 0] for each in texts])
        for likelihoods, each, one in zip(found, texts, aligned, strict=True):
            if rank < len(each):
                shares = (max(share, _LEAST_SHARE) for share in one.text_token_probs)
                likelihoods.append(sum(map(math.log, shares)))
    return found
