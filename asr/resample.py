"""Any sampling rate to the recogniser's 16 kHz, one stream per leg."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

RATE = 16_000
"""Samples per second that voice activity detection and recognition work at."""

Audio = npt.NDArray[np.float32]
"""Mono samples in −1..1."""


def from_pcm(pcm: bytes) -> Audio:
    """16-bit little-endian samples as float32 in −1..1."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32_768.0


class Resampler:
    """Streams mono audio from `rate` to 16 kHz.

    Output sample n lies at n/16000 s of the input exactly: soxr holds samples back (some
    100 ms at 8 kHz) rather than shifting them. What comes out does not depend on how the input
    was cut into chunks. Not thread-safe.
    """

    def __init__(self, rate: int) -> None:
        if rate <= 0:
            raise ValueError("a sampling rate must be above zero")
        self.rate = rate
        self._stream = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="float32")

    def feed(self, audio: Audio) -> Audio:
        """Take samples in; return those that are ready."""
        if self._stream is None:
            return audio
        ready: Audio = self._stream.resample_chunk(audio)
        return ready

    def flush(self) -> Audio:
        """Return what is still held back and begin anew: the next sample fed is sample 0."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        rest: Audio = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        self._stream.clear()
        return rest
