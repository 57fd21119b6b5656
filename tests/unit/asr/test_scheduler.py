import asyncio
import dataclasses
import errno

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.decode_queue import DecodeQueue, Kind
from asr.load import Ease, Pressure
from asr.recognisers.base import Recognition
from asr.recognisers.scripted import ScriptedRecogniser
from asr.scheduler import DecodeScheduler, Work
from asr.spool import Spool
from backbone.clock import ManualClock
from backbone.counters import Counters


def test_finals_go_before_partials_and_the_earliest_deadline_first():
    queue = DecodeQueue()
    queue.add_partial("a", 1.0, "partial")
    queue.add_final("b", 5.0, "late")
    queue.add_final("c", 2.0, "early")
    assert [queue.take(0).item for _ in range(3)] == ["early", "late", "partial"]
    assert queue.take(0) is None


def test_a_newer_partial_replaces_an_older_one():
    queue = DecodeQueue()
    queue.add_partial("a", 1.0, "old")
    queue.add_partial("a", 2.0, "new")
    assert queue.take(0).item == "new"
    assert queue.skipped == 1


def test_a_final_makes_the_waiting_partial_pointless():
    queue = DecodeQueue()
    queue.add_partial("a", 1.0, "partial")
    queue.add_final("a", 1.0, "final")
    assert queue.take(0).item == "final"
    queue.done("a")
    assert queue.take(0) is None
    assert queue.skipped == 1


def test_an_overdue_partial_is_skipped():
    queue = DecodeQueue()
    queue.add_partial("a", 1.0, "partial")
    assert queue.take(1.5) is None
    assert queue.skipped == 1
    assert queue.idle


def test_a_leg_is_decoded_one_at_a_time():
    queue = DecodeQueue()
    queue.add_final("a", 1.0, 1)
    queue.add_final("a", 2.0, 2)
    queue.add_final("b", 3.0, 3)
    assert [queue.take(0).item, queue.take(0).item, queue.take(0)] == [1, 3, None]
    queue.done("a")
    assert queue.take(0).item == 2


def test_partials_leave_room_for_finals():
    queue = DecodeQueue(places=2)
    queue.add_partial("a", 1.0, "one")
    queue.add_partial("b", 1.0, "other")
    assert queue.take(0).item == "one"
    assert queue.take(0) is None
    queue.add_final("c", 5.0, "final")
    assert queue.take(0).item == "final"
    queue.done("a")
    # A final that takes its time leaves one place only, and that is for the next final.
    assert queue.take(0) is None
    queue.done("c")
    assert queue.take(0).item == "other"


@pytest.mark.parametrize(("places", "finals", "partials"), [(1, 0, 1), (2, 0, 1), (4, 1, 2)])
def test_one_place_is_kept_free_where_there_are_two_or_more(places, finals, partials):
    queue = DecodeQueue(places)
    for number in range(finals):
        queue.add_final(f"f{number}", 1.0, number)
    for number in range(places):
        queue.add_partial(f"p{number}", 1.0, number)
    taken = [queue.take(0) for _ in range(places)]
    assert sum(queued is not None for queued in taken) == finals + partials


def test_what_has_probably_ended_goes_behind_finals_and_before_partials():
    queue = DecodeQueue()
    queue.add_partial("a", 9.0, "partial", first=True)
    queue.add_ahead("b", 1.0, "ahead")
    queue.add_final("c", 5.0, "final")
    assert [queue.take(0).item for _ in range(3)] == ["final", "ahead", "partial"]


def test_what_was_to_be_decoded_ahead_can_be_taken_back_while_it_waits():
    queue = DecodeQueue()
    queue.add_ahead("a", 1.0, "one")
    assert queue.drop_ahead("a")
    assert queue.take(0) is None
    queue.add_ahead("a", 2.0, "other")
    assert queue.take(0).kind is Kind.AHEAD
    assert not queue.drop_ahead("a")
    queue.add_ahead("b", 3.0, "ahead")
    queue.add_final("b", 3.0, "final")
    assert queue.take(0).item == "final"
    queue.done("b")
    assert queue.take(0) is None


def test_a_busy_node_looks_at_each_segment_once_and_a_pressed_one_not_at_all():
    queue = DecodeQueue()
    queue.add_partial("a", 1.0, "later")
    queue.add_partial("b", 2.0, "first", first=True)
    assert queue.take(0, Ease.PRESSED) is None
    assert queue.take(0, Ease.BUSY).item == "first"
    assert queue.take(0, Ease.BUSY) is None
    assert queue.take(0, Ease.CALM).item == "later"


def test_what_takes_the_place_of_an_unseen_first_partial_is_the_first():
    queue = DecodeQueue()
    queue.add_partial("a", 1.0, "old", first=True)
    queue.add_partial("a", 2.0, "new")
    assert queue.take(0, Ease.BUSY).item == "new"


