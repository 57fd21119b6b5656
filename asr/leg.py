"""One side of a call on its way to the recogniser: samples in, segments of speech out. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from asr.audio_buffer import AudioBuffer
from asr.resample import RATE, Audio, Resampler, from_pcm
from asr.segmenter import Begin, Boundary, End, Pause, Segmenter
from asr.settings import VadSettings
from asr.vad import StreamingVad

_BYTES_PER_SAMPLE = 2
_BATCH_S = 0.1  # three frames of a phone at once cost little more than one
_QUIETEST_DB = -120.0
_LONGEST_LEAD_S = 5.0
_LEAD_HOLDS_S = 1.0
_LONGEST_TAIL_S = 2.0


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """Speech starts at `start`, in 16 kHz samples of the leg.

    `goes_on` when the segment before was cut, and this one follows at once.
    """

    start: int
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class SpeechSoFar:
    """The open segment up to `end`, for a partial; `first` when it is the segment's first.

    The first `lead` samples of `audio` belong to the segment before, as in `Speech`.
    """

    start: int
    end: int
    audio: Audio
    audio_start: int
    first: bool
    lead: int = 0


@dataclass(frozen=True, slots=True)
class Speech:
    """A segment. `audio` is what to decode, a little longer than the speech itself.

    Where a sentence was cut to have its beginning soon, the rest is decoded with that beginning,
    without which a recogniser understands less: the first `lead` samples of `audio`. What is
    said in them belongs to the segment before. The beginning is decoded with what was heard of
    the rest by then: `audio` from `tail` on, which belongs to the segment behind.
    """

    start: int
    end: int
    audio: Audio
    audio_start: int
    level_db: float
    lead: int = 0
    tail: int | None = None


@dataclass(frozen=True, slots=True)
class SpeechPaused(Speech):
    """A segment that has probably ended. If it has, the same comes again as `SpeechEnded`.

    When `early`, it comes once more in between, if the silence lasts.
    """

    early: bool = False


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The segment from `start` had only paused."""

    start: int


@dataclass(frozen=True, slots=True)
class SpeechEnded(Speech):
    """A whole segment."""


@dataclass(frozen=True, slots=True)
class AudioLost:
    """No audio came for the time from `start` to `end`, in 16 kHz samples of the leg."""

    start: int
    end: int


LegOutput = SpeechBegan | SpeechSoFar | SpeechPaused | SpeechResumed | SpeechEnded | AudioLost


