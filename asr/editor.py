"""What becomes of a decoded text: words put right, numbers written for display. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from asr.events import Correction
from asr.lexicon import load
from asr.recognisers.base import Recognition
from asr.written_numbers import written


@dataclass(frozen=True, slots=True)
class Edited:
    """A text as it is matched, what was changed in it, and how it reads in digits."""

    text: str
    corrections: tuple[Correction, ...] = ()
    display: str = ""


class Editor:
    """Edits finals.

    Args:
        lexicon: name or path of one, or empty for none.

    Raises:
        LexiconError: it cannot be used.
    """

    def __init__(self, lexicon: str) -> None:
        self._lexicon = load(lexicon) if lexicon else None

    def edit(self, found: Recognition) -> Edited:
        """Edit what was recognised; other languages than Chinese stay as they are."""
        text, corrections = found.text, found.corrections
        if found.language != "zh":
            return Edited(text, corrections)
        if self._lexicon is not None:
            text, more = self._lexicon.correct(text)
            corrections = tuple(sorted((*corrections, *more), key=lambda one: one.at))
        display = written(text)
        return Edited(text, corrections, "" if display == text else display)
