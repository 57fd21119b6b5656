"""Words of one's own house, put right by their sound after decoding. Pure.

Recognition writes 合词共振 for 核磁共振: the sound is right, the word unknown to it. A run of
characters that sounds like a word of the lexicon, tones aside, becomes that word. Short words
have to sound the same; from four syllables on one may be off by what southern speakers merge.
Real words of the same sound, which the lexicon lists beside each word, stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pypinyin

from asr.events import Correction
from asr.sounds import merged, readings
from backbone.errors import UserError

BUNDLED = "hospital-zh"
"""The lexicon that comes with the product."""

_HAN = re.compile(r"[\u4e00-\u9fff]+")
_FORGIVING_FROM = 4  # syllables


class LexiconError(UserError):
    """A lexicon cannot be used. The message names file and line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A word, what it is, and real words of the same sound."""

    word: str
    kind: str = ""
    stay: frozenset[str] = frozenset()


def parse(text: str, source: str) -> list[Entry]:
    """Read tab-separated lines: word, kind, words that stay. `#` begins a comment line.

    Raises:
        LexiconError: a line has no word of at least two Chinese characters, or is a repetition.
    """
    entries: dict[str, Entry] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, kind, stay, *more = (*line.split("\t"), "", "")
        if any(more):
            raise LexiconError(f"{source}:{number}: more than three columns")
        word = word.strip()
        if len(word) < 2:  # noqa: PLR2004 - a single syllable sounds like hundreds of characters
            raise LexiconError(f"{source}:{number}: a word needs at least two characters")
        if word in entries:
            raise LexiconError(f"{source}:{number}: {word} stands there twice")
        kept = frozenset(other.strip() for other in stay.split(",") if other.strip())
        entries[word] = Entry(word, kind.strip(), kept)
    return list(entries.values())


def load(name: str) -> Lexicon:
    """A lexicon by the name of a bundled one, or by its path.

    Raises:
        LexiconError: it is not there, or not readable.
    """
    if name == BUNDLED:
        file = resources.files("asr") / "lexicons" / f"{name}.tsv"
        return Lexicon(parse(file.read_text(encoding="utf-8"), file.name))
    path = Path(name)
    try:
        return Lexicon(parse(path.read_text(encoding="utf-8"), path.name))
    except (OSError, UnicodeDecodeError) as error:
        raise LexiconError(f"cannot read the lexicon {name}: {error}") from error


class Lexicon:
    """Corrects texts. Words with other than Chinese characters are left out of account.

    Attributes:
        words: those that it puts in.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        chosen = [entry for entry in entries if _HAN.fullmatch(entry.word)]
        # The longer word wins where two could.
        chosen.sort(key=lambda entry: -len(entry.word))
        self.words = frozenset(entry.word for entry in chosen)
        self._entries = [(entry, pypinyin.lazy_pinyin(entry.word)) for entry in chosen]

    def correct(self, text: str) -> tuple[str, tuple[Correction, ...]]:
        """The text with its words put right, of the same length, and what was changed."""
        found: dict[int, Correction] = {}
        taken: set[int] = set()
        for run in _HAN.finditer(text):
            for entry, sound in self._entries:
                width = len(entry.word)
                for at in range(run.start(), run.end() - width + 1):
                    heard = text[at : at + width]
                    if taken.isdisjoint(range(at, at + width)) and self._means(heard, entry, sound):
                        taken.update(range(at, at + width))
                        if heard != entry.word:
                            found[at] = Correction(at=at, heard=heard, written=entry.word)
        corrected = text
        for at, one in found.items():
            corrected = corrected[:at] + one.written + corrected[at + len(one.heard) :]
        return corrected, tuple(found[at] for at in sorted(found))

    def _means(self, heard: str, entry: Entry, sound: Sequence[str]) -> bool:
        if heard == entry.word:
            return True
        if heard in entry.stay or heard in self.words:
            return False
        off = 0
        for character, syllable in zip(heard, sound, strict=True):
            if syllable in readings(character):
                continue
            if merged(syllable) not in map(merged, readings(character)):
                return False
            off += 1
        return off <= (len(sound) >= _FORGIVING_FROM)
