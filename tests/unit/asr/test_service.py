import asyncio
import contextlib
import threading

import numpy as np
import pytest
import structlog
from audio_probes import line, read

from asr.events import (
    AsrHealth,
    AudioGap,
    FinalWanted,
    LegTranscribed,
    SpeechStarted,
    SpeechStopped,
    TranscriptFinal,
    TranscriptPartial,
)
from asr.recognisers.base import Recognition
from asr.recognisers.scripted import ScriptedRecogniser
from asr.service import Transcriber
from asr.settings import AsrSettings
from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from backbone.media import AudioFrame, LegClosed, LegOpened

PAUSE = np.zeros(16_000, np.float32)
TALK = np.concatenate(
    [PAUSE, line(read("aishell1-st-5.flac")), PAUSE, line(read("aishell1-st-3.flac")), PAUSE]
)
PCM = (TALK * 32_767).astype("<i2").tobytes()
SAMPLES = len(PCM) // 2
FRAME = 1_600
OUTPUTS = (
    SpeechStarted,
    SpeechStopped,
    AudioGap,
    TranscriptPartial,
    TranscriptFinal,
    LegTranscribed,
)


NEVER_AHEAD = {"likely_end_s": 0, "early_end_s": 0}


class Bench:
    """A transcriber on a bus of its own, with a leg to speak on."""

    def __init__(self, script, *, words=False, **settings):
        self.counters = Counters()
        self.bus = Bus(self.counters)
        self.clock = ManualClock()
        self.recogniser = ScriptedRecogniser(script, words=words)
        # Scripts count decodings: none happens ahead of its time unless a test wants it.
        values = {"decode_threads": 2, "vad": NEVER_AHEAD, **settings}
        self.transcriber = Transcriber(
            AsrSettings(**values), self.recogniser, self.bus, self.clock, self.counters
        )
        self.out = self.bus.subscribe("test", *OUTPUTS)
        self.events = []
        self.changed = asyncio.Condition()

    def leg(self, **changes):
        return {"call_id": "call", "leg_id": "leg", "role": "agent", **changes}

    async def open(self, offset_s=0.0, **leg):
        at = self.clock.time()
        await self.bus.publish(LegOpened(at=at, rate=16_000, offset_s=offset_s, **self.leg(**leg)))

    async def frame(self, at, pcm, **leg):
        values = self.leg(**leg)
        self.bus.emit(AudioFrame(at=self.clock.time(), rate=16_000, sample=at, pcm=pcm, **values))

    async def say(self, *, skip=(), since=0, until=SAMPLES, **leg):
        for at in range(since, until, FRAME):
            if at in skip:
                continue
            await self.clock.advance(0.1)
            await self.frame(at, PCM[2 * at : 2 * (at + FRAME)], **leg)
            await self.rest()

    async def rest(self):
        """Until all audio was heard, and all that it gave was decoded."""
        await self.transcriber.has_room(0)
        scheduler = self.transcriber._scheduler
        async with scheduler._changed:
            await scheduler._changed.wait_for(lambda: scheduler.queue.idle)

    async def close(self, samples=SAMPLES, **leg):
        await self.bus.publish(
            LegClosed(at=self.clock.time(), samples=samples, complete=True, **self.leg(**leg))
        )

    async def collect(self):
        async for envelope in self.out:
            async with self.changed:
                self.events.append(envelope.event)
                self.changed.notify_all()

    async def until(self, cls, times=1):
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.of(cls)) >= times)

    def of(self, cls):
        return [event for event in self.events if isinstance(event, cls)]


@contextlib.asynccontextmanager
async def running(bench):
    tasks = [asyncio.create_task(work) for work in (bench.transcriber.run(), bench.collect())]
    try:
        yield bench
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def one_leg(script, **settings):
    bench = Bench(script, **settings)
    async with running(bench):
        await bench.open(offset_s=-2.0)
        await bench.say()
        await bench.close()
        await bench.until(LegTranscribed)
    return bench


async def test_each_segment_gets_one_final_with_call_clock_times():
    bench = await one_leg(["陈妍希穿着粉色上衣", "苹果此举是为了节约用电量"])
    finals = bench.of(TranscriptFinal)
    assert [f.text for f in finals] == ["陈妍希穿着粉色上衣", "苹果此举是为了节约用电量"]
    started, stopped = bench.of(SpeechStarted), bench.of(SpeechStopped)
    assert [f.segment_id for f in finals] == [s.segment_id for s in started]
    assert [(f.start, f.end) for f in finals] == [(s.start, s.end) for s in stopped]
    # Offset −2: the leg was opened two seconds before the agent's answer.
    assert -1.2 < finals[0].start < 0.2
    assert bench.of(LegTranscribed)[0].segments == 2
    assert all(-60 < f.level_db < -10 and f.confidence == 0.9 for f in finals)


