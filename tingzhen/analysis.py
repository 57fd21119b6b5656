"""A recorded call, transcribed and judged by the same parts as a live one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from asr.audio_file import AudioFile
from asr.events import SpeechStarted, SpeechStopped, TranscriptFinal, TranscriptPartial
from asr.offline import transcribe_files
from asr.recognisers.base import Recogniser
from asr.settings import AsrSettings
from backbone.clock import Clock
from backbone.events import Event
from backbone.ids import new_id
from backbone.media import LegOpened, Role
from qa_engine.events import TopicDetected
from qa_engine.guidance.call import CallGuidance
from qa_engine.guidance.content import Guidance
from qa_engine.judge import CallJudge
from qa_engine.pack import Pack
from telephony.events import CallConnected, CallEnded, CallJoined, CallRecord

_TICK_S = 0.25
_ENDPOINT_S = 0.6
"""Silence after which a live segment ends; a recording is judged as if it were heard live."""

Judged = tuple[float, Event]
"""An event and when it is known, in seconds on the call's clock."""


def duration_of(files: Mapping[Role, Path]) -> float:
    """Seconds of the longest side.

    Raises:
        AudioFileError: a file cannot be used.
    """
    longest = 0.0
    for path in files.values():
        audio = AudioFile(path)
        for _ in audio:
            pass
        longest = max(longest, audio.samples / audio.rate)
    return longest


class RecordedCall:
    """The call events that a recording lacks, around a judge.

    Args:
        pack: the rules.
        roles: the sides that were recorded.
        answered_at: epoch seconds that stand for the agent's answer.
        duration_s: length of the recording.
        guidance: to follow topic, script and feelings by; None: not at all.
    """

    def __init__(
        self,
        pack: Pack,
        roles: list[Role],
        answered_at: float,
        duration_s: float,
        guidance: Guidance | None = None,
    ) -> None:
        self.call_id = new_id()
        self._judge = CallJudge(pack, self.call_id)
        self._guidance = None if guidance is None else CallGuidance(guidance, self.call_id)
        self._roles = roles
        self._answered_at = answered_at
        self._duration_s = duration_s

    def open(self) -> list[Event]:
        """The agent answers."""
        at = self._answered_at
        joined = CallJoined(
            at=at,
            call_id=self.call_id,
            system="file",
            uniqueid=self.call_id,
            linkedid=self.call_id,
            visit=1,
            queue="",
            caller="",
            caller_name="",
            position=1,
        )
        connected = CallConnected(
            at=at,
            call_id=self.call_id,
            system="file",
            uniqueid=self.call_id,
            channel="",
            queue="",
            agent="",
            agent_name="",
            wait_s=None,
            ring_s=None,
            rings=None,
        )
        legs = [
            LegOpened(at=at, call_id=self.call_id, leg_id=role, role=role, rate=8000, offset_s=0.0)
            for role in self._roles
        ]
        return [verdict for event in (joined, connected, *legs) for verdict in self.feed(event, at)]

    def feed(self, event: Event, now: float) -> list[Event]:
        """Something was heard; `now` is epoch seconds."""
        told = [] if self._guidance is None else self._guidance.feed(event, now)
        # Rules may be in force on some topics only.
        topics = [topic for topic in told if isinstance(topic, TopicDetected)]
        judged = [v for heard in (*topics, event) for v in self._judge.feed(heard, now)]
        return [*told, *judged]

    def tick(self, now: float) -> list[Event]:
        """Time passes."""
        told = [] if self._guidance is None else self._guidance.tick(now)
        return [*told, *self._judge.tick(now)]

    def end(self, now: float, duration_s: float | None = None) -> list[Event]:
        """The recording is over and all of it is transcribed; `duration_s` if known only now."""
        if duration_s is not None:
            self._duration_s = duration_s
        ended_at = self._answered_at + self._duration_s
        record = CallRecord(
            call_id=self.call_id,
            system="file",
            uniqueid=self.call_id,
            linkedid=self.call_id,
            visit=1,
            queue="",
            caller="",
            caller_name="",
            agent="",
            outcome="answered",
            joined_at=self._answered_at,
            answered_at=self._answered_at,
            ended_at=ended_at,
            wait_s=None,
            ring_s=None,
            rings=None,
            talk_s=self._duration_s,
            hold_s=0.0,
            transfers=0,
            hangup_by="",
            hangup_cause=None,
            unanswered=(),
            complete=False,
            incomplete_reason="recording",
        )
        verdicts = self.feed(CallEnded(at=ended_at, call_id=self.call_id, record=record), now)
        told = [] if self._guidance is None else self._guidance.close(now)
        return [*verdicts, *told, *self._judge.close(now)]


