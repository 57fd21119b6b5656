"""Where speech begins and ends: a pure state machine over 32 ms windows.

It is told, window by window, the speech probability and the power, and says where segments
begin and end, and in a pause already where one will end if speech does not go on. Positions are
samples at 16 kHz on the leg's own clock. Fed the same windows it gives the same segments, however
the audio was cut on its way here.

    idle ──first voiced window──▶ candidate ──enough voiced──▶ speaking
     ▲                               │ silence                    │ silence: end
     └───────────────────────────────┴────────────────────────────┘ too long, or its end is
                                                                    wanted: split, go on
"""

from __future__ import annotations

import enum
import math
import statistics
from dataclasses import dataclass

from asr.settings import VadSettings
from asr.vad import WINDOW

RATE = 16_000

# A split looks for the quietest stretch of this many windows (some 100 ms: a breath).
_QUIET_WINDOWS = 3

# A segment whose end is wanted ends between two words where that is to be heard: where it is so
# much quieter than the segment's median, or at the quietest point once so long was looked for it.
_GAP_RATIO = 10 ** (-12 / 10)
_LONGEST_SEARCH_S = 0.35


class State(enum.Enum):
    """What the segmenter takes the leg to be doing."""

    IDLE = "idle"
    CANDIDATE = "candidate"
    SPEAKING = "speaking"


@dataclass(frozen=True, slots=True)
class Begin:
    """A segment has begun. Speech starts at `start`; decode from `audio_start`."""

    start: int
    audio_start: int


@dataclass(frozen=True, slots=True)
class End:
    """The open segment has ended. Speech ran from `start` to `end`; decode to `audio_end`.

    `goes_on` when the speaker went on, or may have: the segment grew too long, or its end was
    wanted.
    """

    start: int
    end: int
    audio_start: int
    audio_end: int
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """The open segment has probably ended. If it has, its `End` will say exactly the same.

    One that is `early` comes first, after a shorter silence: of that, `End` may have a little more.
    """

    start: int
    end: int
    audio_start: int
    audio_end: int
    early: bool = False


Boundary = Begin | Pause | End


def _windows(seconds: float) -> int:
    return max(0, round(seconds * RATE / WINDOW))


