"""How wrong a transcript is.

Character error rate: substitutions, deletions and insertions by Levenshtein's alignment
(V. I. Levenshtein, 1966), divided by the characters of the reference; word error rate is the
same over words (NIST SCLITE's definition). Punctuation, case, traditional characters and the way
a numeral is written are no errors.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from asr.text import to_simplified

# Digit by digit, so 五月 and 5月 are equal and so are 幺二零 and 120. A numeral that is spoken by
# place value (一百二十) still differs from 120.
_DIGITS = str.maketrans("零〇一幺二两三四五六七八九", "0011223456789")


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Errors over the units of the reference; rates of several texts add up by counts."""

    errors: int
    units: int

    @property
    def rate(self) -> float:
        """Errors per unit of the reference; above 1 when much was inserted."""
        if self.units:
            return self.errors / self.units
        return float(bool(self.errors))

    def __add__(self, other: ErrorRate) -> ErrorRate:
        return ErrorRate(self.errors + other.errors, self.units + other.units)


def normalise(text: str) -> str:
    """Simplified, lower case, digits for Chinese digits, no punctuation, single spaces."""
    # The width first: a circled character may hold a traditional one.
    folded = to_simplified(unicodedata.normalize("NFKC", text)).casefold().translate(_DIGITS)
    return " ".join(
        "".join(character if character.isalnum() else " " for character in folded).split()
    )


def character_errors(reference: str, heard: str) -> ErrorRate:
    """Character error rate of one text; spaces do not count."""
    return _errors(
        list(normalise(reference).replace(" ", "")), list(normalise(heard).replace(" ", ""))
    )


def word_errors(reference: str, heard: str) -> ErrorRate:
    """Word error rate of one text, for languages that write spaces."""
    return _errors(normalise(reference).split(), normalise(heard).split())


def total(rates: Iterable[ErrorRate]) -> ErrorRate:
    """The rate over several texts."""
    return sum(rates, start=ErrorRate(0, 0))


def _errors(reference: Sequence[str], heard: Sequence[str]) -> ErrorRate:
    return ErrorRate(Levenshtein.distance(reference, heard), len(reference))