async def test_segment_ids_are_the_same_when_the_leg_is_heard_again():
    one, other = await one_leg(["甲", "乙"]), await one_leg(["丙", "丁"])
    ids = [[f.segment_id for f in bench.of(TranscriptFinal)] for bench in (one, other)]
    assert ids[0] == ids[1]


async def test_partials_are_revised_and_say_how_much_is_stable():
    texts = iter(["您好", "您好请", "你好请讲", "好"])
    answers = {}

    def script(heard):
        if not heard.partial:
            return "完"
        return answers.setdefault(heard.index, next(texts, ""))

    bench = await one_leg(script, partial_step_s=0.5)
    partials = bench.of(TranscriptPartial)
    first = [p for p in partials if p.segment_id == partials[0].segment_id]
    assert [p.revision for p in first] == list(range(1, len(first) + 1))
    assert first[0].stable == 0
    assert first[1].stable == 2


async def test_a_recogniser_that_fails_costs_one_text_not_the_segment():
    def script(heard):
        if not heard.partial and heard.index == 0:
            raise RuntimeError("native trouble")
        return "后面的"

    bench = await one_leg(script)
    finals = bench.of(TranscriptFinal)
    assert [(f.text, f.unintelligible) for f in finals] == [("", True), ("后面的", False)]
    assert bench.counters.get("asr_decode_failures") == 1


async def test_a_refused_segment_is_unintelligible_and_counted():
    bench = await one_leg(
        lambda _: Recognition(text="", language="zh", refused="loop", redecoded=True)
    )
    assert all(f.unintelligible and f.redecoded for f in bench.of(TranscriptFinal))
    assert bench.counters.get("asr_refused", reason="loop") == 2


async def test_a_leg_that_closes_in_the_middle_of_speech_has_its_final():
    bench = Bench(["说到一半"], partial_step_s=0)
    async with running(bench):
        await bench.open()
        half = PCM[: 2 * 16_000 * 3]
        await bench.frame(0, half)
        await bench.close(samples=16_000 * 3)
        await bench.until(LegTranscribed)
    (final,) = bench.of(TranscriptFinal)
    assert final.text == "说到一半"
    assert final.end <= 3.0


async def test_lost_audio_is_told_and_counted():
    bench = Bench(["a", "b", "c", "d"], partial_step_s=0)
    gap = [FRAME * n for n in range(20, 30)]
    async with running(bench):
        await bench.open()
        await bench.say(skip=gap)
        await bench.close(samples=SAMPLES + 16_000)
        await bench.until(LegTranscribed)
    gaps = [(round(g.start, 3), round(g.end, 3)) for g in bench.of(AudioGap)]
    end = SAMPLES / 16_000
    assert gaps == [(2.0, 3.0), (round(end, 3), round(end + 1, 3))]
    assert bench.counters.get("asr_audio_gaps") == 2
    ids = [f.segment_id for f in bench.of(TranscriptFinal)]
    assert len(ids) == len(set(ids)) == len(bench.of(SpeechStarted))


async def test_audio_before_its_leg_is_announced_is_not_lost():
    bench = Bench(["甲", "乙"], partial_step_s=0)
    async with running(bench):
        await bench.frame(0, PCM)
        await bench.open()
        await bench.close()
        await bench.until(LegTranscribed)
    assert [f.text for f in bench.of(TranscriptFinal)] == ["甲", "乙"]


async def test_legs_of_two_calls_are_kept_apart():
    bench = Bench(lambda heard: f"{heard.duration_s:.1f}", partial_step_s=0)
    async with running(bench):
        for leg in ("one", "two"):
            await bench.open(leg_id=leg, call_id=f"call-{leg}")
        for leg in ("one", "two"):
            await bench.say(leg_id=leg, call_id=f"call-{leg}")
            await bench.close(leg_id=leg, call_id=f"call-{leg}")
        await bench.until(LegTranscribed, times=2)
    texts = {call: [] for call in ("call-one", "call-two")}
    for final in bench.of(TranscriptFinal):
        texts[final.call_id].append(final.text)
    assert texts["call-one"] == texts["call-two"]
    assert len(texts["call-one"]) == 2


