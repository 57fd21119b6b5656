"""The stretch of a leg that may still be asked for."""

from __future__ import annotations

import numpy as np

from asr.resample import Audio

_FIRST_CAPACITY = 16_000


class AudioBuffer:
    """Samples from `start` to `end` on a leg's clock; the front is forgotten as time goes on.

    Appending copies only what is appended, save when the room must grow.
    """

    def __init__(self) -> None:
        self._room = np.zeros(_FIRST_CAPACITY, np.float32)
        self._first = 0  # index in the room of the sample `start`
        self._last = 0
        self.start = 0

    @property
    def end(self) -> int:
        """The sample after the last one held."""
        return self.start + self._last - self._first

    def append(self, audio: Audio) -> None:
        """Add samples at the end."""
        held = self._last - self._first
        if self._last + len(audio) > len(self._room):
            room = self._room
            if held + len(audio) > len(room) // 2:
                room = np.zeros(2 * (held + len(audio)), np.float32)
            room[:held] = self._room[self._first : self._last].copy()
            self._room, self._first, self._last = room, 0, held
        self._room[self._last : self._last + len(audio)] = audio
        self._last += len(audio)

    def cut(self, start: int, end: int) -> Audio:
        """A copy of the samples from `start` to `end`, as far as they are held."""
        first = self._first + max(0, start - self.start)
        last = min(self._last, self._first + end - self.start)
        return self._room[first : max(first, last)].copy()

    def forget_before(self, sample: int) -> None:
        """Drop what lies before `sample`."""
        gone = min(max(0, sample - self.start), self._last - self._first)
        self._first += gone
        self.start += gone

    def restart(self, sample: int) -> None:
        """Drop everything and go on at `sample`."""
        self._first = self._last = 0
        self.start = sample
