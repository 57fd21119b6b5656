"""chan_websocket: its messages, and a server that takes them in as AudioSocket's is."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S
from pydantic import ValidationError
from unit.telephony.leg_rig import LEG, LegRig
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters
from backbone.media import AudioFrame, LegClosed, LegOpened
from telephony.legs.frames import Audio, Digit, Failed, Identified, Unreadable
from telephony.settings import PbxSettings, WebSocketSettings
from telephony.taps.transport import leg_server
from telephony.websocket.protocol import MediaParser, path_for
from telephony.websocket.server import WebSocketServer

START = (
    "MEDIA_START connection_id:tingzhen channel:WebSocket/tingzhen/0x7f00 channel_id:1795.4 "
    "format:{} optimal_frame_size:320 ptime:20"
)
START_JSON = json.dumps({"event": "MEDIA_START", "format": "slin16", "ptime": 20, "extra": {}})


def parser(path=None):
    return MediaParser(path_for(LEG) if path is None else path)


def started(form="slin"):
    told = parser()
    told.feed(START.format(form))
    return told


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([START.format("slin")], [Identified(LEG)]),
        ([START.format("slin"), b"\x01\x02"], [Identified(LEG), Audio(8_000, b"\x01\x02")]),
        ([START.format("slin16"), b"ab"], [Identified(LEG), Audio(16_000, b"ab")]),
        ([START_JSON, b"ab"], [Identified(LEG), Audio(16_000, b"ab")]),
        ([START.format("slin192"), b"ab"], [Identified(LEG), Audio(192_000, b"ab")]),
        ([START.format("ulaw"), b"ab"], [Identified(LEG), Failed(1), Unreadable(2, 2)]),
        ([b"ab"], [Unreadable(2, 2)]),
    ],
)
def test_a_stream_begins_by_naming_its_leg_and_format(messages, expected):
    told = parser()
    assert [frame for message in messages for frame in told.feed(message)] == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"", [Audio(8_000, b"")]),
        (b"abc", [Unreadable(2, 3)]),
        ("DTMF_END digit:5 channel_id:1795.4", [Digit("5")]),
        ('{"event":"DTMF_END","digit":"#"}', [Digit("#")]),
        ("MEDIA_XOFF channel_id:1795.4", []),
        ("STATUS queue_length:43 bulk_media:true", []),
        ("hello there", [Unreadable(1, 11)]),
        ("", [Unreadable(1, 0)]),
        ("{", [Unreadable(1, 1)]),
        ('{"no":"event"}', [Unreadable(1, 14)]),
        ('{"event":5}', [Unreadable(1, 11)]),
    ],
)
def test_what_comes_after_the_beginning_is_audio_a_key_or_passed_over(message, expected):
    assert started().feed(message) == expected


@pytest.mark.parametrize(
    "path", ["", "/", "/?leg=", "/?leg=a&leg=b", "/?other=1", "//[?leg=x", "%"]
)
def test_address_that_names_no_leg(path):
    (hello,) = parser(path).feed(START.format("slin"))
    assert hello == Identified("")


@given(st.text(max_size=60), st.lists(st.one_of(st.text(max_size=200), st.binary(max_size=50))))
def test_whatever_is_sent_nothing_is_raised_and_audio_is_whole_samples(path, messages):
    told = parser(path)
    for message in [*messages, START.format("slin"), *messages]:
        for frame in told.feed(message):
            assert not isinstance(frame, Audio) or len(frame.pcm) % 2 == 0


# The server


class Rig(LegRig):
    def __init__(self):
        super().__init__(lambda *parts: WebSocketServer(WebSocketSettings(port=0), *parts))

    def dial(self, path=None):
        path = path_for(LEG) if path is None else path
        return connect(
            f"ws://127.0.0.1:{self.server.port}{path}", subprotocols=["media"], proxy=None
        )


@pytest.fixture
async def rig():
    async with Rig().running() as rig:
        yield rig


def samples(count, value=1):
    return value.to_bytes(2, "little") * count


async def test_leg_is_opened_counted_and_ended_by_us_with_a_farewell(rig):
    rig.expect()
    async with rig.dial() as socket:
        assert socket.subprotocol == "media"
        await socket.send(START.format("slin16"))
        await socket.send(samples(320))
        opened = await rig.next(LegOpened)
        assert (opened.leg_id, opened.call_id, opened.rate) == (LEG, "c1", 16_000)
        assert (await rig.next(AudioFrame)).pcm == samples(320)
        rig.server.tell("c1", "agent", "end", opened.offset_s + 0.04)
        await socket.send(samples(640, 2))
        assert (await rig.next(AudioFrame)).pcm == samples(320, 2)
        closed = await rig.next(LegClosed)
        assert (closed.samples, closed.complete, closed.reason) == (640, True, "")
        with pytest.raises(ConnectionClosed) as farewell:
            await socket.recv()
        assert farewell.value.rcvd.code == 1000


async def test_nothing_is_ever_sent_back(rig):
    rig.expect()
    async with rig.dial() as socket:
        await socket.send(START.format("slin"))
        await socket.send(samples(160))
        await rig.next(AudioFrame)
        rig.server.tell("c1", "agent", "hold", 0.0)
        await socket.send(samples(160))
        await rig.next(AudioFrame)
        rig.task.cancel()
        with pytest.raises(ConnectionClosed):  # what had been sent would be received before it
            await socket.recv()


@pytest.mark.parametrize("farewell", [True, False])
async def test_connection_that_ends_before_the_call_leaves_the_leg_incomplete(rig, farewell):
    rig.expect()
    async with rig.dial() as socket:
        await socket.send(START.format("slin"))
        await socket.send(samples(160))
        await rig.next(AudioFrame)
        if not farewell:
            socket.transport.abort()
    closed = await rig.next(LegClosed)
    assert (closed.samples, closed.complete, closed.reason) == (160, False, "tap_ended_early")


async def test_stopped_server_closes_its_legs_as_incomplete(rig):
    rig.expect()
    async with rig.dial() as socket:
        await socket.send(START.format("slin"))
        await socket.send(samples(160))
        await rig.next(AudioFrame)
        rig.task.cancel()
        closed = await rig.next(LegClosed)
    assert (closed.samples, closed.reason) == (160, "media_server_stopped")


async def test_format_that_is_not_linear_is_told(rig):
    rig.expect()
    async with rig.dial() as socket:
        await socket.send(START.format("alaw"))
        closed = await rig.next(LegClosed)
    assert (closed.samples, closed.complete, closed.reason) == (0, False, "tap_failed")


@pytest.mark.parametrize(
    ("path", "message", "reason"),
    [
        ("/?leg=99999999-2222-5333-8444-555555555555", START.format("slin"), "unexpected"),
        ("/", START.format("slin"), "unexpected"),
        (path_for(LEG), b"ab", "unidentified"),
        (path_for(LEG), "x" * 70_000, "unidentified"),
    ],
)
async def test_stranger_is_refused_and_counted(rig, path, message, reason):
    rig.expect()
    async with rig.dial(path) as socket:
        with contextlib.suppress(ConnectionClosed):
            await socket.send(message)
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(PATIENCE_S):
                await socket.recv()
    await asyncio.gather(*rig.server._tasks)
    assert rig.counters.get("websocket_refused", reason=reason) == 1
    assert rig.server.live_legs == 0


# Which server, and what Asterisk is asked for


def test_transport_chooses_the_server():
    parts = (Bus(Counters()), SystemClock(), Counters())
    by_socket = leg_server(PbxSettings(), *parts)
    assert by_socket.channel("l1", "slin16") == "AudioSocket/127.0.0.1:9092/l1/c(slin16)"
    by_websocket = leg_server(PbxSettings(transport="websocket"), *parts)
    assert by_websocket.channel("l1", "slin16") == "WebSocket/tingzhen/c(slin16)v(leg=l1)"


def test_client_section_that_would_break_out_of_the_dial_string_is_refused():
    with pytest.raises(ValidationError):
        WebSocketSettings(client="tingzhen/c(ulaw)")
