"""A leg's samples put in order. Pure: no file, no clock."""

from __future__ import annotations

from collections.abc import Iterator

_SAMPLE_BYTES = 2
_SILENCE = bytes(64 * 1024)
LONGEST_GAP_S = 3_600
"""A longer jump is a broken sender's: it is no time that passed in a call."""


class Tape:
    """Keeps a leg's sample clock: what is missing becomes silence, what comes twice is cut.

    Args:
        rate: in Hz.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.position = 0
        """Samples handed out so far."""
        self.missing = 0
        """Of these, how many are silence in the place of lost ones."""

    def take(self, sample: int, pcm: bytes) -> Iterator[bytes]:
        """Lay consecutive samples, the first of which is number `sample`, on the tape.

        Args:
            sample: index on the leg's sample clock.
            pcm: mono 16-bit signed little-endian; half a sample at the end is dropped.

        Yields:
            What follows on the tape, in pieces of at most 64 KiB where it is silence.
        """
        count = len(pcm) // _SAMPLE_BYTES
        known = max(0, self.position - sample)
        if known >= count:
            return
        yield from self.pad(sample)
        if sample > self.position:
            return  # beyond the longest gap
        self.position += count - known
        yield pcm[known * _SAMPLE_BYTES : count * _SAMPLE_BYTES]

    def pad(self, sample: int) -> Iterator[bytes]:
        """Lay silence up to before number `sample`, as `take`; nothing beyond the longest gap."""
        gap = sample - self.position
        if gap > LONGEST_GAP_S * self.rate:
            self.missing += 1
            return
        while gap > 0:
            count = min(gap, len(_SILENCE) // _SAMPLE_BYTES)
            self.position += count
            self.missing += count
            gap -= count
            yield _SILENCE[: count * _SAMPLE_BYTES]