def heard_at(event: Event) -> float:
    """When a live listener would have known of a speech event, on the call's clock."""
    match event:
        case SpeechStarted() | TranscriptPartial():
            return event.start
        case SpeechStopped() | TranscriptFinal():
            return event.end + _ENDPOINT_S
        case _:
            return 0.0


def judge_in_order(
    call: RecordedCall, heard: list[Event], answered_at: float, duration_s: float
) -> list[Judged]:
    """Judge what was heard in the order in which it would have been heard live."""
    judged: list[Judged] = []

    def take(at: float, verdicts: list[Event]) -> None:
        judged.extend((at, verdict) for verdict in verdicts)

    take(0.0, call.open())
    ticked = 0.0
    for event in sorted(heard, key=heard_at):
        at = heard_at(event)
        while ticked + _TICK_S < at:
            ticked += _TICK_S
            take(ticked, call.tick(answered_at + ticked))
        take(at, call.feed(event, answered_at + at))
    while ticked + _TICK_S < duration_s:
        ticked += _TICK_S
        take(ticked, call.tick(answered_at + ticked))
    end = max(duration_s, ticked)
    take(end, call.end(answered_at + end))
    return judged


async def analyze(
    files: Mapping[Role, Path],
    pack: Pack,
    settings: AsrSettings,
    recogniser: Recogniser,
    clock: Clock,
    *,
    realtime: bool = False,
    guidance: Guidance | None = None,
) -> AsyncIterator[Judged]:
    """Transcribe and judge a recorded call.

    Args:
        files: the recording of each side, which start at the same instant.
        pack: the rules.
        settings: of recognition.
        recogniser: what decodes.
        clock: the system's.
        realtime: at the speed of speech, with partials; otherwise as fast as this machine
            decodes, judged afterwards in the order of speech.
        guidance: to follow topic, script and feelings by; None: not at all.

    Yields:
        Transcripts as they come, and verdicts, with when they are known on the call's clock.

    Raises:
        AudioFileError: a file cannot be used.
    """
    duration_s = await asyncio.to_thread(duration_of, files)
    answered_at = clock.time()
    call = RecordedCall(pack, list(files), answered_at, duration_s, guidance)
    events = transcribe_files(
        files, settings, recogniser, realtime=realtime, clock=clock, call_id=call.call_id
    )
    if not realtime:
        heard = []
        async for event in events:
            heard.append(event)
            if isinstance(event, TranscriptFinal):
                yield heard_at(event), event
        for judged in judge_in_order(call, heard, answered_at, duration_s):
            yield judged
        return
    async for judged in _live(call, events, clock, answered_at):
        yield judged


async def _live(
    call: RecordedCall, events: AsyncIterator[Event], clock: Clock, answered_at: float
) -> AsyncIterator[Judged]:
    output: asyncio.Queue[Judged | None] = asyncio.Queue(10_000)

    def take(verdicts: list[Event]) -> None:
        for verdict in verdicts:
            output.put_nowait((clock.time() - answered_at, verdict))

    async def hear() -> None:
        async for event in events:
            if isinstance(event, TranscriptPartial | TranscriptFinal):
                output.put_nowait((clock.time() - answered_at, event))
            take(call.feed(event, clock.time()))
        take(call.end(clock.time()))
        await output.put(None)

    async def tick(once: Callable[[], None]) -> None:
        while True:
            await clock.sleep(_TICK_S)
            once()

    take(call.open())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hear())
        ticking = tasks.create_task(tick(lambda: take(call.tick(clock.time()))))
        while (judged := await output.get()) is not None:
            yield judged
        ticking.cancel()
