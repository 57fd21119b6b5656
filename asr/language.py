"""Which language a leg speaks. Pure."""

from __future__ import annotations

from asr.settings import Language

CANDIDATES = ("zh", "en")
"""The languages the product knows rules for, and that detection chooses from."""

_SURE = 0.8
_LONG_ENOUGH_S = 1.5
_VOTES_TO_LOCK = 2


class LanguageLock:
    """Detects the language from a leg's first segments, then keeps it.

    One sure and long enough segment settles it, or two that agree: a language that changes
    with every cough would be worse than a wrong one.
    """

    def __init__(self, setting: Language) -> None:
        self.languages: tuple[str, ...] = CANDIDATES if setting == "auto" else (setting,)
        self._votes: dict[str, int] = {}

    @property
    def locked(self) -> bool:
        """Whether the language is settled."""
        return len(self.languages) == 1

    def heard(self, language: str, probability: float, duration_s: float) -> None:
        """Take note of what a final was detected as."""
        if self.locked or language not in self.languages:
            return
        self._votes[language] = self._votes.get(language, 0) + 1
        sure = probability >= _SURE and duration_s >= _LONG_ENOUGH_S
        if sure or self._votes[language] >= _VOTES_TO_LOCK:
            self.languages = (language,)
