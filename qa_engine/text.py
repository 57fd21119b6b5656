"""Recognised text to what words are matched on, with the way back to the original characters.

Width and case are folded, traditional characters become simplified, numerals become digits,
percentages take one form, punctuation, spaces and fillers disappear, and a stutter shrinks. Every
character that is left knows which characters of the original it stands for, so that a match can
be shown where it was said.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import opencc

FILLERS = frozenset("嗯啊呃唔")
_NUMERALS = str.maketrans("〇零一幺二两三四五六七八九", "0011223456789")
# Which of these a recogniser writes is chance; no phrase of a pack hangs on it.
_ONE_SOUND = str.maketrans("您妳她它祂得", "你你他他他的")
_FULL_STOPS = frozenset("。！？!?;；…\n")
# A "." ends an English sentence but also stands in 3.5, and a recogniser's comma is often wrong:
# neither may tear a phrase apart.
_MANY = re.compile(r"([^\d])\1{2,}")
_PERCENT = re.compile(r"百分之(百|[\d十点]+)|(?<![千几])百分百")
_WHOLE_NUMBER = re.compile(
    r"(?<![\d十百千])(?=[1-9]?[十百千])"
    r"(?:([1-9])千)?(?:0?([1-9])百)?(?:0?([1-9])?(十))?(?:0?([1-9]))?(?![\d十百千万亿])"
)
_SINGLE_TEN = "十"


@dataclass(frozen=True, slots=True)
class Normalised:
    """Text to match on.

    Character `i` of `text` stands for the original's characters [`starts[i]`, `ends[i]`); both
    never decrease. `stops` and `pauses` are the indexes in `text` before which the original had
    the end of a sentence, or any punctuation or space (the stops among them), ascending.
    """

    original: str
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    stops: tuple[int, ...]
    pauses: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's characters for [start, end) of `text`, which must not be empty."""
        return self.starts[start], self.ends[end - 1]

    def one_sentence(self, start: int, end: int) -> bool:
        """Whether no sentence ends inside [start, end)."""
        return not _inside(self.stops, start, end)

    def sentences(self) -> Iterator[tuple[int, int]]:
        """[start, end) of each sentence in `text`."""
        return self._between(self.stops)

    def clauses(self) -> Iterator[tuple[int, int]]:
        """[start, end) of each run of words in `text` without a pause inside."""
        return self._between(self.pauses)

    def _between(self, marks: Iterable[int]) -> Iterator[tuple[int, int]]:
        start = 0
        for mark in (*marks, len(self.text)):
            if mark > start:
                yield start, mark
                start = mark

    def one_clause(self, start: int, end: int) -> bool:
        """Whether nothing but words stands inside [start, end)."""
        return not _inside(self.pauses, start, end)


def _inside(marks: tuple[int, ...], start: int, end: int) -> bool:
    at = bisect_left(marks, start + 1)
    return at < len(marks) and marks[at] < end


@functools.cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@functools.cache
def _fold(char: str) -> str:
    """What one character becomes; empty when it is not matched on."""
    folded = []
    for wide in unicodedata.normalize("NFKC", char).lower():
        if not (wide == "%" or wide.isalnum()):
            continue
        simple = wide
        if not wide.isascii():
            converted = str(_simplifier().convert(wide))
            # Only one for one, else the offsets of what follows would lie.
            simple = converted if len(converted) == 1 else wide
        if simple not in FILLERS:
            folded.append(simple.translate(_NUMERALS).translate(_ONE_SOUND))
    return "".join(folded)


def normalise(original: str) -> Normalised:
    """Prepare text for matching; words of a rule pack go the same way."""
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    stops: dict[int, None] = {}
    pauses: dict[int, None] = {}
    for index, char in enumerate(original):
        folded = _fold(char)
        if not folded:
            if char in _FULL_STOPS:
                stops[len(starts)] = None
            if not char.isalnum():
                pauses[len(starts)] = None
            continue
        for piece in folded:
            chars.append(piece)
            starts.append(index)
            ends.append(index + 1)
    draft = _Draft("".join(chars), starts, ends, list(stops), list(pauses))
    if "百" in draft.text or "十" in draft.text or "千" in draft.text:
        draft.rewrite(_PERCENT, _percent)
        draft.rewrite(_WHOLE_NUMBER, _digits)
    draft.rewrite(_MANY, _twice)
    return Normalised(
        original,
        draft.text,
        tuple(draft.starts),
        tuple(draft.ends),
        tuple(draft.stops),
        tuple(draft.pauses),
    )


@dataclass(slots=True)
class _Draft:
    text: str
    starts: list[int]
    ends: list[int]
    stops: list[int]
    pauses: list[int]

    def rewrite(
        self, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str | None]
    ) -> None:
        """Replace matches; each new character stands for all that it replaced."""
        # From the back, so that the positions still to be visited stay true.
        for match in reversed(list(pattern.finditer(self.text))):
            new = replacement(match)
            start, end = match.span()
            if new is None or start == end:
                continue
            first, last = self.starts[start], self.ends[end - 1]
            self.text = self.text[:start] + new + self.text[end:]
            self.starts[start:end] = [first] * len(new)
            self.ends[start:end] = [last] * len(new)
            shift = len(new) - (end - start)
            for marks in (self.stops, self.pauses):
                marks[:] = sorted({_moved(mark, start, end, shift) for mark in marks})


def _moved(mark: int, start: int, end: int, shift: int) -> int:
    if mark <= start:
        return mark
    return start if mark < end else mark + shift


def _percent(match: re.Match[str]) -> str | None:
    figure = match.group(1)
    if figure is None or figure == "百":
        return "100%"
    whole = _WHOLE_NUMBER.fullmatch(figure)
    if whole is not None:
        figure = _digits(whole) or figure
    return f"{figure}%"


def _digits(match: re.Match[str]) -> str | None:
    thousands, hundreds, tens, ten, ones = match.groups()
    if match.group() == _SINGLE_TEN:
        return None  # 十分, 十足
    if ten and not tens:
        tens = "1"
    total = 0
    for place, digit in zip((1000, 100, 10, 1), (thousands, hundreds, tens, ones), strict=True):
        total += place * int(digit or 0)
    return str(total)


def _twice(match: re.Match[str]) -> str:
    # Twice is ordinary Chinese (谢谢, 看看, 妈妈); more is a stutter or a recogniser's loop.
    return match.group(1) * 2
