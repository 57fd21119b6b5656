"""Taps where ARI refuses, is gone, or never comes: the call is marked, nothing hangs."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import msgspec
import pytest
from patience import PATIENCE_S
from pydantic import SecretStr
from unit.telephony.scenario import Script

from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters
from backbone.media import LegClosed
from telephony.audiosocket.server import AudioSocketServer
from telephony.events import CallConnected, CallEnded, TapHealth
from telephony.settings import AriSettings, AudioSocketSettings, PbxSettings
from telephony.taps.ari import AriClient, AriError, AriGoneError, trust
from telephony.taps.service import TapService

PASSWORD = "hush-hush"


@contextlib.asynccontextmanager
async def http(status):
    """A server that answers every request with one status; yields its ARI base and the requests."""
    requests = []

    async def serve(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                requests.append(head.decode().split("\r\n")[0])
                writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/ari", requests


def client(url):
    return AriClient(AriSettings(url=url), SecretStr(PASSWORD))


@pytest.mark.parametrize(
    ("status", "words"), [(401, "refused the ARI user 'tingzhen'"), (404, "is ARI enabled there?")]
)
async def test_refused_websocket_is_told_without_the_password(status, words):
    async with http(status) as (url, requests), client(url) as ari:
        with pytest.raises(AriError) as error:
            await ari.listen(pytest.fail, pytest.fail)
    assert words in str(error.value)
    assert PASSWORD not in str(error.value)
    assert PASSWORD not in requests[0]  # nor does it stand in an address that others log
    assert "app=tingzhen" in requests[0]


async def test_nobody_there_is_told():
    async with http(200) as (url, _):
        pass
    async with client(url) as ari:
        with pytest.raises(AriError, match=r"127\.0\.0\.1"):
            await ari.listen(pytest.fail, pytest.fail)
        with pytest.raises(AriError, match="ConnectError"):
            await ari.snoop("1.2", "in", "x")


async def test_requests_name_the_channel_and_direction():
    async with http(200) as (url, requests), client(url) as ari:
        await ari.snoop("1795295000.1", "out", "leg-1")
        await ari.export("leg-1")
    assert requests == [
        "POST /ari/channels/1795295000.1/snoop?app=tingzhen&spy=out&snoopId=leg-1 HTTP/1.1",
        "POST /ari/channels/leg-1/continue?context=export&extension=leg-1&priority=1 HTTP/1.1",
    ]


async def test_hostile_channel_id_stays_inside_its_path():
    async with http(200) as (url, requests), client(url) as ari:
        await ari.snoop("../bridges?x=", "in", "y")
    assert requests[0].startswith("POST /ari/channels/..%2Fbridges%3Fx%3D/snoop?")


@pytest.mark.parametrize(("status", "kind"), [(404, AriGoneError), (500, AriError)])
async def test_refused_request_is_an_error(status, kind):
    async with http(status) as (url, _), client(url) as ari:
        with pytest.raises(kind):
            await ari.snoop("1.2", "in", "x")


@contextlib.asynccontextmanager
async def busy_asterisk(*, sessions=100, answers_after_s=0.01):
    """A server that, like Asterisk, turns the next connection away when it has enough of them."""
    seen = {"open": 0, "most": 0, "turned_away": 0, "answered": 0}

    async def serve(reader, writer):
        if seen["open"] >= sessions:
            seen["turned_away"] += 1
            writer.transport.abort()
            return
        seen["open"] += 1
        seen["most"] = max(seen["most"], seen["open"])
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(answers_after_s)
                seen["answered"] += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        seen["open"] -= 1
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/ari", seen


async def test_a_thousand_legs_asked_for_at_once_all_get_their_turn():
    async with busy_asterisk() as (url, seen), client(url) as ari, asyncio.TaskGroup() as tasks:
        for number in range(1000):
            tasks.create_task(ari.snoop("1795295000.1", "in", f"leg-{number}"))
    assert seen["answered"] == 1000
    assert seen["turned_away"] == 0
    assert seen["most"] < 100


async def test_trust_is_asked_for_where_the_address_wants_it():
    assert await trust(AriSettings(url="http://127.0.0.1:8088/ari")) is None
    trusted = await trust(AriSettings(url="https://pbx.example:8089/ari"))
    assert trusted.verify_mode is ssl.CERT_REQUIRED
    assert trusted.check_hostname


@contextlib.asynccontextmanager
async def tapping(url):
    counters, clock = Counters(), SystemClock()
    bus = Bus(counters)
    settings = PbxSettings(ari=AriSettings(url=url, secret=SecretStr(PASSWORD)), retry_first_s=0.02)
    server = AudioSocketServer(AudioSocketSettings(port=0), bus, clock, counters)
    taps = TapService(settings, bus, clock, counters, server)
    out = bus.subscribe("test", LegClosed, TapHealth)
    task = asyncio.create_task(taps.run())

    async def until(condition):
        async with asyncio.timeout(PATIENCE_S):
            async for envelope in out:
                if condition(envelope.event):
                    return envelope.event
        raise AssertionError("the subscription ended")

    try:
        yield bus, taps, until
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_call_that_nothing_could_hear_is_marked_on_both_sides():
    script = Script().answered().hangup_request(11).complete(11, "caller").hangup(11.01)
    async with http(401) as (url, _), tapping(url) as (bus, taps, until):
        health = await until(lambda e: isinstance(e, TapHealth) and e.detail)
        assert not health.up
        for event in script.events:
            await bus.publish(event)
        sides = {(await until(lambda e: isinstance(e, LegClosed))).role for _ in range(2)}
        assert sides == {"agent", "customer"}
        assert taps._calls == {}
        assert taps._server._expected == {}


async def test_calls_of_another_pbx_are_left_alone():
    script = Script().answered().hangup_request(11).complete(11, "caller").hangup(11.01)
    (connected,), (ended,) = script.of(CallConnected), script.of(CallEnded)
    async with http(401) as (url, _), tapping(url) as (bus, _taps, until):
        await bus.publish(msgspec.structs.replace(connected, system="other", call_id="theirs"))
        await bus.publish(msgspec.structs.replace(ended, call_id="theirs"))
        await bus.publish(connected)
        await bus.publish(ended)
        closed = [await until(lambda e: isinstance(e, LegClosed)) for _ in range(2)]
        assert {leg.call_id for leg in closed} == {connected.call_id}
