"""Recognised text to what words are matched on, with the way back to the original characters.

Width and case are folded, traditional characters become simplified, numerals become digits,
percentages take one form, punctuation, spaces and fillers disappear, and a stutter shrinks. Every
character that is left knows which characters of the original it stands for, so that a match can
be shown where it was said.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import opencc

FILLERS = frozenset("嗯啊呃唔")
_NUMERALS = str.maketrans("〇零一幺二两三四五六七八九", "0011223456789")
# Which of these a recogniser writes is chance; no phrase of a pack hangs on it.
_ONE_SOUND = str.maketrans("您妳她它祂得", "你你他他他的")
_SPELT = {"你": "你您", "他": "他她它", "的": "的得"}  # the usual ones
_FULL_STOPS = frozenset("。！？!?;；…\n")
_STOP_MARKS = "".join(sorted(_FULL_STOPS))
_STOP = re.compile(f"[{re.escape(_STOP_MARKS)}]")
# A "." ends an English sentence but also stands in 3.5, and a recogniser's comma is often wrong:
# neither may tear a phrase apart.
_MANY = re.compile(r"([^\d])\1{2,}")
_STUTTERS = re.compile(r"(.)\1\1", re.DOTALL)  # thrice as fast, and never misses one of _MANY
_PERCENT = re.compile(r"百分之(百|[\d十点]+)|(?<![千几])百分百")
_WHOLE_NUMBER = re.compile(
    r"(?<![\d十百千])(?=[1-9]?[十百千])"
    r"(?:([1-9])千)?(?:0?([1-9])百)?(?:0?([1-9])?(十))?(?:(0)?([1-9]))?(?![\d十百千万亿])"
)
_SINGLE_TEN = "十"
_LATIN = re.compile("[A-Za-z]+")
_VOWELS = re.compile("[aeiouy]+", re.IGNORECASE)
_FEWEST_DIGITS = 3  # 00 stands for hundreds in a phrase, 2 for twelve and for twenty


class Normalised:
    """Text to match on.

    Character `i` of `text` stands for the original's characters [`starts[i]`, `ends[i]`); both
    never decrease. `stops` and `pauses` are the indexes in `text` before which the original had
    the end of a sentence, or any punctuation or space (the stops among them), ascending. Where
    things stood is worked out when it is first asked for: most text holds nothing to show.
    """

    __slots__ = ("_layout", "_rewritten", "_stops", "original", "text")

    def __init__(self, original: str, text: str, *, rewritten: bool) -> None:
        self.original = original
        self.text = text
        self._rewritten = rewritten

    @property
    def starts(self) -> Sequence[int]:
        """See the class."""
        return self._laid_out().starts

    @property
    def ends(self) -> Sequence[int]:
        """See the class."""
        return self._laid_out().ends

    @property
    def stops(self) -> Sequence[int]:
        """See the class."""
        try:
            return self._stops
        except AttributeError:  # not asked for yet; most text never is
            self._stops: Sequence[int] = (
                self._laid_out().stops if self._rewritten else _stops(self.original, len(self.text))
            )
            return self._stops

    @property
    def pauses(self) -> Sequence[int]:
        """See the class."""
        return self._laid_out().pauses

    def _laid_out(self) -> _Draft:
        try:
            return self._layout
        except AttributeError:
            self._layout: _Draft = _lay_out(self.original)
            return self._layout

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

    def inside_number(self, start: int, end: int) -> bool:
        """Whether [start, end) is three digits or more of a longer number.

        120 is not said in 13120, but it is in 120120, which is said twice.
        """
        digits = self.text[start:end]
        if len(digits) < _FEWEST_DIGITS or not (digits.isascii() and digits.isdigit()):
            return False
        before, after = start, end
        while before and _digit(self.text[before - 1]) and self.one_clause(before - 1, end):
            before -= 1
        while after < len(self.text) and _digit(self.text[after]):
            if not self.one_clause(start, after + 1):
                break
            after += 1
        return bool(self.text[before:after].replace(digits, ""))


def _digit(char: str) -> bool:
    return char.isascii() and char.isdigit()


def _inside(marks: Sequence[int], start: int, end: int) -> bool:
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


class _Folding(dict[int, int | str | None]):
    """`_fold` as a table for `str.translate`, filled as characters come up."""

    def __missing__(self, code: int) -> int | str | None:
        text = _fold(chr(code))
        # A number is translated faster than a text.
        folded = ord(text) if len(text) == 1 else text or None
        self[code] = folded
        return folded


_FOLDING = _Folding()
_stutters = _STUTTERS.search


def normalise(original: str) -> Normalised:
    """Prepare text for matching; words of a rule pack go the same way."""
    text = original.translate(_FOLDING)
    numerals = "百" in text or "十" in text or "千" in text
    rewritten = numerals or _stutters(text) is not None
    if rewritten:
        for pattern, replacement in _rewriting(text):
            text = pattern.sub(functools.partial(_replaced, replacement), text)
    return Normalised(original, text, rewritten=rewritten)


def spellings(normalised: str) -> Iterator[str]:
    """The ways of writing a text that are one after normalisation, as far as they are usual."""
    return map("".join, itertools.product(*(_SPELT.get(char, char) for char in normalised)))


def spoken_length(text: Normalised) -> int:
    """How long it takes to say: Chinese characters, digits, and syllables of other words.

    So the speed of English can be compared with that of Chinese, a syllable to a character.
    """
    chinese = sum(not (char.isascii() and char.isalpha()) for char in text.text)
    return chinese + sum(map(_syllables_of, _LATIN.findall(text.original)))


def _syllables_of(word: str) -> int:
    """Groups of vowels, a last e not counted; of what has none (CT, a model's name) each letter."""
    if word.isupper() or _VOWELS.search(word) is None:
        return len(word)
    return len(_VOWELS.findall(word.removesuffix("e"))) or 1


def _stops(original: str, length: int) -> tuple[int, ...]:
    """Where sentences end, in folded text of that length that nothing was rewritten in."""
    whole = original.rstrip(_STOP_MARKS)
    ended = len(whole) < len(original)
    if _STOP.search(whole) is None:
        return (length,) if ended else ()
    stops: dict[int, None] = {}
    at = 0
    for sentence in _STOP.split(original)[:-1]:
        at += len(sentence.translate(_FOLDING))
        stops[at] = None
    return tuple(stops)


_Replacement = Callable[[re.Match[str]], str | None]


def _rewriting(text: str) -> tuple[tuple[re.Pattern[str], _Replacement], ...]:
    """What is rewritten after folding, in turn."""
    return _WITH_NUMERALS if "百" in text or "十" in text or "千" in text else _WITHOUT


def _replaced(replacement: _Replacement, match: re.Match[str]) -> str:
    new = replacement(match)
    return match.group() if new is None else new


def _lay_out(original: str) -> _Draft:
    """The same as `normalise`, character by character, with the way back."""
    pieces = list(map(_FOLDING.__getitem__, map(ord, original)))
    starts: list[int] = []
    for index, piece in enumerate(pieces):
        if piece is not None:
            starts += [index] * (1 if isinstance(piece, int) else len(piece))
    stops: dict[int, None] = {}
    pauses: dict[int, None] = {}
    for index, piece in enumerate(pieces):
        if piece is None:
            at = bisect_left(starts, index)
            if original[index] in _FULL_STOPS:
                stops[at] = None
            if not original[index].isalnum():
                pauses[at] = None
    text = original.translate(_FOLDING)
    draft = _Draft(text, starts, [index + 1 for index in starts], list(stops), list(pauses))
    for pattern, replacement in _rewriting(draft.text):
        draft.rewrite(pattern, replacement)
    return draft


@dataclass(slots=True)
class _Draft:
    text: str
    starts: list[int]
    ends: list[int]
    stops: list[int]
    pauses: list[int]

    def rewrite(self, pattern: re.Pattern[str], replacement: _Replacement) -> None:
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
    thousands, hundreds, tens, ten, zero, ones = match.groups()
    if match.group() == _SINGLE_TEN:
        return None  # 十分, 十足
    if ten and not tens:
        tens = "1"
    total = 0
    for place, digit in zip((1000, 100, 10), (thousands, hundreds, tens), strict=True):
        total += place * int(digit or 0)
    # 一百二 is 120 and 三千五 is 3500; 一百零二 is 102.
    last = 1 if ten or zero else 10 if hundreds else 100 if thousands else 1
    total += last * int(ones or 0)
    return str(total)


def _twice(match: re.Match[str]) -> str:
    # Twice is ordinary Chinese (谢谢, 看看, 妈妈); more is a stutter or a recogniser's loop.
    return match.group(1) * 2


_WITHOUT: tuple[tuple[re.Pattern[str], _Replacement], ...] = ((_MANY, _twice),)
_WITH_NUMERALS = ((_PERCENT, _percent), (_WHOLE_NUMBER, _digits), *_WITHOUT)
