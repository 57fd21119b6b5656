"""Finding the words of a pack in text: one pass for all, by character and by sound.

Aho–Corasick over all wordings, overlapping, on normalised text; a second automaton over toneless
syllables for what a recogniser wrote with other characters. A phrase with gaps or with too many
wordings is looked for by regular expression, and only where one of its anchors was found. Guards
then take away what only looks like a word (see `Guard`).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import regex
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from qa_engine.phrases import Phrase
from qa_engine.syllables import syllables
from qa_engine.text import Normalised, normalise

_APOSTROPHES = "'’"
_PAUSE = re.compile(r"[^\w\s'’-]")
_MIN_SYLLABLES = 3
_FEWEST_SYLLABLES = 2
_MOST_FOR_DFA = 30_000
_MIN_SYLLABLES_WITH_GAP = 4
_MANY_GAPS = 3
_SEARCH_S = 0.05
"""A phrase of many gaps is searched for so long in a sentence: one that says the same over and over
would keep it busy for minutes."""


class Phonetic(Enum):
    """Whether a word is also found by its sound."""

    OFF = "off"
    AUTO = "auto"
    """From three characters on; phrases with gaps from four that are always said."""
    ON = "on"
    """From two characters on, and phrases with gaps."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What makes a match of a group harmless. Each field holds wordings.

    A match is dropped when it lies inside a longer phrase of `within`; when a phrase of `before`
    ends at most `reach` characters before it, or one of `after` begins at most `reach` after it,
    in the same clause; or when the text holds a phrase of `segment` anywhere.
    """

    within: tuple[Phrase, ...] = ()
    before: tuple[Phrase, ...] = ()
    after: tuple[Phrase, ...] = ()
    segment: tuple[Phrase, ...] = ()
    reach: int = 8


@dataclass(frozen=True, slots=True)
class WordGroup:
    """Phrases that share a phonetic policy and guards. Groups of one name are searched as one."""

    name: str
    phrases: tuple[Phrase, ...]
    phonetic: Phonetic = Phonetic.AUTO
    guards: tuple[Guard, ...] = ()

    def all_phrases(self) -> Iterator[Phrase]:
        """Those that are looked for, and those of the guards."""
        yield from self.phrases
        for guard in self.guards:
            yield from (*guard.within, *guard.before, *guard.after, *guard.segment)


@dataclass(frozen=True, slots=True)
class WordHit:
    """A phrase found. `start`, `end` index the normalised text, `span` the original."""

    phrase: Phrase
    start: int
    end: int
    span: tuple[int, int]
    suspected: bool


@dataclass(slots=True)
class _Compiled:
    """A guard whose wordings have been given owner numbers."""

    within: int
    before: int
    after: int
    segment: int
    reach: int


class _Match(NamedTuple):
    start: int
    end: int
    suspected: bool
    phrase: Phrase


_Found = dict[int, list[_Match]]


class Scan:
    """All that one text holds, by group."""

    __slots__ = ("_found", "_hits", "_index", "text")

    def __init__(self, text: Normalised, found: _Found, index: WordIndex) -> None:
        self.text = text
        self._found = found
        self._index = index
        self._hits: dict[str, tuple[WordHit, ...]] = {}

    def groups(self) -> set[str]:
        """Names of the groups of which anything was found, before guards took any of it away."""
        return self._index.named(self._found)

    def hits(self, group: str) -> tuple[WordHit, ...]:
        """The group's unguarded matches in order, none inside another."""
        if group not in self._hits:
            self._hits[group] = self._index.judge(self.text, self._found, group)
        return self._hits[group]


@dataclass(frozen=True, slots=True)
class _Use:
    """What a pattern of an automaton stands for: a wording, or the anchor of a regex."""

    owner: int
    phrase: Phrase
    regex: re.Pattern[str] | regex.Pattern[str] | None
    least: int
    """Characters that a match must have."""
    latin: bool
    """Of Latin letters alone."""


def _no_matches(_text: str, *, overlapping: bool) -> list[tuple[int, int, int]]:
    del overlapping
    return []


