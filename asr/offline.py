"""Recordings through the very same pipeline as live calls, in real time or as fast as it goes."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from asr.audio_file import AudioFile
from asr.events import (
    AudioGap,
    LegTranscribed,
    SpeechStarted,
    SpeechStopped,
    TranscriptFinal,
    TranscriptPartial,
)
from asr.recognisers.base import Recogniser
from asr.service import Transcriber
from asr.settings import AsrSettings
from backbone.bus import Bus
from backbone.clock import Clock, SystemClock
from backbone.counters import Counters
from backbone.events import Event
from backbone.ids import new_id
from backbone.media import AudioFrame, LegClosed, LegOpened, Role

_REALTIME_FRAME_S = 0.02  # what a phone sends
_FAST_FRAME_S = 0.1
_ROUND_FRAMES = 10  # frames sent before asking whether the listener has kept up
_WAITING_FINALS = 4
_BLOCKS_AHEAD = 50
_OUTPUT_EVENTS = 20_000
_OUTPUTS = (
    SpeechStarted,
    SpeechStopped,
    AudioGap,
    TranscriptPartial,
    TranscriptFinal,
    LegTranscribed,
)

HoldBack = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _PlayedLeg:
    role: Role
    leg_id: str
    file: AudioFile
    blocks: deque[bytes] = field(default_factory=deque)
    sent: int = 0
    ended: bool = False


class FilePlayer:
    """Plays the sides of a recorded call onto a bus, all starting at the same instant.

    Args:
        files: the recording of each side.
        bus: where the legs appear.
        clock: paces real time.
        call_id: of the call they belong to.
        realtime: pace them; otherwise as fast as `hold_back` allows.
        hold_back: awaited every second of audio or so when not in real time.
        offset_s: where sample 0 lies on the call's clock.

    Raises:
        AudioFileError: a file cannot be used.
    """

    def __init__(
        self,
        files: Mapping[Role, Path],
        bus: Bus,
        clock: Clock,
        *,
        call_id: str,
        realtime: bool,
        hold_back: HoldBack | None = None,
        offset_s: float = 0.0,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._call_id = call_id
        self._realtime = realtime
        self._hold_back = hold_back
        self._offset_s = offset_s
        self._frame_s = _REALTIME_FRAME_S if realtime else _FAST_FRAME_S
        self._legs = [
            _PlayedLeg(role, new_id(), AudioFile(path, block_s=self._frame_s))
            for role, path in files.items()
        ]

    async def run(self) -> None:
        """Play to the end and close the legs."""
        for leg in self._legs:
            await self._bus.publish(
                LegOpened(
                    at=self._clock.time(),
                    call_id=self._call_id,
                    leg_id=leg.leg_id,
                    role=leg.role,
                    rate=leg.file.rate,
                    offset_s=self._offset_s,
                )
            )
        readers = {leg.leg_id: iter(leg.file) for leg in self._legs}
        started, tick = self._clock.time(), 0
        while any(not leg.ended for leg in self._legs):
            for leg in self._legs:
                if not leg.blocks and not leg.ended:
                    # Decoding a file may wait for a disk: not in the loop's thread.
                    leg.blocks.extend(await asyncio.to_thread(_some, readers[leg.leg_id]))
            tick += 1
            await self._pace(started, tick)
            for leg in self._legs:
                await self._play(leg)

    async def _pace(self, started: float, tick: int) -> None:
        if self._realtime:
            await self._clock.sleep(max(0.0, started + tick * self._frame_s - self._clock.time()))
        elif self._hold_back is not None and tick % _ROUND_FRAMES == 0:
            await self._hold_back()

    async def _play(self, leg: _PlayedLeg) -> None:
        if leg.ended:
            return
        if not leg.blocks:
            leg.ended = True
            await self._close(leg)
            return
        pcm = leg.blocks.popleft()
        self._bus.emit(
            AudioFrame(
                at=self._clock.time(),
                call_id=self._call_id,
                leg_id=leg.leg_id,
                role=leg.role,
                rate=leg.file.rate,
                sample=leg.sent,
                pcm=pcm,
            )
        )
        leg.sent += len(pcm) // 2

    async def _close(self, leg: _PlayedLeg) -> None:
        await self._bus.publish(
            LegClosed(
                at=self._clock.time(),
                call_id=self._call_id,
                leg_id=leg.leg_id,
                role=leg.role,
                samples=leg.sent,
                complete=not leg.file.damage,
                reason="file_damaged" if leg.file.damage else "",
            )
        )


def _some(reader: Iterator[bytes]) -> list[bytes]:
    return list(itertools.islice(reader, _BLOCKS_AHEAD))


async def transcribe_files(
    files: Mapping[Role, Path] | Path,
    settings: AsrSettings,
    recogniser: Recogniser,
    *,
    realtime: bool = False,
    bus: Bus | None = None,
    clock: Clock | None = None,
    counters: Counters | None = None,
    call_id: str | None = None,
) -> AsyncIterator[Event]:
    """Transcribe a recorded call and yield what the live pipeline says about it, as it says it.

    Args:
        files: the recording of each side, or one that is taken for the agent's.
        settings: as for live calls; without real time no partials are made.
        recogniser: what decodes.
        realtime: play at the speed of speech; otherwise as fast as this machine decodes.
        bus: where to do it, for other listeners to take part; a new one if None.
        clock: the system's if None.
        counters: new ones if None.
        call_id: of the call; a new one if None.

    Yields:
        SpeechStarted, SpeechStopped, AudioGap, TranscriptPartial, TranscriptFinal and, when a
        leg is done, LegTranscribed. Times count from the beginning of the files.

    Raises:
        AudioFileError: a file cannot be used.
    """
    counters = counters or Counters()
    bus = bus or Bus(counters)
    clock = clock or SystemClock()
    if not realtime:
        # A recording is in nobody's hurry.
        vad = settings.vad.model_copy(update={"likely_end_s": 0.0, "early_end_s": 0.0})
        settings = settings.model_copy(
            update={"partial_step_s": 0.0, "late_after_s": math.inf, "vad": vad}
        )
    wanted = {"agent": files} if isinstance(files, Path) else files
    call_id = call_id or new_id()
    transcriber = Transcriber(settings, recogniser, bus, clock, counters)
    player = FilePlayer(
        wanted,  # type: ignore[arg-type]  # the literal's keys are roles
        bus,
        clock,
        call_id=call_id,
        realtime=realtime,
        hold_back=lambda: transcriber.has_room(_WAITING_FINALS),
    )
    heard = bus.subscribe("offline", *_OUTPUTS, maxsize=_OUTPUT_EVENTS)

    async def work() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(transcriber.run())
                await player.run()
        finally:
            heard.close()

    working = asyncio.create_task(work())
    open_legs = len(wanted)
    try:
        async for envelope in heard:
            event = envelope.event
            if getattr(event, "call_id", None) != call_id:
                continue
            yield event
            if isinstance(event, LegTranscribed):
                open_legs -= 1
                if not open_legs:
                    break
    finally:
        heard.close()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
