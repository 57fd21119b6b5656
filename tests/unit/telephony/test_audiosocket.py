"""AudioSocket: frames of any chunking, a server that counts samples and marks what is missing."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S
from unit.telephony.leg_rig import LEG, LegRig

from backbone.errors import UserError
from backbone.media import AudioFrame, LegClosed, LegOpened
from telephony.audiosocket.protocol import AudioSocketParser
from telephony.audiosocket.server import AudioSocketServer
from telephony.legs.frames import Audio, Digit, Failed, Identified, Terminated, Unreadable
from telephony.legs.gate import SpeechGate
from telephony.settings import AudioSocketSettings


def frame(kind, payload=b""):
    return struct.pack("!BH", kind, len(payload)) + payload


def hello(leg_id=LEG):
    return frame(0x01, uuid.UUID(leg_id).bytes)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (hello(), Identified(LEG)),
        (frame(0x10, b"\x01\x02" * 160), Audio(8000, b"\x01\x02" * 160)),
        (frame(0x11, b"ab"), Audio(12_000, b"ab")),
        (frame(0x12, b"ab"), Audio(16_000, b"ab")),
        (frame(0x18, b"ab"), Audio(192_000, b"ab")),
        (frame(0x10), Audio(8000, b"")),
        (frame(0x03, b"5"), Digit("5")),
        (frame(0x00), Terminated()),
        (frame(0xFF, b"\x01"), Failed(1)),
        (frame(0xFF), Failed(0)),
        (frame(0x10, b"abc"), Unreadable(0x10, 3)),
        (frame(0x01, b"short"), Unreadable(0x01, 5)),
        (frame(0x03, b"55"), Unreadable(0x03, 2)),
        (frame(0x42, b"what"), Unreadable(0x42, 4)),
        (frame(0x19, b"ab"), Unreadable(0x19, 2)),
    ],
)
def test_each_kind_of_frame_is_told_apart(data, expected):
    parser = AudioSocketParser()
    assert parser.feed(data) == [expected]
    assert not parser.truncated


def test_oversized_frame_is_passed_over_without_being_kept():
    parser = AudioSocketParser(max_payload=1000)
    data = frame(0x10, b"x" * 50_000) + frame(0x03, b"1")
    frames = []
    for start in range(0, len(data), 700):
        frames += parser.feed(data[start : start + 700])
        assert len(parser._buffer) < 1000
    assert frames == [Unreadable(0x10, 50_000), Digit("1")]


def test_stream_that_ends_inside_a_frame_is_truncated():
    parser = AudioSocketParser(max_payload=100)
    parser.feed(frame(0x10, b"ab")[:-1])
    assert parser.truncated
    parser = AudioSocketParser(max_payload=100)
    parser.feed(frame(0x10, b"x" * 200)[:-1])
    assert parser.truncated


@given(
    st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=80)), max_size=10),
    st.binary(max_size=20),
    st.lists(st.integers(min_value=0), max_size=8),
)
def test_any_chunking_gives_the_same_frames(frames, rest, cuts):
    data = b"".join(frame(kind, payload) for kind, payload in frames) + rest
    whole = AudioSocketParser(max_payload=40)
    expected = whole.feed(data)
    parser = AudioSocketParser(max_payload=40)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    got = [f for start, end in itertools.pairwise(edges) for f in parser.feed(data[start:end])]
    assert got == expected
    assert parser.truncated == whole.truncated


def samples(count, value=1):
    return value.to_bytes(2, "little") * count


def test_gate_silences_the_hold_to_the_sample_and_cuts_at_the_end():
    gate = SpeechGate(rate=100, offset_s=0.5)
    gate.hold(1.0)  # sample 50
    gate.resume(1.2)  # sample 70
    gate.end(1.5)  # sample 100
    heard = b"".join(gate.passed(at, samples(20)) for at in range(0, 200, 20))
    assert heard == samples(50) + samples(20, 0) + samples(30)
    assert gate.last == 100


def test_gate_passes_a_hold_that_goes_on_as_silence():
    gate = SpeechGate(rate=100, offset_s=0.0)
    gate.hold(0.1)
    assert gate.passed(0, samples(30)) == samples(10) + samples(20, 0)
    assert gate.passed(30, samples(30)) == samples(30, 0)
    gate.resume(0.6)
    assert gate.passed(60, samples(10)) == samples(10)


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=20),
    st.lists(st.integers(0, 300), max_size=6),
    st.integers(0, 300),
)
def test_gate_never_changes_the_number_of_samples_before_the_end(sizes, marks, end):
    gate = SpeechGate(rate=100, offset_s=0.0)
    for start, stop in itertools.pairwise(sorted(marks)):
        gate.hold(start / 100)
        gate.resume(stop / 100)
    gate.end(end / 100)
    at, passed = 0, 0
    for size in sizes:
        passed += len(gate.passed(at, samples(size))) // 2
        at += size
    assert passed == min(at, end)


class Rig(LegRig):
    def __init__(self):
        super().__init__(lambda *parts: AudioSocketServer(AudioSocketSettings(port=0), *parts))

    async def collect(self, count):
        """Read `count` samples' worth of frames."""
        pcm = b""
        while len(pcm) < 2 * count:
            event = await self.next(AudioFrame)
            assert event.sample * 2 == len(pcm)
            pcm += event.pcm
        return pcm

    async def dial(self):
        return await asyncio.open_connection("127.0.0.1", self.server.port)


@pytest.fixture
async def rig():
    async with Rig().running() as rig:
        yield rig


