"""The notation in which people write phrases: `我(们|)(也|)没办法`, `你*得的是*癌`.

`(a|b|)` offers alternatives, an empty one included, and may be nested. `*` lets up to `GAP`
characters pass, within one sentence. `<name>` stands for any word of the list of that name.
`<body> & <pain>` holds where both are said in one sentence, in whatever order, with at most `FAR`
characters between them: people do not keep to an order when they tell what happened.

In a phrase of Latin letters alone, `*` and `&` let three times as many pass, which is as many
words; spaces are not compared, but a gap begins and ends where a word does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations, product

from qa_engine.text import normalise

GAP = 6
"""Characters that `*` lets pass at most."""

FAR = 18
"""Characters that may stand between two parts joined by `&`."""

LATIN_WIDTH = 3
"""Latin letters that count as one character in a gap."""

MAX_SIZE = 20_000
"""Characters that a phrase may have once its `<name>`s are filled in."""

_MAX_DEPTH = 10
_MAX_PARTS = 40
_FEW = 40
_MAX_ANCHORS = 4000
_FEW_ANCHORS = 48  # of neighbours that are looked for together
_TELLING = 2  # characters; three are hardly rarer, and take more strings
_MAX_TOGETHER = 3


class Gap:
    """`*`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`(a|b|)`."""

    options: tuple[Sequence_, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """`a & b`: all of them, in any order."""

    parts: tuple[Sequence_, ...]


Sequence_ = tuple["str | Gap | Choice | Together", ...]
Slots = Callable[[str], Sequence[str]]
"""Tells the words of a list; raises LookupError when there is none of that name."""

_GAP = Gap()


def _shortest(sequence: Sequence_) -> int:
    total = 0
    for item in sequence:
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, Choice):
            total += min(map(_shortest, item.options))
        elif isinstance(item, Together):
            total += sum(map(_shortest, item.parts))
    return total


def _count(sequence: Sequence_) -> int:
    total = 1
    for item in sequence:
        if isinstance(item, Choice):
            total *= sum(map(_count, item.options))
    return total


def _wordings(sequence: Sequence_) -> Iterator[str]:
    """Every way to say it; only for sequences without gaps."""
    pieces: list[list[str]] = []
    for item in sequence:
        if isinstance(item, Choice):
            pieces.append([text for option in item.options for text in _wordings(option)])
        else:
            pieces.append([item] if isinstance(item, str) else [""])
    return ("".join(chosen) for chosen in product(*pieces))


def _has_gap(sequence: Sequence_) -> bool:
    return any(
        isinstance(item, Gap | Together)
        or (isinstance(item, Choice) and any(map(_has_gap, item.options)))
        for item in sequence
    )


def _gaps(sequence: Sequence_) -> int:
    total = 0
    for item in sequence:
        if isinstance(item, Gap):
            total += 1
        elif isinstance(item, Choice):
            total += max(map(_gaps, item.options))
        elif isinstance(item, Together):
            total += len(item.parts) - 1 + sum(map(_gaps, item.parts))
    return total


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase in normalised characters. Equal ones match the same."""

    sequence: Sequence_

    @property
    def shortest(self) -> int:
        """Characters of its shortest wording, gaps not counted."""
        return _shortest(self.sequence)

    @property
    def gapped(self) -> bool:
        """Whether anything may stand in between."""
        return _has_gap(self.sequence)

    @property
    def gaps(self) -> int:
        """How many gaps stand one behind the other in its longest wording, those of `&` too."""
        return _gaps(self.sequence)

    @property
    def latin(self) -> bool:
        """Whether it is of Latin letters and digits, not of digits alone."""
        text = "".join(_texts(self.sequence))
        return text.isascii() and not text.isdigit()

    def literals(self) -> tuple[str, ...] | None:
        """Its wordings, when they are few and without gaps."""
        if self.gapped or _count(self.sequence) > _FEW:
            return None
        return tuple(dict.fromkeys(_wordings(self.sequence)))

    def all_wordings(self) -> tuple[str, ...]:
        """Its wordings, many as they may be; none when it has gaps."""
        if self.gapped or _count(self.sequence) > _MAX_ANCHORS:
            return ()
        return tuple(dict.fromkeys(_wordings(self.sequence)))

    def anchors(self) -> tuple[str, ...]:
        """Strings of which every wording holds one: neighbours that together say most."""
        best: tuple[int, int] = (0, 0)
        chosen: tuple[str, ...] = ()
        for run in _runs(self.sequence):
            for first, last in combinations(range(len(run) + 1), 2):
                part = run[first:last]
                few = _MAX_ANCHORS if len(part) == 1 else _FEW_ANCHORS
                if _has_gap(part) or _count(part) > few:
                    continue
                telling = min(_shortest(part), _TELLING), -_count(part)
                if telling > best and telling[0]:
                    best = telling
                    chosen = tuple(dict.fromkeys(_wordings(part)))
        return chosen

    def pieces(self, least: int, most: int) -> Iterator[str]:
        """What it says without a gap, of so many characters; of many alternatives each alone."""
        for piece in _pieces(self.sequence):
            if least <= len(piece) <= most:
                yield piece

    def regex(self, spell: Callable[[str], str]) -> str:
        """A regular expression over text that `spell` made; a Latin one's groups are its gaps."""
        return _regex(self.sequence, spell, _LATIN_GAPS if self.latin else _GAPS)

    def example(self) -> str:
        """One wording."""
        return _example(self.sequence, " " if self.latin else "")


