"""A leg's sample clock beside the time that passes. Pure: arrivals in, samples and jumps out.

Asterisk makes a frame of a tapped leg at each tick of a timer. Two things let the count of samples
fall behind the time, and what is said after it would be told as said too early:

- Under overload ticks are lost. The party's audio then waits for a tick, half a second of it at
  most (`AST_AUDIOHOOK_LONG_QUEUE_TOLERANCE` in Asterisk's audiohook.c), and beyond that all that
  waits is thrown away. Up to half a second behind is therefore delay, and more of it is loss.
- A party whose phone sends nothing (silence suppression, its own mute or hold) gives no frames.
  One gap between arrivals tells such a pause from lost ticks, which go missing here and there.

A reader or a network that stalled is neither: what had to wait comes in a burst, and the count
catches up. So audio that seems to come late is held until that is certain, and goes out whole.
"""

from __future__ import annotations

from typing import NamedTuple

SAMPLE_BYTES = 2
WAITING_S = 0.5
"""So much may wait within Asterisk; a leg behind by no more has lost nothing."""
PAUSE_S = 0.5
"""Nothing for so long at a stretch is the party's silence."""
SILENT_S = 0.2
"""What a leg may be behind whose sender always stops with its party."""
CERTAIN_S = 0.2
"""No burst comes any more. It takes milliseconds, and each reading of it brings the leg nearer."""
NEARER_S = 0.05
"""More than the jitter of frames of 20 ms."""


class Timed(NamedTuple):
    """Audio to hand on, after `silence` samples never sent and `lost` ones that were thrown away.

    Nothing of `pcm` is ever dropped or changed.
    """

    silence: int
    lost: int
    pcm: bytes


NOTHING = Timed(0, 0, b"")


class SampleClock:
    """Says what is missing before the audio that arrived.

    Args:
        rate: in Hz.
        began: when sample 0 was heard, in seconds on a clock that never steps.
        silent: the sender sends nothing while the party sends nothing, and loses no ticks: what
            is behind is silence, however it came about.
    """

    def __init__(self, rate: int, began: float, *, silent: bool = False) -> None:
        self._rate = rate
        self._began = began
        self._silent = silent
        self._tolerated_s = SILENT_S if silent else WAITING_S
        self._position = 0
        self._held = bytearray()
        self._arrived = began
        self._unsent_s = 0.0  # of what the leg is behind, in pauses
        # While audio is held: how far behind when last it came nearer, since when, and at least.
        self._held_at_s = 0.0
        self._since = 0.0
        self._least_s = 0.0

    def take(self, pcm: bytes, now: float) -> Timed:
        """Take all that arrived by `now`; return what may go on, which may be nothing yet."""
        gap = now - self._arrived - len(pcm) / SAMPLE_BYTES / self._rate
        self._arrived = now
        holds = bool(self._held)
        self._held += pcm
        behind = now - self._began - (self._position + self._waiting) / self._rate
        if gap >= PAUSE_S:
            self._unsent_s += gap
        self._unsent_s = min(self._unsent_s, max(0.0, behind))
        if behind <= self._tolerated_s:
            return self._go_on(0.0)
        if not holds or behind < self._held_at_s - NEARER_S:
            self._held_at_s = self._least_s = behind
            self._since = now
        self._least_s = min(self._least_s, behind)
        return self._go_on(self._least_s) if now - self._since >= CERTAIN_S else NOTHING

    def rest(self) -> Timed:
        """No more comes: what was held goes on."""
        return self._go_on(self._least_s) if self._held else NOTHING

    @property
    def _waiting(self) -> int:
        return len(self._held) // SAMPLE_BYTES

    def _go_on(self, behind_s: float) -> Timed:
        behind = round(behind_s * self._rate)
        unsent = behind if self._silent else min(behind, round(self._unsent_s * self._rate))
        timed = Timed(unsent, behind - unsent, bytes(self._held))
        if behind:
            self._unsent_s = 0.0
        self._position += behind + self._waiting
        self._held.clear()
        return timed