class LegPipeline:
    """Resamples, detects speech and cuts segments on one leg.

    With `context`, the parts of a sentence that was cut come with each other (see `Speech`).

    Not thread-safe. What comes out does not depend on how the audio was cut into frames. Memory
    is bounded by the longest segment.
    """

    def __init__(
        self,
        rate: int,
        settings: VadSettings,
        *,
        partial_step_s: float,
        first_partial_s: float | None = None,
        context: bool = False,
    ) -> None:
        self._rate = rate
        self._resampler = Resampler(rate)
        self._vad = StreamingVad(10 ** (settings.gate_dbfs / 10))
        self._segmenter = Segmenter(settings)
        self._bridge = round(settings.bridge_gap_s * rate)
        self._step = round(partial_step_s * RATE)
        self._first_step = round((first_partial_s or partial_step_s) * RATE)
        self._batch = round(_BATCH_S * rate) * _BYTES_PER_SAMPLE
        self._expected = 0
        self._pending = bytearray()  # samples up to `expected` that were not yet looked at
        self._buffer = AudioBuffer()
        self._open: Begin | None = None
        self._paused = False
        self._next_partial = 0
        self._context = context
        self._cut: End | None = None  # the last segment, where the speaker went on
        self._lead_from: int | None = None  # of the open segment

    @property
    def expected(self) -> int:
        """The sample, at the leg's own rate, that should come next."""
        return self._expected

    def feed(self, sample: int, pcm: bytes) -> list[LegOutput]:
        """Take consecutive samples in.

        Args:
            sample: index of the first one at the leg's own rate. Above `expected`, audio was
                lost; below it, what was heard already is ignored.
            pcm: 16-bit little-endian; an odd last byte is ignored.
        """
        pcm = pcm[: len(pcm) - len(pcm) % _BYTES_PER_SAMPLE]
        if sample < self._expected:
            pcm = pcm[(self._expected - sample) * _BYTES_PER_SAMPLE :]
            sample = self._expected
        if not pcm:
            return []
        found = self._skip(sample) if sample > self._expected else []
        self._pending += pcm
        self._expected = sample + len(pcm) // _BYTES_PER_SAMPLE
        if len(self._pending) >= self._batch:
            found += self._look()
        return found

    def end_after(self, sample: int) -> list[LegOutput]:
        """Have the open segment end soon after a 16 kHz sample; see `Segmenter.end_after`."""
        return self._outputs(self._segmenter.end_after(sample))

    def close(self) -> list[LegOutput]:
        """The audio ends or breaks off here: what is open comes out."""
        found = self._look()
        found += self._hear(self._resampler.flush())
        return found + self._outputs(self._segmenter.flush())

    def _skip(self, sample: int) -> list[LegOutput]:
        lost = AudioLost(self._at_16k(self._expected), self._at_16k(sample))
        missing = sample - self._expected
        if missing <= self._bridge:
            self._pending += bytes(missing * _BYTES_PER_SAMPLE)
            return [lost]
        found = self.close()
        self._restart(sample)
        return [*found, lost]

    def _look(self) -> list[LegOutput]:
        audio = from_pcm(bytes(self._pending))
        self._pending.clear()
        return self._hear(self._resampler.feed(audio))

    def _restart(self, sample: int) -> None:
        # Silence in the gap needs no hearing: time jumps over it, and the VAD begins anew.
        at = max(self._at_16k(sample), self._segmenter.position)
        self._segmenter.skip_to(at)
        self._cut = None
        self._buffer.restart(at)
        self._vad.reset()

    def _at_16k(self, sample: int) -> int:
        return round(sample * RATE / self._rate)

    def _hear(self, audio: Audio) -> list[LegOutput]:
        self._buffer.append(audio)
        found: list[LegOutput] = []
        for window in self._vad.feed(audio):
            found += self._outputs(self._segmenter.feed(window.probability, window.power))
            found += self._resumed()
            found += self._partial()
        # What was not heard yet, less than a window, must stay too.
        needed = min(self._segmenter.audio_needed_from, self._segmenter.position)
        if self._cut is not None and self._open is None:
            if self._segmenter.position > self._cut.end + _LEAD_HOLDS_S * RATE:
                self._cut = None
            else:
                needed = min(needed, self._lead_of(self._cut))
        elif self._lead_from is not None:
            needed = min(needed, self._lead_from)
        self._buffer.forget_before(needed)
        return found

    def _follow(self, begin: Begin) -> bool:
        """Whether a segment goes on from the one before, which then leads it in."""
        cut, self._cut = self._cut, None
        if cut is None or begin.start > cut.end + _LEAD_HOLDS_S * RATE:
            return False
        if self._context:
            self._lead_from = self._lead_of(cut)
        return True

    def _lead_of(self, cut: End) -> int:
        return max(cut.audio_start, cut.audio_end - round(_LONGEST_LEAD_S * RATE))

    def _outputs(self, boundaries: list[Boundary]) -> list[LegOutput]:
        found: list[LegOutput] = []
        for boundary in boundaries:
            match boundary:
                case Begin():
                    self._open = boundary
                    goes_on = self._follow(boundary)
                    self._next_partial = boundary.start + self._first_step
                    found.append(SpeechBegan(boundary.start, goes_on))
                case Pause(early=True) if not self._step:
                    pass  # it is for those who want to know words soon
                case Pause():
                    self._paused = True
                    found.append(SpeechPaused(*self._heard(boundary), early=boundary.early))
                case End():
                    found.append(SpeechEnded(*self._heard(boundary)))
                    self._open = self._lead_from = None
                    self._paused = False
                    self._cut = boundary if boundary.goes_on else None
        return found

    def _heard(self, boundary: Pause | End) -> tuple[int, int, Audio, int, float, int, int | None]:
        """What `Speech` has of a segment."""
        start, end, until = boundary.start, boundary.end, boundary.audio_end
        audio_start, lead = self._audio_from(boundary.audio_start)
        tail = None
        if self._context and isinstance(boundary, End) and boundary.goes_on:
            heard = self._segmenter.position - until
            tail = until - audio_start if heard else None
            until += min(heard, round(_LONGEST_TAIL_S * RATE))
        audio = self._buffer.cut(audio_start, until)
        level_db = level_dbfs(self._buffer.cut(start, end))
        return start, end, audio, audio_start, level_db, lead, tail

    def _audio_from(self, own: int) -> tuple[int, int]:
        """Where to decode from, for a segment whose own audio starts at `own`; the lead."""
        own = max(own, self._buffer.start)
        if self._lead_from is None:
            return own, 0
        start = max(self._lead_from, self._buffer.start)
        return start, own - start

    def _resumed(self) -> list[LegOutput]:
        if not self._paused or self._open is None or not self._segmenter.voiced:
            return []
        self._paused = False
        return [SpeechResumed(self._open.start)]

    def _partial(self) -> list[LegOutput]:
        position = self._segmenter.position
        if self._open is None or not self._step or position < self._next_partial:
            return []
        if not self._segmenter.voiced:
            return []  # the final may be moments away: a partial now would only delay it
        first = self._next_partial == self._open.start + self._first_step
        self._next_partial = position + self._step
        audio_start, lead = self._audio_from(self._open.audio_start)
        audio = self._buffer.cut(audio_start, position)
        return [SpeechSoFar(self._open.start, position, audio, audio_start, first, lead)]


def level_dbfs(audio: Audio) -> float:
    """RMS in dB relative to full scale, −120 for silence."""
    if not len(audio):
        return _QUIETEST_DB
    power = float(np.dot(audio, audio)) / len(audio)
    return max(_QUIETEST_DB, 10 * math.log10(power)) if power > 0 else _QUIETEST_DB
