"""The component: audio legs on the bus in, transcripts on the bus out."""

from __future__ import annotations

import asyncio

import structlog

from asr.announcer import Announcer
from asr.decode_queue import Kind
from asr.events import (
    AsrHealth,
    FinalWanted,
    LegTranscribed,
)
from asr.health import HealthReport
from asr.language import LanguageLock
from asr.leg import (
    AudioLost,
    LegOutput,
    LegPipeline,
    Speech,
    SpeechBegan,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechSoFar,
)
from asr.live_leg import EarlyAudio, LiveLeg, Segment, Totals
from asr.load import Ease
from asr.recognisers.base import Recogniser
from asr.resample import RATE
from asr.scheduler import Decoded, DecodeScheduler, Work
from asr.settings import AsrSettings
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.ids import stable_id
from backbone.media import AudioFrame, LegClosed, LegOpened

_log = structlog.get_logger(__name__)

_HEALTH_EVERY_S = 1.0


_HURRY_SHARE = 0.1
"""Of what makes a final late: one that has waited so long is decoded quickly."""


class Transcriber:
    """Listens to every leg on the bus and publishes what is said.

    Each segment that held speech gets exactly one `TranscriptFinal`, whatever happens while it
    is decoded; `LegTranscribed` follows the last one of a leg that has closed.
    """

    def __init__(
        self,
        settings: AsrSettings,
        recogniser: Recogniser,
        bus: Bus,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._scheduler: DecodeScheduler[Segment] = DecodeScheduler(
            recogniser,
            settings.parallel,
            clock,
            counters,
            memory_s=settings.waiting_memory_s,
            hurry_after_s=settings.late_after_s * _HURRY_SHARE,
        )
        self._recogniser = recogniser
        self._legs: dict[str, LiveLeg] = {}
        self._early = EarlyAudio(counters)
        self._totals = Totals()
        self._announce = Announcer(settings, bus, clock, counters, self._totals)
        self._report = HealthReport(
            settings, recogniser, self._scheduler, self._totals, clock=clock, counters=counters
        )
        self._caught_up = asyncio.Event()
        # From here on nothing is missed, even before `run` gets its turn.
        self._events = bus.subscribe(
            "asr",
            LegOpened, AudioFrame, LegClosed, FinalWanted,
            maxsize=settings.audio_queue_frames,
        )  # fmt: skip

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._scheduler.run(self._deliver))
                group.create_task(self._listen())
                group.create_task(self._tell_health())
        finally:
            self._events.close()

    async def has_room(self, most_finals: int) -> None:
        """Wait until all audio was heard and at most so many finals wait.

        For sources that can be held back, so that nothing of theirs is ever dropped.
        """
        while self._events.depth:
            self._caught_up.clear()
            await self._caught_up.wait()
        await self._scheduler.has_room(most_finals)

    # Audio in

    async def _listen(self) -> None:
        async for envelope in self._events:
            match envelope.event:
                case LegOpened() as opened:
                    await self._open(opened)
                case AudioFrame() as frame:
                    await self._hear(frame)
                case LegClosed() as closed:
                    await self._close(closed)
                case FinalWanted() as wanted:
                    await self._end_segment(wanted)
            if not self._events.depth:
                self._caught_up.set()

    async def _open(self, opened: LegOpened) -> None:
        if opened.leg_id in self._legs:
            return
        settings = self._settings
        pipeline = LegPipeline(
            opened.rate,
            settings.vad,
            partial_step_s=settings.partial_step_s,
            first_partial_s=settings.first_partial_s,
            context=self._recogniser.capabilities.words,
        )
        self._legs[opened.leg_id] = LiveLeg(opened, pipeline, LanguageLock(settings.language))
        for frame in self._early.take(opened.leg_id):
            await self._hear(frame)

    async def _hear(self, frame: AudioFrame) -> None:
        leg = self._legs.get(frame.leg_id)
        if leg is None:
            self._early.keep(frame)
            return
        before = leg.pipeline.expected
        outputs = leg.pipeline.feed(frame.sample, frame.pcm)
        leg.heard_at = frame.at
        self._totals.audio_s += (leg.pipeline.expected - before) / leg.opened.rate
        await self._take(leg, outputs)

    async def _close(self, closed: LegClosed) -> None:
        leg = self._legs.get(closed.leg_id)
        if leg is None or leg.closed:
            return
        leg.closed = True
        outputs = leg.pipeline.close()
        rate = leg.opened.rate
        if closed.samples > leg.pipeline.expected:
            outputs.append(
                AudioLost(
                    round(leg.pipeline.expected * RATE / rate), round(closed.samples * RATE / rate)
                )
            )
        await self._take(leg, outputs)
        await self._finish(leg)

    async def _end_segment(self, wanted: FinalWanted) -> None:
        for leg in list(self._legs.values()):
            if (leg.opened.call_id, leg.opened.role) != (wanted.call_id, wanted.role):
                continue
            if leg.open_segment == wanted.segment_id:
                await self._take(leg, leg.pipeline.end_after(leg.sample(wanted.after)))

    async def _take(self, leg: LiveLeg, outputs: list[LegOutput]) -> None:
        for output in outputs:
            match output:
                case SpeechBegan():
                    self._began(leg, output)
                case SpeechSoFar():
                    await self._so_far(leg, output)
                case SpeechPaused():
                    await self._paused(leg, output)
                case SpeechResumed():
                    self._resumed(leg)
                case SpeechEnded():
                    await self._ended(leg, output)
                case AudioLost():
                    self._announce.lost(leg, output)

    def _segment_id(self, leg: LiveLeg, start: int) -> str:
        return stable_id(leg.opened.leg_id, start)

    def _began(self, leg: LiveLeg, speech: SpeechBegan) -> None:
        leg.continues = leg.last_segment if speech.goes_on else ""
        leg.open_segment = leg.last_segment = self._segment_id(leg, speech.start)
        self._announce.began(leg, speech.start)

    async def _so_far(self, leg: LiveLeg, speech: SpeechSoFar) -> None:
        segment = Segment(
            leg,
            self._segment_id(leg, speech.start),
            speech.start,
            speech.end,
            leg.spoken_at(speech.end),
            audio_start=speech.audio_start,
        )
        # When the next one is due, this one is stale.
        deadline = self._clock.time() + self._settings.partial_step_s
        await self._scheduler.add_partial(
            leg.opened.leg_id,
            deadline,
            # Where words were said in it tells how far back its final may end, if one is wanted.
            Work(
                speech.audio,
                lambda: leg.language.languages,
                segment,
                timed=self._scheduler.ease is Ease.CALM,
                lead=speech.lead,
            ),
            first=speech.first,
        )

    def _segment(self, leg: LiveLeg, speech: Speech) -> Segment:
        return Segment(
            leg,
            self._segment_id(leg, speech.start),
            speech.start,
            speech.end,
            leg.spoken_at(speech.end),
            speech.level_db,
            speech.audio_start,
            leg.continues,
        )

    @staticmethod
    def _work(speech: Speech, segment: Segment) -> Work[Segment]:
        language = segment.leg.language
        return Work(
            speech.audio, lambda: language.languages, segment, lead=speech.lead, tail=speech.tail
        )

    async def _paused(self, leg: LiveLeg, speech: SpeechPaused) -> None:
        if speech.early and self._scheduler.ease is not Ease.CALM:
            return
        if leg.ahead is not None and leg.ahead.same_speech(speech.start, speech.end):
            return  # since its early pause
        leg.ahead = self._segment(leg, speech)
        await self._scheduler.add_ahead(
            leg.opened.leg_id,
            leg.opened.at + speech.end / RATE,
            self._work(speech, leg.ahead),
        )

    def _resumed(self, leg: LiveLeg) -> None:
        """The segment goes on: what was decoded ahead of its end is only settled."""
        leg.ahead = None
        self._scheduler.drop_ahead(leg.opened.leg_id)

    async def _ended(self, leg: LiveLeg, speech: SpeechEnded) -> None:
        segment = self._segment(leg, speech)
        leg.segments += 1
        leg.unfinished += 1
        leg.open_segment = ""
        self._announce.ended(segment)
        ahead, settled = leg.ahead, leg.settled
        leg.ahead = leg.settled = None
        if settled is not None:
            # Along with what followed it may have been understood better.
            stale = speech.tail is not None and leg.showing(segment.segment_id).heard_otherwise
            same = settled.same_speech(segment.start, segment.end)
            if same and settled.decoded is not None and not stale:
                self._totals.ahead += 1
                await self._final(settled.decoded)
                return
            self._totals.ahead_wasted += 1
        if (
            ahead is not None
            and ahead.same_speech(segment.start, segment.end)
            and not self._scheduler.drop_ahead(leg.opened.leg_id)
        ):
            ahead.ended = True  # it is being decoded
            return
        await self._scheduler.add_final(
            leg.opened.leg_id,
            leg.opened.at + segment.end / RATE,  # also in order when audio comes faster
            self._work(speech, segment),
        )

    # Text out

    async def _deliver(self, decoded: Decoded[Segment]) -> None:
        segment = decoded.subject
        match decoded.kind:
            case Kind.FINAL:
                await self._final(decoded)
            case Kind.AHEAD if segment.ended:
                self._totals.ahead += 1
                await self._final(decoded)
            case Kind.AHEAD if decoded.recognition is None:
                if segment is segment.leg.ahead:
                    segment.leg.ahead = None  # its final shall have a chance of its own
            case Kind.AHEAD:
                self._settled(decoded)
            case _:
                self._announce.partial(decoded)

    def _settled(self, decoded: Decoded[Segment]) -> None:
        """The open segment up to a pause: its final if it ends there, and shown at once."""
        segment = decoded.subject
        leg = segment.leg
        if segment.segment_id != leg.open_segment:
            self._totals.ahead_wasted += 1
            return
        self._totals.ahead_wasted += leg.settled is not None
        segment.decoded = decoded
        leg.settled = segment
        self._announce.partial(decoded, settled=True)

    async def _final(self, decoded: Decoded[Segment]) -> None:
        await self._announce.final(decoded)
        leg = decoded.subject.leg
        leg.unfinished -= 1
        await self._finish(leg)

    async def _finish(self, leg: LiveLeg) -> None:
        """Once a closed leg's last final is out, say so and forget it."""
        if not leg.closed or leg.unfinished or leg.opened.leg_id not in self._legs:
            return
        del self._legs[leg.opened.leg_id]
        await self._bus.publish(
            LegTranscribed(
                at=self._clock.time(),
                call_id=leg.opened.call_id,
                role=leg.opened.role,
                leg_id=leg.opened.leg_id,
                segments=leg.segments,
                late=leg.late,
            )
        )

    # Health

    async def _tell_health(self) -> None:
        while True:
            self._bus.emit(self.health())
            await self._clock.sleep(_HEALTH_EVERY_S)

    def health(self) -> AsrHealth:
        """How recognition is doing now."""
        return self._report.now(legs=len(self._legs))
