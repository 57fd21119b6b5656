"""How Chinese characters sound: syllables with and without tone, and what speakers merge. Pure."""

from __future__ import annotations

import functools
import re

import pypinyin
from pypinyin import Style

# Pairs that many speakers do not tell apart, each told as its first member.
_MERGED = (
    (re.compile(r"^zh"), "z"),
    (re.compile(r"^ch"), "c"),
    (re.compile(r"^sh"), "s"),
    (re.compile(r"^l"), "n"),
    (re.compile(r"(?<=[aei])ng$"), "n"),
)


@functools.lru_cache(maxsize=8192)
def toned(character: str) -> tuple[str, ...]:
    """The syllables that a character can stand for, the usual one first, tones as last digit.

    A character that is none of Chinese stands for itself.
    """
    (found,) = pypinyin.pinyin(
        character, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True
    )
    return tuple(found)


@functools.lru_cache(maxsize=8192)
def readings(character: str) -> frozenset[str]:
    """The syllables, without tones, that a character can stand for."""
    return frozenset(map(toneless, toned(character)))


def toneless(syllable: str) -> str:
    """A syllable without the digit of its tone."""
    return syllable.rstrip("012345")


@functools.lru_cache(maxsize=2048)
def merged(syllable: str) -> str:
    """What a syllable without tone sounds like where z/zh, c/ch, s/sh, n/l, n/ng are one."""
    for pattern, told in _MERGED:
        syllable = pattern.sub(told, syllable)
    return syllable
