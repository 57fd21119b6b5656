"""What a server of audio publishes of a leg whose samples fall behind the time."""

from __future__ import annotations

import asyncio
import itertools

import pytest
import structlog
from patience import PATIENCE_S

from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from backbone.media import AudioFrame, LegClosed, LegOpened
from telephony.legs.frames import Audio, Identified
from telephony.legs.leg import Leg
from telephony.legs.server import LegServer

RATE = 8_000
TICK_S = 0.02
TICK = b"\x01\x00" * 160


class Line:
    def close(self):
        pass

    abort = close


class Sender:
    """One frame at each of these times, on the clock of the test."""

    def __init__(self, clock, times):
        self.transport = Line()
        self._clock = clock
        self._start = clock.time()
        self._times = iter(times)
        self._named = False

    async def frames(self):
        if not self._named:
            self._named = True
            return [Identified("l1")]
        at = next(self._times, None)
        if at is None:
            return None
        await self._clock.advance(self._start + at - self._clock.time())
        return [Audio(RATE, TICK)]


class Server(LegServer):
    """A server that one sender comes to."""

    name = "scripted"

    def channel(self, leg_id, codec):
        raise NotImplementedError

    async def _listen(self):
        raise NotImplementedError

    async def hear(self, leg, times, clock):
        self.expect(leg)
        await self._accept(Sender(clock, times))


async def heard(times, *, ends=None, by_arrival=False):
    """The leg's events, its server, and what the log was told."""
    clock, counters = ManualClock(), Counters()
    bus = Bus(counters)
    out = bus.subscribe("test", LegOpened, AudioFrame, LegClosed, maxsize=10_000)
    server = Server("", 0, bus, clock, counters)
    leg = Leg(
        leg_id="l1", call_id="c1", role="agent", answered_here=clock.time(), by_arrival=by_arrival
    )
    leg.tell("end", ends if ends is not None else max(times))
    with structlog.testing.capture_logs() as logs:
        await server.hear(leg, times, clock)
    events = []
    async with asyncio.timeout(PATIENCE_S):
        async for envelope in out:
            events.append(envelope.event)
            if isinstance(envelope.event, LegClosed):
                break
    return events, server, counters, [entry for entry in logs if entry["event"] == "leg_behind"]


def ticks(start, end):
    return [at * TICK_S for at in range(round(start / TICK_S) + 1, round(end / TICK_S) + 1)]


async def test_leg_in_time_has_no_gap():
    events, server, counters, logs = await heard(ticks(0, 10))
    frames = [event for event in events if isinstance(event, AudioFrame)]
    assert [frame.sample for frame in frames] == [160 * at for at in range(500)]
    assert (events[-1].samples, events[-1].complete) == (10 * RATE, True)
    assert (server.lost_s, counters.get("legs_behind"), logs) == (0, 0, [])


async def test_lost_ticks_are_gaps_of_the_leg_counted_and_told_once():
    kept = [at for number, at in enumerate(ticks(0, 48)) if number % 24 != 11]
    events, server, counters, logs = await heard(kept)
    frames = [event for event in events if isinstance(event, AudioFrame)]
    assert sum(len(frame.pcm) for frame in frames) == len(kept) * len(TICK)
    closed = events[-1]
    assert (closed.complete, closed.reason) == (False, "audio_missing")
    assert server.lost_s == pytest.approx(2.0, abs=0.55)
    # The last frame stands where it was heard, but for what may still wait within Asterisk.
    last = frames[-1]
    assert (last.sample + len(last.pcm) / 2) / RATE == pytest.approx(48, abs=0.55)
    gaps = [
        after.sample - before.sample - len(before.pcm) // 2
        for before, after in itertools.pairwise(frames)
    ]
    assert sum(gaps) == round(server.lost_s * RATE)
    assert counters.get("legs_behind") == 1
    assert [(entry["leg_id"], entry["log_level"]) for entry in logs] == [("l1", "warning")]


@pytest.mark.parametrize("by_arrival", [False, True])
async def test_pause_of_the_party_is_silence_and_the_leg_stays_whole(by_arrival):
    events, server, counters, logs = await heard(ticks(0, 2) + ticks(32, 34), by_arrival=by_arrival)
    frames = [event for event in events if isinstance(event, AudioFrame)]
    pcm = b"".join(frame.pcm for frame in frames)
    assert pcm == TICK * 100 + bytes(30 * RATE * 2) + TICK * 100
    assert frames[-1].sample + len(frames[-1].pcm) // 2 == 34 * RATE
    assert (events[-1].samples, events[-1].complete) == (34 * RATE, True)
    assert (server.lost_s, logs, counters.get("leg_pauses")) == (0, [], 1)


async def test_gap_ends_where_the_partys_part_does():
    lost = [at for number, at in enumerate(ticks(0, 10)) if number % 2 == 0]
    events, server, _, _ = await heard(lost, ends=5.0)
    assert events[-1].samples == 5 * RATE
    assert server.lost_s <= 2.6
