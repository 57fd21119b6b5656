"""What a segment says by itself, where it was decoded with what was said around it.

The two parts of a sentence that was cut are decoded with as much of each other as was heard by
then: heard alone, a recogniser takes their words for others. Which characters are a part's own,
their times tell. The first digits of a number stay with the rest of it: 打一 | 二三四五 says
nothing.
"""

from __future__ import annotations

from dataclasses import replace

from asr.recognisers.base import Recognition

_TOLERANCE_S = 0.06
"""Times of characters are told by attention: so little before the cut still counts as behind it."""

_NOT_AT_THE_START = "。.，,？?！!、…；;：: -"
_NUMERALS = frozenset("0123456789零〇一二两三四五六七八九十百千万幺")
_TELLING_DIGITS = 4


def own_words(found: Recognition, begin_s: float, end_s: float) -> Recognition:
    """Leave out what was said before the second `begin_s` of the audio, and from `end_s` on.

    Without times of characters nothing can be left out: words twice are better than words lost.
    """
    if not found.text or len(found.char_times) != len(found.text):
        return found
    begin, end = (
        _before_number(found.text, _first_from(found, seconds - _TOLERANCE_S))
        for seconds in (begin_s, end_s)
    )
    own = found.text[begin:end]
    text = own.lstrip(_NOT_AT_THE_START)
    if not text:
        return replace(found, text="", char_times=(), corrections=(), refused="empty")
    begin += len(own) - len(text)
    return replace(
        found,
        text=text,
        char_times=found.char_times[begin:end],
        # A word that a cut goes through is put right in neither part.
        corrections=tuple(
            one.moved(-begin)
            for one in found.corrections
            if begin <= one.at and one.at + len(one.written) <= end
        ),
    )


def _first_from(found: Recognition, seconds: float) -> int:
    """The first character from a time on."""
    return next(
        (at for at, time in enumerate(found.char_times) if time >= seconds), len(found.text)
    )


def _before_number(text: str, at: int) -> int:
    """A place in a text, or the one before the number of which it would part the first digits.

    Of a number that goes on for longer, each part tells what it is.
    """
    if at == len(text) or text[at] not in _NUMERALS:
        return at
    first = at
    while first > 0 and text[first - 1] in _NUMERALS:
        first -= 1
    return first if at - first < _TELLING_DIGITS else at