def _runs(sequence: Sequence_) -> Iterator[Sequence_]:
    run: list[str | Gap | Choice | Together] = []
    for item in sequence:
        if isinstance(item, Together):
            for part in item.parts:
                yield from _runs(part)
        elif isinstance(item, Gap):
            yield tuple(run)
            run = []
        else:
            run.append(item)
    yield tuple(run)


def _pieces(sequence: Sequence_) -> Iterator[str]:
    for run in _runs(sequence):
        for first, last in combinations(range(len(run) + 1), 2):
            part = run[first:last]
            if not _has_gap(part) and _count(part) <= _FEW:
                yield from _wordings(part)
            elif len(part) == 1 and isinstance(part[0], Choice):
                for option in part[0].options:
                    yield from _pieces(option)


def _example(sequence: Sequence_, gap: str) -> str:
    wording = ""
    for item in sequence:
        if isinstance(item, str):
            wording += item
        elif isinstance(item, Choice):
            wording += _example(item.options[0], gap)
        elif isinstance(item, Together):
            wording += gap.join(_example(part, gap) for part in item.parts)
        else:
            wording += gap
    return wording


def _texts(sequence: Sequence_) -> Iterator[str]:
    for item in sequence:
        if isinstance(item, str):
            yield item
        elif isinstance(item, Choice | Together):
            for part in item.options if isinstance(item, Choice) else item.parts:
                yield from _texts(part)


_GAPS = f".{{0,{GAP}}}?", f".{{0,{FAR}}}?"
_LATIN_GAPS = f"(.{{0,{GAP * LATIN_WIDTH}}}?)", f"(.{{0,{FAR * LATIN_WIDTH}}}?)"


def _regex(sequence: Sequence_, spell: Callable[[str], str], gaps: tuple[str, str]) -> str:
    gap, far = gaps
    parts = []
    for item in sequence:
        if isinstance(item, str):
            parts.append(re.escape(spell(item)))
        elif isinstance(item, Gap):
            parts.append(gap)
        elif isinstance(item, Together):
            spelled = [_regex(part, spell, gaps) for part in item.parts]
            orders = (far.join(order) for order in permutations(spelled))
            parts.append("(?:" + "|".join(orders) + ")")
        else:
            # The longest first: the first that fits is taken.
            options = sorted(item.options, key=_shortest, reverse=True)
            parts.append("(?:" + "|".join(_regex(o, spell, gaps) for o in options) + ")")
    return "".join(parts)


