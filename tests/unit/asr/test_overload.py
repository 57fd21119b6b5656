"""What a node does with three times what it can carry, in virtual time and with a real queue."""

import asyncio
import threading

import numpy as np
from audio_probes import line, read
from patience import PATIENCE_S

from asr.decode_queue import DecodeQueue
from asr.events import AsrHealth, LegTranscribed, TranscriptFinal, TranscriptPartial
from asr.leg import LegPipeline, SpeechEnded
from asr.load import LoadWatch
from asr.recognisers.scripted import ScriptedRecogniser
from asr.service import Transcriber
from asr.settings import AsrSettings, VadSettings
from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from backbone.media import AudioFrame, LegClosed, LegOpened

LEGS, SEGMENT_S, PAUSE_S = 12, 4.0, 2.0
MEMORY_S = 20.0
FINAL_COST_S, PARTIAL_COST_S = 1.5, 0.5


class Desk:
    """One decoder in virtual time before a real queue; every leg speaks 4 s, then is silent 2 s."""

    def __init__(self):
        self.queue = DecodeQueue()
        self.now = 0.0
        self.free_at = 0.0
        self.spoken, self.lags, self.partials_at, self.depths = [], [], [], []

    def speak(self, minutes_of_load):
        events = []
        for leg in range(LEGS):
            start = leg * 0.4
            while start < minutes_of_load * 60:
                events += [(start + n, "partial", leg) for n in (1.0, 2.0, 3.0)]
                events.append((start + SEGMENT_S, "final", leg))
                start += SEGMENT_S + PAUSE_S
        return sorted(events)

    def run(self, events):
        """Play events; the decoder takes the next job whenever it is free."""
        for at, kind, leg in events:
            self.serve(at)
            if kind == "final":
                self.spoken.append((at, leg))
                self.queue.add_final(str(leg), at, (at, leg))
            else:
                self.queue.add_partial(str(leg), at + 1.0, (at, leg))
            self.depths.append(self.queue.finals)
        self.serve(float("inf"))

    def serve(self, until):
        while self.free_at <= until:
            job = self.queue.take(self.free_at)
            if job is None:
                # Idle: the next arrival is served when it comes.
                if until == float("inf"):
                    return
                self.free_at = max(self.free_at, until)
                return
            self.queue.done(job.leg)
            if job.partial:
                self.partials_at.append(self.free_at)
                self.free_at += PARTIAL_COST_S
            else:
                self.free_at += FINAL_COST_S
                self.lags.append((job.item, self.free_at - job.item[0]))


def test_finals_fall_behind_in_order_and_catch_up_and_partials_stop():
    desk = Desk()
    # 12 legs × 1.5 s every 6 s is three times one decoder; then one leg goes on alone.
    desk.run(desk.speak(1.0))
    assert [item for item, _ in desk.lags] == desk.spoken
    behind = [lag for _, lag in desk.lags]
    assert max(behind) > 60  # a minute at three times the load is two minutes behind
    assert not [at for at in desk.partials_at if 20 < at < 170]
    assert desk.queue.idle
    before = len(desk.lags)
    start = desk.free_at
    calm = [
        event
        for n in range(5)
        for event in ((start + 6 * n + 1, "partial", 0), (start + 6 * n + 4, "final", 0))
    ]
    desk.run(calm)
    assert all(lag == FINAL_COST_S for _, lag in desk.lags[before:])
    assert len([at for at in desk.partials_at if at > start]) == 5


def test_a_node_is_overloaded_from_late_finals_until_none_waits():
    watch = LoadWatch(late_after_s=3.0)
    script = [(0.0, 0), (2.0, 4), (3.5, 6), (2.0, 2), (0.1, 1), (0.0, 0)]
    assert [watch.feed(*step) for step in script] == [False, False, True, False, False, True]
    assert watch.words == ""
    watch.feed(9.0, 7)
    assert "7" in watch.words


PAUSE = np.zeros(16_000, np.float32)
TALK = np.concatenate(
    [line(read("aishell1-st-5.flac")), PAUSE, line(read("aishell1-st-3.flac")), PAUSE]
)
PCM = (TALK * 32_767).astype("<i2").tobytes()


async def test_a_node_that_cannot_keep_up_says_so_marks_legs_and_loses_nothing():
    go = threading.Event()

    def script(heard):
        assert go.wait(60)
        return f"{heard.duration_s * 16_000:.0f}"

    bus, clock, counters = Bus(Counters()), ManualClock(), Counters()
    settings = AsrSettings(decode_threads=1, late_after_s=3.0, waiting_memory_s=MEMORY_S)
    recogniser = ScriptedRecogniser(script)
    transcriber = Transcriber(settings, recogniser, bus, clock, counters)
    out = bus.subscribe("test", TranscriptFinal, TranscriptPartial, LegTranscribed, AsrHealth)
    got = []
    async with asyncio.TaskGroup() as group:
        running = group.create_task(transcriber.run())
        for number in range(LEGS):
            leg = {"call_id": f"c{number}", "leg_id": f"l{number}", "role": "agent"}
            at = clock.time()
            await bus.publish(LegOpened(at=at, rate=16_000, offset_s=0.0, **leg))
            bus.emit(AudioFrame(at=at, rate=16_000, sample=0, pcm=PCM, **leg))
            await bus.publish(LegClosed(at=at, samples=len(PCM) // 2, complete=True, **leg))
        async with asyncio.timeout(PATIENCE_S):
            # One is being decoded; the queue tells nobody that it has grown.
            while transcriber.health().queued < 2 * LEGS - 1:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0)
        await clock.advance(10.0)
        busy = transcriber.health()
        waiting = transcriber._scheduler.queue.waiting_finals()
        go.set()
        async for envelope in out:
            got.append(envelope.event)
            if sum(isinstance(event, LegTranscribed) for event in got) == LEGS:
                break
        calm = transcriber.health()
        running.cancel()
    assert busy.overloaded
    assert busy.detail
    assert busy.lag_s >= 10
    assert not calm.overloaded
    finals = [event for event in got if isinstance(event, TranscriptFinal)]
    assert len(finals) == len({final.segment_id for final in finals}) == 2 * LEGS
    assert all(final.late for final in finals)
    assert calm.late == 2 * LEGS
    assert {event.late for event in got if isinstance(event, LegTranscribed)} == {2}
    # In the order of their ends, whosever they are; of partials not one.
    assert [final.end for final in finals] == sorted(final.end for final in finals)
    assert not [event for event in got if isinstance(event, TranscriptPartial)]
    assert not [call for call in recogniser.calls if call.partial]
    assert calm.partials_skipped > 0
    # Memory held no more than it may; what waited on disk was decoded as it was.
    in_memory = [work.audio for work in waiting if isinstance(work.audio, np.ndarray)]
    assert sum(len(audio) for audio in in_memory) <= MEMORY_S * 16_000
    assert counters.get("asr_finals_spooled") == len(waiting) - len(in_memory) > LEGS
    assert {final.text for final in finals} == set(sizes())


def sizes():
    """What the script says of TALK's segments: their number of samples."""
    leg = LegPipeline(16_000, VadSettings(), partial_step_s=0)
    ended = [o for o in leg.feed(0, PCM) + leg.close() if isinstance(o, SpeechEnded)]
    return [str(len(segment.audio)) for segment in ended]