def test_pressure_is_told_by_what_was_decoded_and_what_waited_lately():
    pressure = Pressure(places=2)
    assert pressure.ease(0) is Ease.CALM
    for n in range(11):
        pressure.worked(n, 1.0)
    assert pressure.ease(10) is Ease.CALM  # 10 s of the last 10 s of two places
    pressure.worked(10, 0.5)
    assert pressure.ease(10) is Ease.BUSY
    assert pressure.ease(12) is Ease.CALM
    pressure.waited(12, 0.4)
    assert pressure.ease(12) is Ease.CALM
    pressure.waited(12, 0.6)
    assert pressure.ease(14) is Ease.PRESSED
    assert pressure.ease(15.1) is Ease.CALM


legs = st.sampled_from("abc")
times = st.floats(0, 10)
steps = st.one_of(
    st.tuples(st.just("final"), legs, times),
    st.tuples(st.just("partial"), legs, times, st.booleans()),
    st.tuples(st.just("ahead"), legs, times),
    st.tuples(st.just("take"), times, st.sampled_from(Ease)),
    st.tuples(st.just("done"), legs),
)


class Desk:
    """Plays a script on a queue and keeps the books."""

    def __init__(self):
        self.queue = DecodeQueue()
        self.added, self.taken, self.partials, self.served = [], [], 0, 0

    def play(self, number, kind, *rest):
        if kind == "final":
            self.queue.add_final(rest[0], rest[1], (rest[0], number))
            self.added.append((rest[0], number))
        elif kind == "partial":
            self.queue.add_partial(rest[0], rest[1], (rest[0], number), first=rest[2])
            self.partials += 1
        elif kind == "ahead":
            self.queue.add_ahead(rest[0], rest[1], (rest[0], number))
        elif kind == "done":
            self.queue.done(rest[0])
        else:
            self.take(*rest)

    def take(self, now, ease=Ease.CALM):
        job = self.queue.take(now, ease)
        if job is not None and job.partial:
            self.served += 1
        elif job is not None and job.kind is Kind.FINAL:
            self.taken.append(job.item)

    def finish(self):
        while not self.queue.idle:
            for leg in "abc":
                self.queue.done(leg)
            self.take(0)


@given(st.lists(steps, max_size=60))
def test_whatever_comes_no_final_is_lost_and_a_legs_finals_keep_their_order(script):
    desk = Desk()
    for number, step in enumerate(script):
        desk.play(number, *step)
    desk.finish()
    assert sorted(desk.taken) == sorted(desk.added)
    for leg in "abc":
        assert [t for t in desk.taken if t[0] == leg] == [a for a in desk.added if a[0] == leg]
    assert desk.served + desk.queue.skipped == desk.partials


class Batching(ScriptedRecogniser):
    def __init__(self, script):
        super().__init__(script)
        self.sizes = []

    @property
    def capabilities(self):
        return dataclasses.replace(super().capabilities, batch=True)

    def decode(self, audio, *, languages, partial, **wishes):
        self.sizes.append(1)
        return super().decode(audio, languages=languages, partial=partial, **wishes)

    def decode_batch(self, segments, *, languages, quick=False):
        self.quick = quick
        self.sizes.append(len(segments))
        if any(len(audio) == 13 for audio in segments):
            raise RuntimeError
        one = super().decode
        return [one(audio, languages=languages, partial=False) for audio in segments]


async def decoded(recogniser, works, *, waited_s=0.0):
    clock = ManualClock()
    scheduler = DecodeScheduler(recogniser, 1, clock, Counters(), hurry_after_s=0.3)
    out, complete = [], asyncio.Event()

    async def deliver(one):
        out.append((one.subject, one.recognition and one.recognition.text))
        if len(out) == len(works):
            complete.set()

    for number, (leg, size, language) in enumerate(works):
        work = Work(np.zeros(size, np.float32), lambda language=language: (language,), number)
        await scheduler.add_final(leg, number, work)
    await clock.advance(waited_s)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scheduler.run(deliver))
        await complete.wait()
        running.cancel()
    return out