def parse(notation: str, slots: Slots | None = None) -> Phrase:
    """Read a phrase as written.

    Raises:
        ValueError: with a sentence for the author of the pack.
    """
    parts = [_sequence(_Parser(part, slots)) for part in notation.split("&")]
    if len(parts) > _MAX_TOGETHER:
        raise ValueError(f"joins more than {_MAX_TOGETHER} parts with `&`")
    phrase = Phrase(parts[0] if len(parts) == 1 else (Together(tuple(parts)),))
    if not phrase.anchors():
        raise ValueError("needs a part that is always said, with fewer alternatives")
    return phrase


def emptied(notation: str) -> list[str]:
    """Alternatives of which nothing is left to match on, so that their group may be left out.

    Where an empty alternative says so besides, the author knew.
    """
    found: list[str] = []
    for part in notation.split("&"):
        parser = _Parser(part, lambda _name: "x")
        parser.options(0, depth=0)
        found += parser.emptied
    return found


def _sequence(parser: _Parser) -> Sequence_:
    options, end = parser.options(0, depth=0)
    if end != len(parser.notation):
        raise ValueError(f"`)` without `(` at character {end + 1}")
    sequence = options[0]
    if not _shortest(sequence):
        raise ValueError("nothing is left of it to match on")
    if any(not _shortest(run) for run in _runs(sequence)):
        raise ValueError("`*` needs words on both sides")
    return sequence


@dataclass(slots=True)
class _Parser:
    notation: str
    slots: Slots | None
    size: int = 0
    parts: int = 0
    emptied: list[str] = field(default_factory=list)

    def options(self, at: int, *, depth: int) -> tuple[tuple[Sequence_, ...], int]:
        """Read alternatives from `at` to the end of their group; returns them and that end."""
        if depth > _MAX_DEPTH:
            raise ValueError("is nested too deeply")
        done: list[Sequence_] = []
        sequence: list[str | Gap | Choice | Together] = []
        literal = ""
        begin, nothing = at, list[str]()
        while True:
            char = self.notation[at] if at < len(self.notation) else ""
            special = not char or char in "(<*)" or (char == "|" and depth)
            if not special:
                literal += char
                at += 1
                continue
            # Normalised as a whole, so that numerals of several characters are understood.
            if text := normalise(literal).text:
                sequence.append(text)
            literal = ""
            self.size += len(text)
            if char in ("", ")", "|") and not sequence:
                nothing.append(self.notation[begin:at].strip())
            if char in ("", ")"):
                if depth and all(nothing):
                    self.emptied += nothing
                return (*done, tuple(sequence)), at
            if char == "|":
                done.append(tuple(sequence))
                sequence = []
                at += 1
                begin = at
            else:
                item, at = self._item(at, char, depth)
                sequence.append(item)
            if self.size > MAX_SIZE or self.parts > _MAX_PARTS:
                raise ValueError("is too long")

    def _item(self, at: int, char: str, depth: int) -> tuple[Gap | Choice, int]:
        self.parts += 1
        if char == "*":
            return _GAP, at + 1
        if char == "(":
            options, end = self.options(at + 1, depth=depth + 1)
            if end >= len(self.notation):
                raise ValueError(f"`(` at character {at + 1} is never closed")
            return Choice(tuple(dict.fromkeys(options))), end + 1
        end = self.notation.find(">", at)
        if end < 0:
            raise ValueError(f"`<` at character {at + 1} is never closed")
        name = self.notation[at + 1 : end]
        try:
            words = self.slots(name) if self.slots else ()
        except LookupError:
            words = ()
        if not words:
            raise ValueError(
                f"no list of plain words is named {name}: one without `*`, `&` and other lists"
            )
        self.size += sum(map(len, words))
        return Choice(tuple((word,) for word in dict.fromkeys(words))), end + 1