class Segmenter:
    """Cuts one leg into segments.

    Segments are in order and never overlap, neither in speech nor in the audio to decode. Every
    voiced window lies in exactly one of them, unless it belongs to speech shorter than
    `min_speech_s`.
    """

    def __init__(self, settings: VadSettings) -> None:
        self._threshold = settings.threshold
        self._release = settings.release
        self._gate = 10 ** (settings.gate_dbfs / 10)
        self._min_voiced = max(1, _windows(settings.min_speech_s))
        self._end_silence = max(1, _windows(settings.end_silence_s))
        self._longest = max(2, _windows(settings.max_segment_s))
        self._pre_roll = round(settings.pre_roll_s * RATE)
        self._post_roll = round(settings.post_roll_s * RATE)
        # 0 for never
        self._likely_end = math.ceil(settings.likely_end_s * RATE / WINDOW)
        self._early_end = math.ceil(settings.early_end_s * RATE / WINDOW)
        self._longest_search = _windows(_LONGEST_SEARCH_S)
        self.state = State.IDLE
        self._position = 0
        self._origin = 0  # audio before this is not there, or belongs to another segment
        self._start = 0
        self._audio_start = 0
        self._voiced: list[bool] = []  # of the open segment's windows
        self._power: list[float] = []
        self._silence = 0  # windows since the last voiced one
        self._wanted: int | None = None  # the open segment shall end soon after this sample

    @property
    def position(self) -> int:
        """The sample after the last window heard."""
        return self._position

    @property
    def voiced(self) -> bool:
        """Whether the last window heard was speech of an open segment."""
        return bool(self._voiced) and self._voiced[-1]

    @property
    def audio_needed_from(self) -> int:
        """No segment will ask for audio before this sample."""
        if self.state is State.IDLE:
            return max(self._origin, self._position - self._pre_roll)
        return self._audio_start

    def feed(self, probability: float, power: float) -> list[Boundary]:
        """Hear one window.

        Args:
            probability: of speech, 0..1.
            power: mean square of the samples, 1 for full scale.
        """
        at = self._position
        self._position += WINDOW
        limit = self._threshold if self.state is State.IDLE else self._release
        voiced = probability >= limit and power >= self._gate
        if self.state is State.IDLE:
            if not voiced:
                return []
            self._open(at)
        self._voiced.append(voiced)
        self._power.append(power)
        self._silence = 0 if voiced else self._silence + 1
        found: list[Boundary] = []
        if self.state is State.CANDIDATE and sum(self._voiced) >= self._min_voiced:
            found.append(self._confirm())
        if self._silence >= self._end_silence:
            found += self._close()
        elif self._wanted is not None and (ended := self._end_wanted(self._wanted)):
            found += ended
        elif len(self._voiced) >= self._longest:
            found += self._split()
        elif self.state is State.SPEAKING and self._silence == self._likely_end > 0:
            found.append(Pause(self._start, *self._extent()))
        elif self.state is State.SPEAKING and self._silence == self._early_end > 0:
            found.append(Pause(self._start, *self._extent(), early=True))
        return found

    def flush(self) -> list[Boundary]:
        """The audio ends or breaks off here: close what is open."""
        return self._close()

    def end_after(self, sample: int) -> list[Boundary]:
        """Have the open segment end soon after a sample: in a pause, or else between two words.

        Where that sample lies before the segment, or none is open, nothing happens.
        """
        if self.state is not State.SPEAKING or sample <= self._start:
            return []
        if self._wanted is None:
            self._wanted = sample
        return self._end_wanted(self._wanted)

    def skip_to(self, sample: int) -> None:
        """Go on at `sample` after a gap. Call `flush` before.

        Raises:
            ValueError: a segment is open, or time would run backwards.
        """
        if self.state is not State.IDLE:
            raise ValueError("flush before a gap")
        if sample < self._position:
            raise ValueError("a gap cannot lead back in time")
        self._position = self._origin = sample

    def _open(self, at: int) -> None:
        self.state = State.CANDIDATE
        self._start = at
        self._audio_start = max(self._origin, at - self._pre_roll)
        self._silence = 0
        self._wanted = None

    def _confirm(self) -> Begin:
        self.state = State.SPEAKING
        return Begin(self._start, self._audio_start)

    def _close(self, *, goes_on: bool = False) -> list[Boundary]:
        found: list[Boundary] = []
        if self.state is State.SPEAKING:
            end, audio_start, audio_end = self._extent()
            found.append(End(self._start, end, audio_start, audio_end, goes_on=goes_on))
            self._origin = audio_end
        self._go_idle()
        return found

    def _go_idle(self) -> None:
        self.state = State.IDLE
        self._voiced.clear()
        self._power.clear()

    def _extent(self) -> tuple[int, int, int]:
        """End of the speech so far, and the audio to decode."""
        end = self._start + (len(self._voiced) - self._silence) * WINDOW
        return end, self._audio_start, min(end + self._post_roll, self._position)

    def _split(self) -> list[Boundary]:
        """Cut a segment that grew too long, in the middle of its quietest stretch."""
        if self.state is State.CANDIDATE:  # blips far apart that never became speech
            return self._close()
        return self._cut(self._quietest(max(len(self._power) // 2, 1)))

    def _end_wanted(self, after: int) -> list[Boundary]:
        """End the open segment as wanted, if there is a good place for it by now."""
        if self._silence >= self._early_end > 0:
            return self._close(goes_on=True)
        first = max(1, math.ceil((after - self._start) / WINDOW))
        searched = len(self._power) - first
        # A cut leaves something voiced before it, and a whole stretch to judge by behind it.
        if searched < _QUIET_WINDOWS or not any(self._voiced[:first]):
            return []
        cut = self._quietest(first)
        median = statistics.median(self._power)
        if self._loudness(cut) > _GAP_RATIO * median and searched < self._longest_search:
            return []
        return self._cut(cut)

    def _cut(self, cut: int) -> list[Boundary]:
        """End the open segment before a window, and go on with the rest."""
        boundary = self._start + cut * WINDOW
        self._wanted = None
        last = max(i for i, voiced in enumerate(self._voiced[:cut]) if voiced)
        end = self._start + (last + 1) * WINDOW
        found: list[Boundary] = [End(self._start, end, self._audio_start, boundary, goes_on=True)]
        self._origin = boundary
        rest_voiced, rest_power = self._voiced[cut:], self._power[cut:]
        if not any(rest_voiced):
            self._go_idle()
            return found
        # The rest is speech already proven: it is a segment at once, however short.
        first = rest_voiced.index(True)
        self._start = boundary + first * WINDOW
        self._audio_start = max(boundary, self._start - self._pre_roll)
        self._voiced, self._power = rest_voiced[first:], rest_power[first:]
        found.append(self._confirm())
        return found

    def _quietest(self, first: int) -> int:
        """The window to cut before: the quietest stretch from one on, the later on a tie."""
        # The last window cannot be judged yet: what follows it is part of the stretch.
        candidates = range(first, max(first + 1, len(self._power) - 1))
        return min(candidates, key=lambda cut: (self._loudness(cut), -cut))

    def _loudness(self, cut: int) -> float:
        """Power of the loudest window of the stretch around a cut."""
        return max(self._power[max(0, cut - 1) : cut - 1 + _QUIET_WINDOWS])
