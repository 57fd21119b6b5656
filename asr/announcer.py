"""What recognition says of its legs: events on the bus, as texts and boundaries become known."""

from __future__ import annotations

import structlog

from asr.editor import Editor
from asr.events import (
    AudioGap,
    SpeechStarted,
    SpeechStopped,
    TranscriptFinal,
    TranscriptPartial,
)
from asr.leg import AudioLost
from asr.live_leg import LiveLeg, Segment, Totals
from asr.recognisers.base import Recognition
from asr.resample import RATE
from asr.scheduler import Decoded
from asr.settings import AsrSettings
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters

_log = structlog.get_logger(__name__)


class Announcer:
    """Makes the events of speech and text, and counts them.

    Args:
        settings: of recognition.
        bus: where they go.
        clock: when.
        counters: of gaps and refusals.
        totals: since the start.
    """

    def __init__(
        self, settings: AsrSettings, bus: Bus, clock: Clock, counters: Counters, totals: Totals
    ) -> None:
        self._late_after_s = settings.late_after_s
        self._editor = Editor(settings.lexicon)
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._totals = totals

    def began(self, leg: LiveLeg, start: int) -> None:
        """The leg's open segment has begun at a sample."""
        self._bus.emit(
            SpeechStarted(
                at=self._clock.time(),
                call_id=leg.opened.call_id,
                role=leg.opened.role,
                segment_id=leg.open_segment,
                start=leg.call_time(start),
                continues=leg.continues,
            )
        )

    def ended(self, segment: Segment) -> None:
        """A segment has ended; its final follows."""
        leg = segment.leg
        self._bus.emit(
            SpeechStopped(
                at=self._clock.time(),
                call_id=leg.opened.call_id,
                role=leg.opened.role,
                segment_id=segment.segment_id,
                start=leg.call_time(segment.start),
                end=leg.call_time(segment.end),
                level_db=segment.level_db,
            )
        )

    def lost(self, leg: LiveLeg, lost: AudioLost) -> None:
        """No audio came for a while."""
        self._counters.add("asr_audio_gaps")
        _log.warning(
            "asr_audio_gap",
            leg_id=leg.opened.leg_id,
            seconds=round((lost.end - lost.start) / RATE, 3),
        )
        self._bus.emit(
            AudioGap(
                at=self._clock.time(),
                call_id=leg.opened.call_id,
                role=leg.opened.role,
                leg_id=leg.opened.leg_id,
                start=leg.call_time(lost.start),
                end=leg.call_time(lost.end),
            )
        )

    def partial(self, decoded: Decoded[Segment], *, settled: bool = False) -> None:
        """Show a segment so far; `settled` when it was decoded as a final, up to a pause."""
        segment, recognition = decoded.subject, decoded.recognition
        if recognition is None or not recognition.text:
            return
        if segment.segment_id != segment.leg.open_segment:
            return  # its final is on the way, or out
        text = recognition.text
        if settled:
            text = self._editor.edit(recognition).text
        shown = segment.leg.showing(segment.segment_id)
        stable = shown.revise(text, settled=settled)
        self._totals.partials += 1
        self._bus.emit(
            TranscriptPartial(
                at=self._clock.time(),
                call_id=segment.leg.opened.call_id,
                role=segment.leg.opened.role,
                segment_id=segment.segment_id,
                start=segment.leg.call_time(segment.start),
                end=segment.leg.call_time(segment.end),
                text=text,
                stable=stable,
                revision=shown.revision,
                char_times=segment.char_times(recognition),
            )
        )

    async def final(self, decoded: Decoded[Segment]) -> None:
        """What a segment said, once and for all; without text where it could not be decoded."""
        segment = decoded.subject
        leg = segment.leg
        recognition = decoded.recognition or Recognition(
            text="", language=leg.language.languages[0], refused="failed"
        )
        if recognition.refused:
            self._counters.add("asr_refused", reason=recognition.refused)
        else:
            duration = (segment.end - segment.start) / RATE
            leg.language.heard(recognition.language, recognition.language_probability, duration)
        edited = self._editor.edit(recognition)
        self._totals.segments += 1
        self._totals.redecodes += recognition.redecoded
        leg.shown = None
        now = self._clock.time()
        lag = max(0.0, now - segment.spoken_at) / self._clock.rate
        late = lag > self._late_after_s
        leg.late += late
        self._totals.late += late
        await self._bus.publish(
            TranscriptFinal(
                at=now,
                call_id=leg.opened.call_id,
                role=leg.opened.role,
                leg_id=leg.opened.leg_id,
                segment_id=segment.segment_id,
                start=leg.call_time(segment.start),
                end=leg.call_time(segment.end),
                text=edited.text,
                language=recognition.language,
                confidence=recognition.confidence,
                level_db=segment.level_db,
                lag_s=lag,
                decode_s=decoded.decode_s,
                unintelligible=not recognition.text,
                redecoded=recognition.redecoded,
                late=late,
                char_times=segment.char_times(recognition),
                corrections=edited.corrections,
                display=edited.display,
                continues=segment.continues,
            )
        )
