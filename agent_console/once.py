"""Remembers what was seen before, a bounded number of things."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class Once:
    """Tells the first time from the others; what was seen longest ago is forgotten first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: OrderedDict[Hashable, None] = OrderedDict()

    def first(self, thing: Hashable) -> bool:
        """Whether this is the first time, as far as is remembered."""
        if thing in self._seen:
            self._seen.move_to_end(thing)
            return False
        self._seen[thing] = None
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return True
