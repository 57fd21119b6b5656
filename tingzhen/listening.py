"""A call heard on sound cards, transcribed and judged by the same parts as a PBX's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from asr.events import (
    LegTranscribed,
    SpeechStarted,
    SpeechStopped,
    TranscriptFinal,
    TranscriptPartial,
)
from asr.recognisers.base import Recogniser
from asr.service import Transcriber
from asr.settings import AsrSettings
from asr.soundcard import SoundCardCall, Source
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.media import Role
from qa_engine.pack import Pack
from tingzhen.analysis import Judged, RecordedCall

_TICK_S = 0.25
_SPEECH_EVENTS = 10_000


async def listen(  # noqa: C901 - four tasks of one call, told in one place
    sources: Mapping[Role, Source],
    pack: Pack,
    settings: AsrSettings,
    recogniser: Recogniser,
    clock: Clock,
    *,
    stop: asyncio.Event,
) -> AsyncIterator[Judged]:
    """Hear a call until told to stop, and yield what is said and what the rules make of it.

    Args:
        sources: where each side is heard.
        pack: the rules.
        settings: of recognition.
        recogniser: what decodes.
        clock: real time.
        stop: set when the call is over; what was said until then still comes.

    Yields:
        Transcripts and verdicts, with when they are known in seconds since the start.

    Raises:
        SoundCardError: a device cannot be used.
    """
    counters = Counters()
    bus = Bus(counters)
    began = clock.time()
    call = RecordedCall(pack, list(sources), began, 0.0)
    transcriber = Transcriber(settings, recogniser, bus, clock, counters)
    cards = SoundCardCall(sources, bus, clock, counters, call_id=call.call_id)
    heard = bus.subscribe(
        "listen",
        SpeechStarted, SpeechStopped, TranscriptPartial, TranscriptFinal, LegTranscribed,
        maxsize=_SPEECH_EVENTS,
    )  # fmt: skip
    out: asyncio.Queue[Judged | None] = asyncio.Queue(_SPEECH_EVENTS)

    async def judge() -> None:
        for verdict in call.open():
            await out.put((0.0, verdict))
        waiting = len(sources)
        async for envelope in heard:
            event, now = envelope.event, clock.time()
            if isinstance(event, TranscriptPartial | TranscriptFinal):
                await out.put((now - began, event))
            for verdict in call.feed(event, now):
                await out.put((now - began, verdict))
            if isinstance(event, LegTranscribed):
                waiting -= 1
                if not waiting:
                    return

    async def tick() -> None:
        while True:
            await clock.sleep(_TICK_S)
            for verdict in call.tick(clock.time()):
                await out.put((clock.time() - began, verdict))

    async def work() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(transcriber.run()), group.create_task(tick())]
                judging = group.create_task(judge())
                await cards.run(stop)
                await judging
                for task in running:
                    task.cancel()
            now = clock.time()
            for verdict in call.end(now, now - began):
                await out.put((now - began, verdict))
        finally:
            heard.close()
            out.put_nowait(None)

    working = asyncio.create_task(work())
    try:
        while (judged := await out.get()) is not None:
            yield judged
        await working
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
