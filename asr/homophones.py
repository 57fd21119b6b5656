"""Words in place of characters that only sound like them. Pure.

A small recogniser writes 寄委 for 纪委: it hears the sound, and picks characters that make no
word. Which words of the language sound like a stretch of a text, and by how much likelier they
make it, is told here from the words' frequencies (a unigram model over the best segmentation, as
in text entry by pinyin); whether the audio bears them out, only the recogniser can tell (Whisper
by the likelihood of the changed text). Both together decide.

Weights and limits were set with 439 sentences spoken by a synthesiser on the phone band, `base`:
of 1,108 wrong characters 943 are left, 873 with the bundled vocabulary.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import wordfreq
from pypinyin.contrib.tone_convert import to_tone3
from pypinyin.phrases_dict import phrases_dict

from asr.sounds import merged, readings, toned, toneless
from backbone.errors import UserError

BUNDLED = "hospital-zh"
"""The vocabulary that comes with the product."""

_HAN = re.compile(r"[\u4e00-\u9fff]+")
_FIRST, _LAST = "\u4e00", "\u9fff"
_SHORTEST_WORD, _LONGEST_WORD = 2, 5
_UNKNOWN = 19.0
"""Nats that a character costs which is no word: rarer than any word that is listed."""
_OWN = 9.0
"""Nats that a word of the user's own costs at most: one said often in such calls."""
_MOST_READINGS = 64  # of a stretch; each of its characters may have some

# What it costs, in nats, that a character stands for a syllable it does not have.
_SAME_SOUND = 1.5
_OTHER_TONE = 3.0
_NEAR_SOUND = 5.0

_MOST_CANDIDATES = 6  # each costs a pass of the recogniser
_DOUBT = 1.5  # how much more sounds weigh where it is decided than where candidates are found
_LEAST = -2.0


class VocabularyError(UserError):
    """A list of words cannot be used. The message names file and line."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that may have been said where a text has something else of its sound.

    `gain` is by how many nats the words of the text get likelier, `distance` how many it costs
    that the sounds differ.
    """

    at: int
    heard: str
    written: str
    gain: float
    distance: float

    def in_text(self, text: str) -> str:
        """The text with the word in it; it stays as long as it was."""
        return text[: self.at] + self.written + text[self.at + len(self.written) :]


class Homophones:
    """Finds candidates in texts.

    Args:
        frequencies: of words in the language, as shares of all words, 0..1.
        own: words that are usual in such calls, whatever the language at large says.
    """

    def __init__(self, frequencies: Mapping[str, float], own: Iterable[str] = ()) -> None:
        self._costs = {
            word: -math.log(share) for word, share in frequencies.items() if _is_han(word)
        }
        for word in filter(_is_han, own):
            self._costs[word] = min(_OWN, self._costs.get(word, _OWN))
        by_sound: dict[str, list[str]] = {}
        for word in self._costs:
            if _SHORTEST_WORD <= len(word) <= _LONGEST_WORD:
                by_sound.setdefault(_key(word), []).append(word)
        # One string for all words of a sound: a third of a million lists would take 30 MB more.
        self._by_sound = {key: " ".join(words) for key, words in by_sound.items()}

    def cost(self, text: str) -> float:
        """Nats by which the Chinese of a text is unlikely, as the likeliest row of words."""
        return sum(self._from_left(run.group())[-1] for run in _HAN.finditer(text))

    def candidates(self, text: str) -> list[Candidate]:
        """The likeliest words of the same sound, the best first, at most six."""
        found = [
            candidate
            for run in _HAN.finditer(text)
            for candidate in self._of_run(run.group(), run.start())
            if candidate.gain > candidate.distance
        ]
        found.sort(key=lambda one: (one.distance - one.gain, one.at, one.written))
        return found[:_MOST_CANDIDATES]

    def _of_run(self, run: str, offset: int) -> Iterator[Candidate]:
        before, behind = self._from_left(run), self._from_right(run)
        keys = [sorted({merged(sound) for sound in readings(character)}) for character in run]
        for at in range(len(run)):
            for width in range(_SHORTEST_WORD, min(_LONGEST_WORD, len(run) - at) + 1):
                heard = run[at : at + width]
                spelled = itertools.product(*keys[at : at + width])
                for key in itertools.islice(spelled, _MOST_READINGS):
                    for word in self._by_sound.get(" ".join(key), "").split():
                        if word != heard:
                            cost = before[at] + self._costs[word] + behind[at + width]
                            gain = before[-1] - cost
                            yield Candidate(offset + at, heard, word, gain, distance(heard, word))

    def _from_left(self, run: str) -> list[float]:
        """What the best words up to each place of a run cost."""
        costs = [0.0]
        for until in range(1, len(run) + 1):
            first = max(0, until - _LONGEST_WORD)
            costs.append(min(costs[at] + self._cost(run[at:until]) for at in range(first, until)))
        return costs

    def _from_right(self, run: str) -> list[float]:
        """What the best words from each place of a run to its end cost."""
        costs = [0.0]
        for at in range(len(run) - 1, -1, -1):
            last = min(len(run), at + _LONGEST_WORD)
            costs.append(
                min(
                    self._cost(run[at:until]) + costs[len(run) - until]
                    for until in range(at + 1, last + 1)
                )
            )
        return costs[::-1]

    def _cost(self, word: str) -> float:
        return self._costs.get(word, _UNKNOWN if len(word) == 1 else math.inf)