async def test_what_has_waited_too_long_is_decoded_quickly():
    wishes = []

    class Noting(ScriptedRecogniser):
        def decode(self, audio, *, quick, **how):
            wishes.append(quick)
            return super().decode(audio, **how)

    clock = ManualClock()
    recogniser = Noting(lambda _: "好")
    scheduler = DecodeScheduler(recogniser, 1, clock, Counters(), hurry_after_s=0.3)
    complete = asyncio.Event()

    async def deliver(one):
        if one.subject == "b":
            complete.set()

    await scheduler.add_final("a", 1, Work(np.zeros(16, np.float32), lambda: ("zh",), "a"))
    await clock.advance(0.5)
    await scheduler.add_final("b", 2, Work(np.zeros(16, np.float32), lambda: ("zh",), "b"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scheduler.run(deliver))
        await complete.wait()
        running.cancel()
    assert wishes == [True, False]


async def test_what_finds_no_room_on_disk_stays_in_memory_and_is_counted(monkeypatch):
    def full(_spool, _audio):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Spool, "put", full)
    counters, found = Counters(), asyncio.Queue()
    recogniser = ScriptedRecogniser(lambda heard: f"{heard.duration_s * 16_000:.0f}")
    scheduler = DecodeScheduler(recogniser, 1, ManualClock(), counters, memory_s=0.001)
    for number in (100, 200):
        work = Work(np.zeros(number, np.float32), lambda: ("zh",), number)
        await scheduler.add_final(f"leg{number}", number, work)
    assert counters.get("asr_spool_failures") == 2
    assert counters.get("asr_finals_spooled") == 0
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scheduler.run(found.put))
        texts = [(await found.get()).recognition.text for _ in range(2)]
        running.cancel()
    assert texts == ["100", "200"]


async def test_finals_that_wait_together_are_decoded_together_where_that_pays():
    recogniser = Batching(lambda heard: f"{heard.duration_s * 16_000:.0f}")
    legs = [("a", 1, "zh"), ("b", 2, "zh"), ("c", 3, "en"), ("d", 4, "zh"), ("b", 5, "zh")]
    out = await decoded(recogniser, legs)
    assert sorted(out) == [(n, str(n + 1)) for n in range(5)]
    # One leg's finals never share a batch, nor do two languages.
    assert recogniser.sizes == [3, 1, 1]


@pytest.mark.parametrize(("waited_s", "quick"), [(0.1, False), (0.5, True)])
async def test_a_batch_of_which_one_has_waited_too_long_is_decoded_quickly(waited_s, quick):
    recogniser = Batching(lambda _: "好")
    await decoded(recogniser, [("a", 1, "zh"), ("b", 2, "zh")], waited_s=waited_s)
    assert (recogniser.sizes, recogniser.quick) == ([2], quick)


async def decoded_parts(recogniser, *works):
    """What recognition says of works of 16,000 samples and more, decoded in one go."""
    scheduler = DecodeScheduler(recogniser, 1, ManualClock(), Counters())
    found, complete = {}, asyncio.Event()

    async def deliver(one):
        found[one.subject] = one.recognition
        if len(found) == len(works):
            complete.set()

    for number, (samples, lead, tail) in enumerate(works):
        audio = np.zeros(samples, np.float32)
        work = Work(audio, lambda: ("zh",), number, lead=lead, tail=tail)
        await scheduler.add_final(f"leg{number}", number, work)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scheduler.run(deliver))
        await complete.wait()
        running.cancel()
    return [found[number] for number in range(len(works))]


def by_seconds(until_s):
    """Says a character for each half second, up to some second of the audio."""

    def script(heard):
        times = [at / 2 for at in range(int(min(heard.duration_s, until_s) * 2))]
        return Recognition(
            text="".join(chr(0x4E00 + round(2 * time)) for time in times),
            language="zh",
            char_times=tuple(times),
        )

    return script


@pytest.mark.parametrize("recogniser_type", [ScriptedRecogniser, Batching])
async def test_of_what_is_decoded_with_its_neighbours_only_its_own_is_told(recogniser_type):
    recogniser = recogniser_type(by_seconds(9))
    rest, head, alone = await decoded_parts(
        recogniser, (48_000, 16_000, None), (48_000, 0, 32_000), (16_000, 0, None)
    )
    assert (rest.text, rest.char_times) == ("\u4e02\u4e03\u4e04\u4e05", (1.0, 1.5, 2.0, 2.5))
    assert (head.text, head.char_times) == ("\u4e00\u4e01\u4e02\u4e03", (0.0, 0.5, 1.0, 1.5))
    assert alone.text == "\u4e00\u4e01"


async def test_what_is_not_heard_behind_a_lead_is_decoded_without_it():
    recogniser = ScriptedRecogniser(by_seconds(1))  # it takes a pause for the end
    (rest,) = await decoded_parts(recogniser, (48_000, 24_000, None))
    assert (rest.text, rest.char_times, rest.redecoded) == ("\u4e00\u4e01", (1.5, 2.0), True)
    assert [call.duration_s for call in recogniser.calls] == [3.0, 1.5]
    # Too little for a word is not worth it.
    (rest,) = await decoded_parts(recogniser, (48_000, 40_000, None))
    assert (rest.text, rest.refused) == ("", "empty")


async def test_a_bad_segment_does_not_take_its_batch_with_it():
    recogniser = Batching(lambda heard: f"{heard.duration_s * 16_000:.0f}")
    out = await decoded(recogniser, [("a", 1, "zh"), ("b", 2, "zh"), ("c", 13, "zh")])
    assert sorted(out) == [(0, "1"), (1, "2"), (2, "13")]
