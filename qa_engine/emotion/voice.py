"""How raised, hasty and impatient a voice is, beside how the same speaker sounded before."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

LOUDER_DB = 4.0
"""A rise of so many decibels is half of the loudest that counts."""
FASTER = 1.25
"""So many times the usual rate is half of the fastest that counts."""
CUT_IN_S = 0.8
"""Speaking at the same time for so long is cutting in, not a back-channel."""

_FEW = 2
_REMEMBERED = 12
_SHORTEST = 4
"""Fewer characters than these tell no rate."""


@dataclass(frozen=True, slots=True)
class Voice:
    """0..1 each: louder and faster than this speaker's own median, and cutting in."""

    loudness: float
    rate: float
    interruption: float

    @property
    def arousal(self) -> float:
        """The three together, 0..1; one of them alone can reach 0.6."""
        return min(
            1.0,
            0.6 * max(self.loudness, self.rate, self.interruption)
            + 0.2 * (self.loudness + self.rate + self.interruption),
        )


class VoiceBaseline:
    """One speaker over one call."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=_REMEMBERED)
        self._rates: deque[float] = deque(maxlen=_REMEMBERED)

    def hear(self, level_db: float, characters: int, seconds: float, overlap_s: float) -> Voice:
        """Measure one segment.

        Args:
            level_db: RMS in dBFS.
            characters: that were said.
            seconds: that it took.
            overlap_s: of them, while the other side was speaking already.
        """
        rate = characters / seconds if seconds > 0 and characters >= _SHORTEST else None
        loud = fast = 0.0
        if len(self._levels) >= _FEW:
            loud = _unit((level_db - median(self._levels)) / (2 * LOUDER_DB))
        if rate is not None and len(self._rates) >= _FEW:
            fast = _unit((rate / median(self._rates) - 1) / (2 * (FASTER - 1)))
        self._levels.append(level_db)
        if rate is not None:
            self._rates.append(rate)
        return Voice(loud, fast, _unit(overlap_s / (2 * CUT_IN_S)))


def _unit(value: float) -> float:
    return max(0.0, min(1.0, value))