def load(own: Iterable[str] = ()) -> Homophones:
    """The words of Chinese at large, with some of one's own. Takes a second."""
    return Homophones(wordfreq.get_frequency_dict("zh"), own)


def read_words(name: str) -> list[str]:
    """Words of a house's own, by the name of a bundled list or by path: one a line, `#` comments.

    Raises:
        VocabularyError: it is not there or not readable, or a line is no word of 2 to 5 Chinese
            characters.
    """
    if name == BUNDLED:
        file: Traversable = resources.files("asr") / "lexicons" / f"{name}.words.txt"
    else:
        file = Path(name)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise VocabularyError(f"cannot read the vocabulary {name}: {error}") from error
    words = []
    for number, line in enumerate(lines, 1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        if not (_is_han(word) and _SHORTEST_WORD <= len(word) <= _LONGEST_WORD):
            raise VocabularyError(f"{file.name}:{number}: a word has 2 to 5 Chinese characters")
        words.append(word)
    return words


def chosen(candidates: Sequence[Candidate], changes: Sequence[float]) -> list[Candidate]:
    """Which candidates to believe, in the order of the text; none overlaps another.

    Args:
        candidates: of one text.
        changes: by how many nats the audio makes the text with each of them likelier.
    """
    scored = sorted(
        (
            (one.gain - _DOUBT * one.distance + change, one)
            for one, change in zip(candidates, changes, strict=True)
        ),
        key=lambda pair: -pair[0],
    )
    believed: list[Candidate] = []
    taken: set[int] = set()
    for score, one in scored:
        places = range(one.at, one.at + len(one.written))
        if score > _LEAST and taken.isdisjoint(places):
            taken.update(places)
            believed.append(one)
    return sorted(believed, key=lambda one: one.at)


def distance(heard: str, word: str) -> float:
    """Nats that it costs that the characters heard stand for the sounds of a word."""
    cost = 0.0
    for character, other, syllable in zip(heard, word, _sound(word), strict=True):
        if character == other:
            continue
        if syllable in toned(character):
            cost += _SAME_SOUND
        elif toneless(syllable) in readings(character):
            cost += _OTHER_TONE
        else:
            cost += _NEAR_SOUND
    return cost


def _is_han(word: str) -> bool:
    return min(word) >= _FIRST and max(word) <= _LAST


def _sound(word: str) -> tuple[str, ...]:
    """The syllables of a word, with tones: as the word is read, else each character as usual."""
    read = phrases_dict.get(word)
    if read is not None:
        return tuple(_numbered(one) for (one, *_) in read)
    return tuple(toned(character)[0] for character in word)


def _key(word: str) -> str:
    if word in phrases_dict:
        return " ".join(merged(toneless(syllable)) for syllable in _sound(word))
    return " ".join(map(_usual_key, word))


@functools.lru_cache(maxsize=4096)
def _numbered(syllable: str) -> str:
    return str(to_tone3(syllable, neutral_tone_with_five=True))


@functools.lru_cache(maxsize=30_000)  # all of Chinese, once
def _usual_key(character: str) -> str:
    return merged(toneless(toned(character)[0]))