class _Automaton:
    """All phrases in one spelling."""

    def __init__(self, spell: Callable[[str], str], *, suspected: bool) -> None:
        self.spell = spell
        self._suspected = suspected
        self._uses: dict[str, list[_Use]] = {}
        self._patterns: list[list[_Use]] = []
        self._matches: Callable[..., list[tuple[int, int, int]]] = _no_matches

    def add(self, owner: int, phrase: Phrase, least: int = 1) -> None:
        """Look for a phrase of an owner, in wordings of at least so many characters."""
        literals = phrase.literals()
        pattern = None
        if literals is None:
            literals = phrase.anchors()
            pattern = _compile(phrase, self.spell)
        use = _Use(owner, phrase, pattern, least, phrase.latin)
        for spelled in dict.fromkeys(map(self.spell, literals)):
            if pattern is not None or len(spelled) >= least:
                self._uses.setdefault(spelled, []).append(use)

    def build(self) -> bool:
        """Make ready to find; tell whether there is anything to be found."""
        self._patterns = list(self._uses.values())
        if not self._uses:
            return False
        # The fastest form takes the most memory, which only a lexicon would feel.
        small = len(self._uses) <= _MOST_FOR_DFA
        machine = AhoCorasick(
            list(self._uses),
            matchkind=MatchKind.Standard,
            implementation=Implementation.DFA if small else Implementation.ContiguousNFA,
        )
        self._matches = machine.find_matches_as_indexes
        return True

    def find(self, text: Normalised, found: _Found) -> None:
        """Add all matches that do not cross the end of a sentence."""
        spelled = self.spell(text.text) if self._suspected else text.text
        matches = self._matches(spelled, overlapping=True)
        if not matches:
            return
        searched: set[int] = set()
        sentences = list(text.sentences())
        for number, start, end in matches:
            for use in self._patterns[number]:
                if use.regex is None:
                    self._take(text, found, use, start, end)
                elif id(use) not in searched:
                    searched.add(id(use))
                    # Sentence by sentence: a gap that reaches into the next would hide one there.
                    for begin, until in sentences:
                        with contextlib.suppress(TimeoutError):
                            for match in _finds(use, text, spelled, begin, until):
                                self._take(text, found, use, *match.span())

    def _take(self, text: Normalised, found: _Found, use: _Use, start: int, end: int) -> None:
        if end - start < use.least or not text.one_sentence(start, end):
            return
        if text.inside_number(start, end):
            return
        if self._suspected and not use.phrase.gapped and not text.one_clause(start, end):
            return  # 恐高，你们 is not 控告你们
        if _between_words(text, start) and _between_words(text, end):
            match = _Match(start, end, self._suspected, use.phrase)
            found.setdefault(use.owner, []).append(match)


def _compile(phrase: Phrase, spell: Callable[[str], str]) -> re.Pattern[str] | regex.Pattern[str]:
    """An expression; the one that can be given up is slower, and slower to make."""
    if phrase.gaps < _MANY_GAPS:
        return re.compile(phrase.regex(spell), re.DOTALL)
    return regex.compile(phrase.regex(spell), regex.DOTALL)


def _finds(
    use: _Use, text: Normalised, spelled: str, begin: int, until: int
) -> Iterator[re.Match[str] | regex.Match[str]]:
    """Where an expression holds; in Latin letters only with gaps between words of one sentence.

    Raises:
        TimeoutError: it takes too long.
    """
    pattern = use.regex
    assert pattern is not None  # noqa: S101 - asked of expressions only, for the type checker
    limit: Any = {} if isinstance(pattern, re.Pattern) else {"timeout": _SEARCH_S}
    if not use.latin:
        yield from pattern.finditer(spelled, begin, until, **limit)
        return
    while match := pattern.search(spelled, begin, until, **limit):
        whole = all(_is_gap(text, *match.span(group + 1)) for group in range(pattern.groups))
        begin = match.end() if whole else match.start() + 1
        if whole:
            yield match


def _is_gap(text: Normalised, start: int, end: int) -> bool:
    if start < 0:  # of an order that was not said
        return True
    if not (_between_words(text, start) and _between_words(text, end)):
        return False
    return "." not in text.original[text.ends[start - 1] : text.starts[end]]


def _between_words(text: Normalised, at: int) -> bool:
    """Whether no Latin word goes on at `at`: `die` is not said in `diet`, nor `can` in `can't`."""
    chars = text.text
    if not 0 < at < len(chars) or not (_is_letter(chars[at - 1]) and _is_letter(chars[at])):
        return True
    between = text.original[text.ends[at - 1] : text.starts[at]]
    return bool(between) and not (between in _APOSTROPHES and chars[at] == "t")


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()