async def test_leg_is_opened_counted_and_closed_whole(rig):
    rig.expect()
    _, writer = await rig.dial()
    writer.write(hello() + frame(0x10, samples(160)) + frame(0x10, samples(160, 2)))
    opened = await rig.next(LegOpened)
    assert (opened.leg_id, opened.call_id, opened.role, opened.rate) == (LEG, "c1", "agent", 8000)
    assert -0.05 < opened.offset_s < 1.0
    assert await rig.collect(320) == samples(160) + samples(160, 2)
    rig.server.tell("c1", "agent", "end", opened.offset_s + 0.04)
    closed = await rig.next(LegClosed)
    assert (closed.samples, closed.complete, closed.reason) == (320, True, "")
    assert rig.server.live_legs == 0


async def test_agents_leg_is_silent_in_a_hold_and_cut_at_the_end(rig):
    rig.expect()
    _, writer = await rig.dial()
    writer.write(hello() + frame(0x10, samples(160)))
    opened = await rig.next(LegOpened)
    await rig.collect(160)
    zero = opened.offset_s
    rig.server.tell("c1", "agent", "hold", zero + 0.03)
    rig.server.tell("c1", "agent", "resume", zero + 0.05)
    rig.server.tell("c1", "agent", "end", zero + 0.06)
    writer.write(frame(0x10, samples(800)))
    rest = (await rig.next(AudioFrame)).pcm
    assert rest == samples(80) + samples(160, 0) + samples(80)
    closed = await rig.next(LegClosed)
    assert (closed.samples, closed.complete) == (480, True)


async def test_connection_that_ends_before_the_call_leaves_the_leg_incomplete(rig):
    rig.expect()
    _, writer = await rig.dial()
    writer.write(hello() + frame(0x10, samples(160)))
    await rig.collect(160)
    writer.close()
    closed = await rig.next(LegClosed)
    assert (closed.samples, closed.complete, closed.reason) == (160, False, "tap_ended_early")


async def test_reset_connection_leaves_the_leg_incomplete(rig):
    rig.expect()
    _, writer = await rig.dial()
    writer.write(hello() + frame(0x10, samples(160)))
    await rig.collect(160)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(__import__("socket").SOL_SOCKET, 13, linger)
    writer.transport.abort()
    closed = await rig.next(LegClosed)
    assert (closed.complete, closed.reason) == (False, "tap_reset")


async def test_stopped_server_closes_its_legs_as_incomplete(rig):
    rig.expect()
    _, writer = await rig.dial()
    writer.write(hello() + frame(0x10, samples(160)))
    await rig.collect(160)
    rig.task.cancel()
    closed = await rig.next(LegClosed)
    assert (closed.samples, closed.complete, closed.reason) == (160, False, "media_server_stopped")


async def test_audio_that_is_missing_at_the_end_is_told(rig):
    rig.expect()
    _, writer = await rig.dial()
    writer.write(hello() + frame(0x10, samples(160)))
    await rig.collect(160)
    rig.server.tell("c1", "agent", "end", 30.0)
    writer.close()
    closed = await rig.next(LegClosed)
    assert (closed.complete, closed.reason) == (False, "audio_missing")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (hello("99999999-2222-5333-8444-555555555555"), "unexpected"),
        (frame(0x10, b"ab"), "unidentified"),
        (b"GET / HTTP/1.1\r\n\r\n" + b"x" * 100_000, "unidentified"),
        (b"\x01", "unidentified"),
    ],
)
async def test_stranger_is_refused_and_counted(rig, data, reason):
    rig.expect()
    reader, writer = await rig.dial()
    with contextlib.suppress(ConnectionError):
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == b""
    assert rig.counters.get("audiosocket_refused", reason=reason) == 1
    assert rig.server.live_legs == 0


async def test_same_leg_is_let_in_once(rig):
    rig.expect()
    _, first = await rig.dial()
    first.write(hello() + frame(0x10, samples(160)))
    await rig.collect(160)
    reader, second = await rig.dial()
    second.write(hello())
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == b""
    assert rig.counters.get("audiosocket_refused", reason="unexpected") == 1
    assert rig.server.live_legs == 1


async def test_address_in_use_is_told_in_one_line(rig):
    settings = AudioSocketSettings(port=rig.server.port)
    second = AudioSocketServer(settings, rig.bus, rig.clock, rig.counters)
    with pytest.raises(UserError, match="cannot listen for audio on 127"):
        await second.run()


async def test_unreadable_frames_are_counted_and_the_audio_goes_on(rig):
    rig.expect()
    _, writer = await rig.dial()
    bad = frame(0x42, b"zz") + frame(0x10, b"odd") + frame(0x03, b"1")
    writer.write(hello() + frame(0x10, samples(160)) + bad + frame(0x10, samples(160)))
    assert len(await rig.collect(320)) == 640
    assert rig.counters.get("audiosocket_unreadable_frames") == 2


async def test_error_frame_and_a_changed_rate_end_the_leg_as_incomplete(rig):
    for leg_id, last, reason in (
        (LEG, frame(0xFF, b"\x02"), "tap_error"),
        ("21111111-2222-5333-8444-555555555555", frame(0x12, b"ab"), "rate_changed"),
    ):
        rig.expect(leg_id)
        _, writer = await rig.dial()
        writer.write(hello(leg_id) + frame(0x10, samples(160)))
        await rig.collect(160)
        writer.write(last)
        closed = await rig.next(LegClosed)
        assert (closed.complete, closed.reason) == (False, reason)
