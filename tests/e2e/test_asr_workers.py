"""Recognition over the loss of its processes."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from asr.events import AsrHealth, SpeechStopped, TranscriptFinal
from asr.offline import transcribe_files
from asr.recognisers.load import load_recogniser
from asr.settings import AsrSettings
from asr.workers.pool import WorkerPool
from backbone.bus import Bus
from backbone.counters import Counters

CALLS = Path(__file__).parents[2] / "tingzhen" / "demo" / "calls"
FILES = {role: CALLS / f"c02.{role}.flac" for role in ("agent", "customer")}


@pytest.mark.model
async def test_a_segment_appears_once_though_its_worker_is_killed_while_decoding():
    settings = AsrSettings(workers=2)
    whole = {
        (event.role, event.start): event.text
        async for event in transcribe_files(FILES, settings, load_recogniser(settings))
        if isinstance(event, TranscriptFinal)
    }
    pool = await asyncio.to_thread(WorkerPool.start, settings)
    bus = Bus(Counters())
    health = bus.subscribe("health", AsrHealth)
    killed, ended, finals = [], [], []
    hit: set[str] = set()  # what was waiting or being decoded when workers were last killed
    try:
        async for event in transcribe_files(FILES, settings, pool, bus=bus):
            if isinstance(event, SpeechStopped):
                ended.append(event.segment_id)
            elif isinstance(event, TranscriptFinal):
                finals.append(event)
            else:
                continue
            done = {final.segment_id for final in finals}
            waiting = set(ended) - done
            # However slow the machine: never the same segment twice, as its tries are counted.
            if waiting and hit <= done:
                hit = waiting
                for pid in set(pool.workers.pids) - set(killed):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
        assert len(killed) >= 4
        assert pool.workers.replaced >= 3  # one that dies idle is missed only when it is needed
    finally:
        pool.close()
        health.close()
    assert sorted(final.segment_id for final in finals) == sorted(ended)
    assert {(final.role, final.start): final.text for final in finals} == whole
