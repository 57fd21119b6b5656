"""What a segment says by itself, where it was decoded with what was said before it.

The rest of a sentence that was cut is decoded with the sentence's beginning: heard alone, a
recogniser takes its words for others. Which characters are its own, their times tell.
"""

from __future__ import annotations

from dataclasses import replace

from asr.recognisers.base import Recognition

_TOLERANCE_S = 0.06
"""Times of characters are told by attention: so little before the cut still counts as behind it."""

_NOT_AT_THE_START = "。.，,？?！!、…；;：: -"


def without_lead(found: Recognition, lead_s: float) -> Recognition:
    """Leave out what was said in the first `lead_s` seconds of the audio.

    Without times of characters nothing can be left out: words twice are better than words lost.
    """
    if not found.text or len(found.char_times) != len(found.text):
        return found
    own = next(
        (at for at, time in enumerate(found.char_times) if time >= lead_s - _TOLERANCE_S),
        len(found.text),
    )
    rest = found.text[own:]
    text = rest.lstrip(_NOT_AT_THE_START)
    if not text:
        return replace(found, text="", char_times=(), corrections=(), refused="empty")
    own += len(rest) - len(text)
    return replace(
        found,
        text=text,
        char_times=found.char_times[own:],
        # A word that the cut goes through is said in the lead's segment.
        corrections=tuple(one.moved(-own) for one in found.corrections if one.at >= own),
    )