class WordIndex:
    """All words of a pack, ready to scan with. Immutable once built; safe to share."""

    def __init__(self, groups: Sequence[WordGroup]) -> None:
        self._exact = _Automaton(str, suspected=False)
        self._sound = _Automaton(syllables, suspected=True)
        self.size = 0
        """Phrases, those of guards included."""
        self._owners = 0
        self._groups: dict[str, list[tuple[int, tuple[_Compiled, ...]]]] = {}
        self._named: dict[int, str] = {}
        for group in groups:
            owner = self._add(group.phrases, group.phonetic)
            self._named[owner] = group.name
            guards = tuple(self._guard(guard) for guard in group.guards)
            self._groups.setdefault(group.name, []).append((owner, guards))
        self._automata = [one for one in (self._exact, self._sound) if one.build()]

    def scan(self, text: str | Normalised) -> Scan:
        """Find everything in one text."""
        normalised = normalise(text) if isinstance(text, str) else text
        found: _Found = {}
        for automaton in self._automata:
            automaton.find(normalised, found)
        return Scan(normalised, found, self)

    def named(self, found: _Found) -> set[str]:
        """The groups that own what was found; wordings of guards are nobody's."""
        return {self._named[owner] for owner in found if owner in self._named}

    def judge(self, text: Normalised, found: _Found, group: str) -> tuple[WordHit, ...]:
        """Apply a group's guards and keep the best of what overlaps."""
        owners = self._groups[group]
        if not any(found.get(owner) for owner, _ in owners):
            return ()
        free = [
            match
            for owner, guards in owners
            for match in found.get(owner, ())
            if not any(_guarded(text, found, guard, match) for guard in guards)
        ]
        kept: list[WordHit] = []
        # Exact before suspected, then the longest.
        for match in sorted(free, key=lambda m: (m.suspected, m.start - m.end, m.start)):
            start, end = match.start, match.end
            if not any(start < hit.end and hit.start < end for hit in kept):
                span = text.span(start, end)
                kept.append(WordHit(match.phrase, start, end, span, match.suspected))
        return tuple(sorted(kept, key=lambda hit: hit.start))

    def _guard(self, guard: Guard) -> _Compiled:
        # A guard heard by its sound still guards; `_guarded` sees to it that a homophone of the
        # word itself is not taken for the longer, harmless phrase.
        return _Compiled(
            within=self._add(guard.within, Phonetic.AUTO),
            before=self._add(guard.before, Phonetic.AUTO),
            after=self._add(guard.after, Phonetic.AUTO),
            segment=self._add(guard.segment, Phonetic.AUTO),
            reach=guard.reach,
        )

    def _add(self, phrases: Iterable[Phrase], phonetic: Phonetic) -> int:
        owner = self._owners
        self._owners += 1
        for phrase in phrases:
            self.size += 1
            self._exact.add(owner, phrase)
            if _by_sound(phrase, phonetic):
                short = phonetic is Phonetic.ON
                self._sound.add(owner, phrase, _FEWEST_SYLLABLES if short else _MIN_SYLLABLES)
        return owner


def _by_sound(phrase: Phrase, policy: Phonetic) -> bool:
    if policy is not Phonetic.AUTO:
        return policy is Phonetic.ON
    # A wording that is too short is left out when it is found; gaps leave more to chance.
    return not phrase.gapped or phrase.shortest >= _MIN_SYLLABLES_WITH_GAP


def _guarded(text: Normalised, found: _Found, guard: _Compiled, match: _Match) -> bool:
    start, end = match.start, match.end
    if found.get(guard.segment):
        return True
    for other in found.get(guard.within, ()):
        inside = other.start <= start and end <= other.end
        if inside and not (other.suspected and other.end - other.start == end - start):
            return True
    for other in found.get(guard.before, ()):
        near = start - guard.reach <= other.end <= start
        if near and _one_clause(text, other.end - 1, start + 1):
            return True
    for other in found.get(guard.after, ()):
        near = end <= other.start <= end + guard.reach
        if near and _one_clause(text, end - 1, other.start + 1):
            return True
    return False


def _one_clause(text: Normalised, start: int, end: int) -> bool:
    """Whether nothing but words stands inside; between Latin words a space is no pause."""
    if text.one_clause(start, end) or not text.text[start:end].isascii():
        return text.one_clause(start, end)
    return _PAUSE.search(text.original, *text.span(start, end)) is None
