"""Label values stay few: what would grow without bound becomes `other`."""

from __future__ import annotations

import re
from collections.abc import Iterable

OTHER = "other"
UNKNOWN = "unknown"

_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)


class LabelBound:
    """Admits the first `limit` distinct values of a label; later ones are `other`."""

    def __init__(self, limit: int, known: Iterable[str] = ()) -> None:
        self._limit = limit
        self._admitted: dict[str, None] = {}
        for value in known:
            self.value(value)

    def value(self, raw: str) -> str:
        """The label for a raw value: itself, `unknown` when empty, or `other`."""
        value = raw.strip() or UNKNOWN
        if value in self._admitted:
            return value
        if len(self._admitted) >= self._limit:
            return OTHER
        self._admitted[value] = None
        return value

    def admitted(self) -> list[str]:
        """All values that have a label of their own, in the order they came."""
        return list(self._admitted)


class WordBound(LabelBound):
    """A bound for reasons and kinds, which are single words: free text becomes `other`.

    A reason is written by a program, but should one ever carry a sentence with a number or a name
    in it, it must not end up as a label.
    """

    def value(self, raw: str) -> str:
        """The label for a raw value."""
        word = raw.strip().lower()
        if word and not _WORD.fullmatch(word):
            return OTHER
        return super().value(word)
