"""What the transcriber keeps of the legs that it hears."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from asr.language import LanguageLock
from asr.leg import LegPipeline
from asr.recognisers.base import Recognition
from asr.resample import RATE
from asr.scheduler import Decoded
from asr.text import common_prefix
from backbone.counters import Counters
from backbone.media import AudioFrame, LegOpened

_SENTENCE_ENDS = "。.，,？?！!、… "
_SILENT = str.maketrans("", "", _SENTENCE_ENDS)
_EARLY_LEGS = 64
_EARLY_FRAMES = 250  # 5 s of 20 ms frames


@dataclass(slots=True)
class Shown:
    """The last partial of an open segment."""

    segment_id: str
    text: str = ""
    revision: int = 0
    settled: str = ""

    def revise(self, text: str, *, settled: bool) -> int:
        """Show another text; how many characters at its beginning will hardly change any more.

        Args:
            text: what the segment sounds like now.
            settled: it was decoded up to a pause. All of it stays but how it ends: the recogniser
                took the pause for the end of the sentence.
        """
        stable = len(text.rstrip(_SENTENCE_ENDS)) if settled else common_prefix(self.text, text)
        self.settled = text if settled else self.settled
        self.text = text
        self.revision += 1
        return stable

    @property
    def heard_otherwise(self) -> bool:
        """Whether what was decoded up to a pause was heard as something else since."""
        return not self.text.translate(_SILENT).startswith(self.settled.translate(_SILENT))


@dataclass(slots=True)
class LiveLeg:
    """A leg that is heard, until its last final is out."""

    opened: LegOpened
    pipeline: LegPipeline
    language: LanguageLock
    heard_at: float = 0.0  # clock time when the audio up to `expected` arrived
    segments: int = 0
    unfinished: int = 0
    late: int = 0
    closed: bool = False
    open_segment: str = ""  # its id; empty while nobody speaks
    last_segment: str = ""
    continues: str = ""  # the segment that the open one goes on from
    shown: Shown | None = None
    ahead: Segment | None = None  # has probably ended, and is decoded ahead
    settled: Segment | None = None  # the open segment up to its last pause, decoded as a final

    def showing(self, segment_id: str) -> Shown:
        """What is shown of a segment."""
        if self.shown is None or self.shown.segment_id != segment_id:
            self.shown = Shown(segment_id)
        return self.shown

    def call_time(self, sample: int) -> float:
        """A 16 kHz sample on the call's clock."""
        return self.opened.offset_s + sample / RATE

    def sample(self, call_time: float) -> int:
        """The 16 kHz sample at a time on the call's clock."""
        return round((call_time - self.opened.offset_s) * RATE)

    def spoken_at(self, sample: int) -> float:
        """When a 16 kHz sample was spoken, on the system's clock."""
        heard_s = self.pipeline.expected / self.opened.rate
        return self.heard_at - (heard_s - sample / RATE)


@dataclass(slots=True)
class Segment:
    """What is decoded, partially or finally.

    A segment that is decoded ahead has its outcome in `decoded` until its end is certain, or is
    `ended` before there is an outcome.
    """

    leg: LiveLeg
    segment_id: str
    start: int
    end: int
    spoken_at: float
    level_db: float = 0.0
    audio_start: int = 0
    continues: str = ""
    ended: bool = False
    decoded: Decoded[Segment] | None = None

    def char_times(self, recognition: Recognition) -> tuple[float, ...]:
        """On the call's clock, when each character was said that was recognised in its audio."""
        begin = self.leg.call_time(self.audio_start)
        return tuple(round(begin + seconds, 2) for seconds in recognition.char_times)

    def same_speech(self, start: int, end: int) -> bool:
        """Whether the speech is that of these samples."""
        return (self.start, self.end) == (start, end)


@dataclass(slots=True)
class Totals:
    """Counts since the start."""

    segments: int = 0
    partials: int = 0
    redecodes: int = 0
    late: int = 0
    ahead: int = 0
    ahead_wasted: int = 0
    audio_s: float = 0.0


class EarlyAudio:
    """A little audio of legs that are not announced yet: it may overtake the stored event."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._frames: OrderedDict[str, deque[AudioFrame]] = OrderedDict()

    def keep(self, frame: AudioFrame) -> None:
        """Keep a frame; the oldest of a leg, or the oldest leg, gives way and is counted."""
        waiting = self._frames.get(frame.leg_id)
        if waiting is None:
            if len(self._frames) >= _EARLY_LEGS:
                _, dropped = self._frames.popitem(last=False)
                self._counters.add("asr_unannounced_frames", len(dropped))
            waiting = self._frames[frame.leg_id] = deque()
        if len(waiting) >= _EARLY_FRAMES:
            waiting.popleft()
            self._counters.add("asr_unannounced_frames")
        waiting.append(frame)

    def take(self, leg_id: str) -> deque[AudioFrame]:
        """What was kept of a leg, which is known from now on."""
        return self._frames.pop(leg_id, deque())
