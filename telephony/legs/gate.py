"""Which of a leg's samples are the party's own speech."""

from __future__ import annotations

_SAMPLE_BYTES = 2


class SpeechGate:
    """Silences hold music and cuts what belongs to nobody of the call, to the sample.

    What the caller hears is tapped as the agent's leg, so while the caller is on hold that leg
    carries music, and after the agent's part another party. Times are on the call's clock
    (seconds since the answer), samples are counted, so a burst after a stall is gated as it
    would have been live.

    Args:
        rate: in Hz.
        offset_s: where sample 0 stands on the call's clock.
    """

    def __init__(self, rate: int, offset_s: float) -> None:
        self._rate = rate
        self._offset_s = offset_s
        self._holds: list[tuple[int, int | None]] = []
        self._end: int | None = None

    def hold(self, at_s: float) -> None:
        """From here on the caller hears music."""
        if not self._holds or self._holds[-1][1] is not None:
            self._holds.append((self._sample(at_s), None))

    def resume(self, at_s: float) -> None:
        """The music is over."""
        if self._holds and self._holds[-1][1] is None:
            self._holds[-1] = (self._holds[-1][0], self._sample(at_s))

    def end(self, at_s: float) -> None:
        """The party's part is over."""
        if self._end is None:
            self._end = max(0, self._sample(at_s))

    @property
    def last(self) -> int | None:
        """How many samples the whole leg should have; None while that is open."""
        return self._end

    def passed(self, sample: int, pcm: bytes) -> bytes:
        """Gate consecutive samples, the first of which is number `sample`."""
        count = len(pcm) // _SAMPLE_BYTES
        if self._end is not None:
            count = min(count, max(0, self._end - sample))
        gated = bytearray(pcm[: count * _SAMPLE_BYTES])
        for start, end in self._holds:
            first = max(0, start - sample)
            last = count if end is None else min(count, end - sample)
            if first < last:
                gated[first * _SAMPLE_BYTES : last * _SAMPLE_BYTES] = bytes(
                    (last - first) * _SAMPLE_BYTES
                )
        while self._holds and self._holds[0][1] is not None and self._holds[0][1] <= sample:
            self._holds.pop(0)
        return bytes(gated)

    def _sample(self, at_s: float) -> int:
        return round((at_s - self._offset_s) * self._rate)