async def test_a_detected_language_is_kept():
    asked = []

    def script(heard):
        asked.append(heard.languages)
        return Recognition(text="hello", language="en", language_probability=0.95)

    await one_leg(script, language="auto", partial_step_s=0)
    assert asked == [("zh", "en"), ("en",)]


async def test_health_tells_how_many_segments_and_how_much_audio_there_were():
    bench = await one_leg(["甲", "乙"])
    health = bench.transcriber.health()
    assert isinstance(health, AsrHealth)
    assert (health.segments, health.legs, health.queued, health.lag_s) == (2, 0, 0, 0)
    assert health.audio_s == pytest.approx(SAMPLES / 16_000)


async def test_no_log_holds_what_was_said():
    secret = "我的身份证号是幺幺零"

    def script(heard):
        if heard.index == 0 and not heard.partial:
            raise ValueError(secret)
        return secret

    with structlog.testing.capture_logs() as logs:
        bench = await one_leg(script)
    assert bench.of(TranscriptFinal)
    assert logs
    assert secret not in repr(logs)


AHEAD = {"vad": {"likely_end_s": 0.4}, "partial_step_s": 0}


def samples(heard):
    return f"{heard.duration_s * 16_000:.0f}"


def final_texts(bench):
    return [(f.segment_id, f.text) for f in bench.of(TranscriptFinal)]


async def test_a_segment_decoded_ahead_of_its_end_has_the_same_final():
    plain, ahead = await one_leg(samples, partial_step_s=0), await one_leg(samples, **AHEAD)
    assert final_texts(ahead) == final_texts(plain)
    health = ahead.transcriber.health()
    assert health.ahead == 2
    # One pause in TALK is long enough to be taken for an end: that decoding was in vain.
    assert len(ahead.recogniser.calls) == 2 + health.ahead_wasted
    assert health.ahead_wasted == 1
    # What was decoded ahead is shown at once.
    first, *_, last = (final.segment_id for final in ahead.of(TranscriptFinal))
    shown = [
        [type(e) for e in ahead.events if getattr(e, "segment_id", "") == s] for s in (first, last)
    ]
    once = [SpeechStarted, TranscriptPartial, SpeechStopped, TranscriptFinal]
    twice = [SpeechStarted, TranscriptPartial, TranscriptPartial, SpeechStopped, TranscriptFinal]
    assert sorted(shown, key=len) == [once, twice]


# Pauses of 0.2 s are looked at; partials by the clock are so far apart that there are none.
EARLY = {
    "vad": {"likely_end_s": 0.4, "early_end_s": 0.2},
    "partial_step_s": 10,
    "first_partial_s": 10,
}


def sentence(heard):
    return f"{samples(heard)}。"


async def test_words_before_a_short_pause_are_known_at_once_and_as_sure_as_a_final():
    late, early = await one_leg(sentence, **AHEAD), await one_leg(sentence, **EARLY)
    partials = early.of(TranscriptPartial)
    assert len(partials) > len(late.of(TranscriptPartial))
    # All but the full stop, which the recogniser put where speech went on.
    assert [p.stable for p in partials] == [len(p.text) - 1 for p in partials]
    assert [f.segment_id for f in early.of(TranscriptFinal)] == [
        f.segment_id for f in late.of(TranscriptFinal)
    ]
    # What was decoded at a segment's early end needs no second decoding.
    assert len(early.recogniser.calls) == 2 + early.transcriber.health().ahead_wasted


async def test_a_node_that_is_not_calm_waits_for_a_longer_pause():
    bench = Bench(samples, **EARLY)
    soon = bench.clock.time() + 10
    bench.transcriber._scheduler._pressure.worked(soon, 60)
    async with running(bench):
        await bench.open()
        await bench.say()
        await bench.close()
        await bench.until(LegTranscribed)
    late = await one_leg(samples, **AHEAD)
    assert len(bench.recogniser.calls) == len(late.recogniser.calls)
    assert final_texts(bench) == final_texts(late)


async def want_final(bench, segment_id, after):
    await bench.bus.publish(
        FinalWanted(
            at=bench.clock.time(), call_id="call", role="agent", segment_id=segment_id, after=after
        )
    )


async def wanting(script, samples, after=None, **settings):
    """A leg of which the final is wanted when so many samples were said, of what was just said.

    Or of what was said up to `after` seconds.
    """
    after = samples / 16_000 if after is None else after
    bench = Bench(script, **settings)
    async with running(bench):
        await bench.open()
        await bench.say(until=samples)
        await bench.until(SpeechStarted)
        open_segment = bench.of(SpeechStarted)[-1].segment_id
        await want_final(bench, open_segment, after)
        await want_final(bench, "another", after)
        await bench.say(since=samples)
        await want_final(bench, open_segment, after)
        await bench.close()
        await bench.until(LegTranscribed)
    return bench


