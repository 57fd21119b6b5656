"""Who is decoded next: one queue for all legs of a node. Pure.

Finals go first and are never dropped, the earliest deadline before the others; those of one leg
come out in order. Where none waits, the finals of segments that have probably ended are decoded
ahead. What time is left is for partials: first those that are the first of their segment, the
others only while the node is at ease. A leg has at most one partial waiting, the newest; one that
was not served before the next was due is skipped and counted. So what gives way under load is the
partials.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from asr.load import Ease

T = TypeVar("T")


class Kind(enum.Enum):
    """What a decoding is for."""

    FINAL = "final"
    AHEAD = "ahead"
    """The final of a segment that has probably ended."""
    FIRST_PARTIAL = "first_partial"
    PARTIAL = "partial"


_PARTIALS = (Kind.FIRST_PARTIAL, Kind.PARTIAL)
_ALLOWED = {
    Ease.PRESSED: (),
    Ease.BUSY: (Kind.FIRST_PARTIAL,),
    Ease.CALM: _PARTIALS,
}


@dataclass(frozen=True, slots=True)
class Queued(Generic[T]):
    """Something to decode: for a leg, before a time on the clock; `since` it is in the queue."""

    leg: str
    deadline: float
    kind: Kind
    item: T
    since: float = 0.0

    @property
    def partial(self) -> bool:
        """Whether it is a quick look at a segment that is still being spoken."""
        return self.kind in _PARTIALS


class DecodeQueue(Generic[T]):
    """The order of decoding; it is told the time.

    Whoever takes a job for a leg calls `done` when it is decoded; until then no other of that
    leg is handed out.

    Args:
        places: decodings at the same time. Where there are two or more, a partial is only handed
            out if one stays free for the final that may come next.
    """

    def __init__(self, places: int = 1_000) -> None:
        self._busy_beside_partial = max(0, places - 2)
        self._finals: list[tuple[float, int, Queued[T]]] = []
        self._ahead: dict[str, Queued[T]] = {}
        self._partials: dict[str, Queued[T]] = {}
        self._busy: set[str] = set()
        self._order = itertools.count()
        self.skipped = 0
        """Partials that were given up."""

    @property
    def finals(self) -> int:
        """Finals that wait."""
        return len(self._finals)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is being decoded."""
        return not (self._finals or self._ahead or self._partials or self._busy)

    def waiting_finals(self) -> list[T]:
        """The finals that wait, in no particular order."""
        return [queued.item for _, _, queued in self._finals]

    def add_final(self, leg: str, deadline: float, item: T, now: float = 0.0) -> None:
        """Queue a final. Whatever else of the same leg still waits has become pointless."""
        self._give_up_partial(leg)
        self.drop_ahead(leg)
        # Whatever the deadlines say, a leg's finals keep their order.
        deadline = max(
            deadline, *(other for other, _, queued in self._finals if queued.leg == leg), deadline
        )
        queued = Queued(leg, deadline, Kind.FINAL, item, now)
        self._finals.append((deadline, next(self._order), queued))
        self._finals.sort(key=lambda entry: entry[:2])

    def add_ahead(self, leg: str, deadline: float, item: T, now: float = 0.0) -> None:
        """Queue what is probably a final; a partial of the same leg that waits is pointless."""
        self._give_up_partial(leg)
        self._ahead[leg] = Queued(leg, deadline, Kind.AHEAD, item, now)

    def drop_ahead(self, leg: str) -> bool:
        """Take back what was probably a final, if it still waits; whether it did."""
        return self._ahead.pop(leg, None) is not None

    def add_partial(
        self, leg: str, deadline: float, item: T, now: float = 0.0, *, first: bool = False
    ) -> None:
        """Queue a partial in place of an older one of the same leg."""
        # What replaces a first partial that nobody has seen is still the first.
        older = self._partials.get(leg)
        first = first or (older is not None and older.kind is Kind.FIRST_PARTIAL)
        self._give_up_partial(leg)
        kind = Kind.FIRST_PARTIAL if first else Kind.PARTIAL
        self._partials[leg] = Queued(leg, deadline, kind, item, now)

    def take(self, now: float, ease: Ease = Ease.CALM) -> Queued[T] | None:
        """The next job, or None when there is none that may be decoded now."""
        found = self.take_final(lambda _: True) or self._take_ahead()
        return found or self._take_partial(now, ease)

    def take_final(self, suits: Callable[[T], bool]) -> Queued[T] | None:
        """The most urgent final that suits and may be decoded now, or None."""
        held: set[str] = set()
        for index, (_, _, queued) in enumerate(self._finals):
            # An earlier final of the leg that has to wait holds up the later ones.
            free = queued.leg not in self._busy and queued.leg not in held
            if free and suits(queued.item):
                del self._finals[index]
                self._busy.add(queued.leg)
                return queued
            held.add(queued.leg)
        return None

    def done(self, leg: str) -> None:
        """What was taken for this leg is decoded and delivered."""
        self._busy.discard(leg)

    def _take_ahead(self) -> Queued[T] | None:
        # A leg that is not busy has no final waiting: it would have been taken before.
        ready = [queued for leg, queued in self._ahead.items() if leg not in self._busy]
        if not ready:
            return None
        first = min(ready, key=lambda queued: queued.deadline)
        del self._ahead[first.leg]
        self._busy.add(first.leg)
        return first

    def _take_partial(self, now: float, ease: Ease) -> Queued[T] | None:
        for leg in [leg for leg, queued in self._partials.items() if queued.deadline < now]:
            self._give_up_partial(leg)
        if len(self._busy) > self._busy_beside_partial:
            return None
        ready = [
            queued
            for leg, queued in self._partials.items()
            if leg not in self._busy and queued.kind in _ALLOWED[ease]
        ]
        if not ready:
            return None
        first = min(ready, key=lambda queued: (queued.kind is Kind.PARTIAL, queued.deadline))
        del self._partials[first.leg]
        self._busy.add(first.leg)
        return first

    def _give_up_partial(self, leg: str) -> None:
        if self._partials.pop(leg, None) is not None:
            self.skipped += 1