IN_SPEECH = 20 * FRAME  # 2 s: the first segment of TALK began half a second ago


async def test_a_wanted_final_comes_soon_and_the_rest_is_a_segment_of_its_own():
    plain = await one_leg(samples, partial_step_s=0)
    cut = await wanting(samples, IN_SPEECH, partial_step_s=0)
    first, rest, other = cut.of(TranscriptFinal)
    assert first.end < rest.start < first.end + 1
    assert abs(first.end - IN_SPEECH / 16_000) < 1
    whole = plain.of(TranscriptFinal)
    assert (rest.end - first.start) == pytest.approx(whole[0].end - whole[0].start)
    assert other.end - other.start == pytest.approx(whole[1].end - whole[1].start)
    assert len({final.segment_id for final in (first, rest, other)}) == 3
    assert [f.continues for f in (first, rest, other)] == ["", first.segment_id, ""]
    assert [s.continues for s in cut.of(SpeechStarted)] == ["", first.segment_id, ""]


@pytest.mark.parametrize(("heard_s", "after"), [(2.0, 2.0), (3.0, 2.0)])
async def test_the_parts_are_decoded_with_each_other_and_tell_only_their_own(heard_s, after):
    def script(heard):
        # A character every tenth of a second: its text tells which ones were heard.
        n = int(heard.duration_s * 10)
        return Recognition(
            text="".join(chr(0x4E00 + i) for i in range(n)),
            language="zh",
            char_times=tuple(round(i / 10, 1) for i in range(n)),
        )

    samples = round(10 * heard_s) * FRAME
    bench = await wanting(script, samples, after, words=True, partial_step_s=1.0)
    first, rest, other = bench.of(TranscriptFinal)
    assert after - 0.1 < first.end < heard_s + 0.7
    assert first.char_times[-1] < first.end < rest.char_times[0] + 0.1
    assert (first.text[0], other.text[0]) == ("\u4e00", "\u4e00")
    assert rest.text[0] > "\u4e05"  # what lies before belongs to the first
    assert rest.char_times[0] >= first.end - 0.1
    assert len(rest.char_times) == len(rest.text)
    shown = [p for p in bench.of(TranscriptPartial) if p.segment_id == rest.segment_id]
    assert shown
    assert all(partial.text[0] == rest.text[0] for partial in shown)
    for partial in shown:
        assert len(partial.char_times) == len(partial.text)
        assert rest.char_times[0] == partial.char_times[0] < partial.char_times[-1] < partial.end


async def test_what_was_decoded_up_to_a_pause_is_the_final_that_is_wanted_there():
    plain = await one_leg(samples, **EARLY)
    last = plain.of(TranscriptFinal)[-1]
    pause = next(p for p in plain.of(TranscriptPartial) if p.segment_id == last.segment_id)
    assert pause.end < last.end
    said_s = pause.end + 2.0  # `one_leg` opens its leg two seconds before the answer
    cut = await wanting(samples, round(said_s * 10 + 8) * FRAME, said_s, **EARLY)
    head = cut.of(TranscriptFinal)[-2]
    assert (head.end, head.text) == (pytest.approx(said_s), pause.text)
    health = cut.transcriber.health()
    assert health.ahead == len(cut.of(TranscriptFinal)) == 3
    assert len(cut.recogniser.calls) == health.ahead + health.ahead_wasted


async def test_the_end_may_come_while_it_is_decoded_ahead():
    go = threading.Event()

    def script(heard):
        assert go.wait(30)
        return samples(heard)

    bench = Bench(script, **AHEAD)
    async with running(bench):
        await bench.open()
        await bench.frame(0, PCM)
        await bench.close()
        await bench.until(SpeechStopped, times=2)
        go.set()
        await bench.until(LegTranscribed)
    assert final_texts(bench) == final_texts(await one_leg(samples, partial_step_s=0))


async def test_a_failure_ahead_leaves_the_final_its_own_chance():
    def script(heard):
        if heard.index == 0:
            raise RuntimeError
        return samples(heard)

    bench = await one_leg(script, **AHEAD)
    assert final_texts(bench) == final_texts(await one_leg(samples, partial_step_s=0))
    assert bench.counters.get("asr_decode_failures") == 1
