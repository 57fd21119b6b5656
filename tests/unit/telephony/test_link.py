"""The link to a PBX against a manager that refuses, falls silent, cuts and floods."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest
from patience import PATIENCE_S
from pydantic import SecretStr, ValidationError
from unit.telephony.fake_ami import SECRET, FakeAmi

from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters
from telephony.ami.client import AmiConnection, AmiLostError, AmiRefusedError
from telephony.events import CallConnected, CallEnded, CallEvent, CallJoined, PbxHealth
from telephony.link import PbxLink
from telephony.settings import PbxSettings, read_secret

CALLER = "1795295000.1"
FAST = {
    "ping_period_s": 0.1,
    "dead_after_s": PATIENCE_S,
    "retry_first_s": 0.02,
    "retry_longest_s": 0.1,
    "refused_retry_s": 0.1,
    "login_timeout_s": PATIENCE_S,
}
IMPATIENT = {"dead_after_s": 0.25, "login_timeout_s": 0.5}
"""For tests of silence only: a busy machine's peer may be silent so long without being dead."""


@contextlib.asynccontextmanager
async def linked(port, secret=SECRET, **more):
    counters = Counters()
    bus = Bus(counters)
    settings = PbxSettings(port=port, secret=SecretStr(secret), **{**FAST, **more})
    link = PbxLink(settings, bus, SystemClock(), counters)
    link.bus, link.counters = bus, counters
    link.health = bus.subscribe("test-health", PbxHealth)
    link.calls = bus.subscribe("test-calls", CallEvent)
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until_state(link, *states):
    async with asyncio.timeout(PATIENCE_S):
        async for envelope in link.health:
            if envelope.event.state in states:
                return envelope.event
    raise AssertionError("the subscription ended")


async def next_call(link, kind):
    async with asyncio.timeout(PATIENCE_S):
        async for envelope in link.calls:
            if isinstance(envelope.event, kind):
                return envelope.event
    raise AssertionError("the subscription ended")


def event(name, at=None, **headers):
    stamp = [("Timestamp", f"{time.time() if at is None else at:.6f}")]
    return [("Event", name), *stamp, *headers.items()]


def join(**more):
    return event(
        "QueueCallerJoin",
        Uniqueid=CALLER,
        Linkedid=CALLER,
        Channel="PJSIP/trunk-1",
        CallerIDNum="5550100",
        Queue="support",
        Position="1",
        **more,
    )


def connect():
    return event(
        "AgentConnect",
        Uniqueid=CALLER,
        DestUniqueid="a.1",
        DestChannel="PJSIP/1001-2",
        Interface="PJSIP/1001",
        MemberName="Agent",
        HoldTime="0",
    )


def bridged():
    bridge = ("BridgeId", "b1")
    shown = ("Event", "CoreShowChannel")
    return [
        [shown, ("Channel", "PJSIP/trunk-1"), ("Uniqueid", CALLER), bridge],
        [shown, ("Channel", "PJSIP/1001-2"), ("Uniqueid", "a.1"), bridge],
    ]


async def test_link_comes_up_and_publishes_calls():
    async with FakeAmi() as pbx, linked(pbx.port) as link:
        await until_state(link, "up")
        pbx.send(join())
        joined = await next_call(link, CallJoined)
        assert (joined.system, joined.uniqueid, joined.queue) == ("pbx", CALLER, "support")
        assert not joined.resumed


async def test_refused_login_is_told_with_user_and_host_and_without_the_secret():
    async with FakeAmi() as pbx, linked(pbx.port, secret="wrong-one") as link:
        health = await until_state(link, "refused")
        assert not health.up
        assert "tingzhen" in health.detail
        assert f"127.0.0.1:{pbx.port}" in health.detail
        assert "wrong-one" not in health.detail
        await pbx.until(lambda: pbx.logins >= 2)  # it goes on trying


async def test_link_waits_for_a_pbx_that_starts_late():
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        port = placeholder.getsockname()[1]
    async with linked(port) as link:
        health = await until_state(link, "lost")
        assert "cannot connect" in health.detail
        pbx = FakeAmi()
        pbx.port = port
        async with pbx:
            await until_state(link, "up")


async def test_something_that_is_no_manager_is_given_up_and_tried_again():
    async with FakeAmi() as pbx:
        pbx.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(range(256)) * 40
        pbx.silent = True
        async with linked(pbx.port, **IMPATIENT) as link:
            health = await until_state(link, "lost")
            assert "did not answer Login" in health.detail
            pbx.greeting, pbx.silent = b"Asterisk Call Manager/11.0.0\r\n", False
            await until_state(link, "up")


async def test_silent_peer_is_found_and_replaced():
    async with FakeAmi() as pbx, linked(pbx.port, **IMPATIENT) as link:
        await until_state(link, "up")
        pbx.silent = True
        health = await until_state(link, "lost")
        assert "silent" in health.detail
        assert link.counters.get("ami_silent_peers", system="pbx") >= 1
        pbx.silent = False
        health = await until_state(link, "up")
        assert health.reconnects >= 1


async def test_quiet_line_stays_up_beyond_the_sockets_timeout():
    async with FakeAmi() as pbx:
        connection = AmiConnection(
            "127.0.0.1",
            pbx.port,
            Counters(),
            system="pbx",
            ping_period_s=0.4,
            dead_after_s=PATIENCE_S,
            connect_timeout_s=0.1,
        )
        await connection.open("tingzhen", SecretStr(SECRET))
        watch = asyncio.create_task(connection.watch())
        await pbx.until(lambda: pbx.pings >= 3)
        assert not watch.done()
        watch.cancel()
        await connection.close()
        with pytest.raises(AmiLostError):
            await connection.send_action("Ping")


async def test_connection_cut_in_a_call_loses_nothing_and_marks_the_record():
    async with FakeAmi() as pbx, linked(pbx.port) as link:
        await until_state(link, "up")
        pbx.send(join(), connect())
        connected = await next_call(link, CallConnected)
        pbx.lists["CoreShowChannels"] = bridged()
        pbx.cut()
        await until_state(link, "lost")
        await until_state(link, "up")
        pbx.send(
            event("AgentComplete", Uniqueid=CALLER, Interface="PJSIP/1001", Reason="caller"),
            event("Hangup", Uniqueid=CALLER, Cause="16"),
        )
        ended = await next_call(link, CallEnded)
        assert ended.call_id == connected.call_id
        assert ended.record.outcome == "answered"
        assert ended.record.talk_s is not None
        assert not ended.record.complete
        assert "ami_gap" in ended.record.incomplete_reason


async def test_call_that_ended_while_the_connection_was_cut_is_closed_with_a_mark():
    async with FakeAmi() as pbx, linked(pbx.port) as link:
        await until_state(link, "up")
        pbx.send(join(), connect())
        connected = await next_call(link, CallConnected)
        pbx.cut()
        ended = await next_call(link, CallEnded)
        assert ended.call_id == connected.call_id
        assert ended.record.talk_s is None
        assert "ami_gap" in ended.record.incomplete_reason


async def test_pbx_that_restarted_ends_its_calls():
    async with FakeAmi() as pbx, linked(pbx.port) as link:
        await until_state(link, "up")
        pbx.send(join())
        await next_call(link, CallJoined)
        pbx.started = "2026-11-21 09:00:00"
        pbx.cut()
        ended = await next_call(link, CallEnded)
        assert "pbx_restarted" in ended.record.incomplete_reason


async def test_call_that_began_before_the_first_connection_is_resumed():
    async with FakeAmi() as pbx:
        entry = [("Event", "QueueEntry"), ("Queue", "support"), ("Uniqueid", CALLER)]
        pbx.lists["QueueStatus"] = [
            [*entry, ("Channel", "PJSIP/trunk-1"), ("Position", "2"), ("Wait", "40")]
        ]
        pbx.lists["CoreShowChannels"] = bridged()[:1]
        before = time.time()
        async with linked(pbx.port) as link:
            joined = await next_call(link, CallJoined)
            assert joined.resumed
            assert joined.position == 2
            assert before <= joined.at + 40 <= time.time()


async def test_message_that_cannot_be_handled_costs_only_itself(monkeypatch):
    async with FakeAmi() as pbx, linked(pbx.port) as link:
        await until_state(link, "up")
        feed = link.reducer.feed

        def failing(message, arrived):
            if message.event == "Poison":
                raise RuntimeError("boom")
            return feed(message, arrived)

        monkeypatch.setattr(link.reducer, "feed", failing)
        pbx.send(event("Poison"), join())
        await next_call(link, CallJoined)
        assert link.counters.get("ami_unhandled", system="pbx") == 1


async def test_flood_beyond_the_bound_is_counted_and_makes_the_state_doubtful():
    async with FakeAmi() as pbx:
        counters = Counters()
        connection = AmiConnection("127.0.0.1", pbx.port, counters, system="pbx", queue_size=10)
        await connection.open("tingzhen", SecretStr(SECRET))
        pbx.send(*[event("Noise") for _ in range(50)])
        reply = await connection.send_action("Ping")  # answered after the noise
        assert reply.ok
        assert connection.overflowed
        assert len(list(connection.waiting())) == 10
        assert counters.get("ami_dropped", system="pbx") >= 40
        await connection.close()


async def test_action_is_answered_with_what_the_pbx_said():
    async with FakeAmi() as pbx, linked(pbx.port) as link:
        with pytest.raises(AmiLostError):
            await link.send_action("QueuePause")
        await until_state(link, "up")
        reply = await link.send_action("NoSuchThing")
        assert not reply.ok
        assert reply.message == "Invalid/unknown command"
        pbx.lists["QueueStatus"] = [[("Event", "QueueParams"), ("Queue", "support")]]
        reply = await link.send_action("QueueStatus")
        assert [item.get("Queue") for item in reply.items] == ["support"]


@pytest.mark.parametrize("value", ["1\r\nAction: Originate", "1\nX: 2", "1\r"])
async def test_line_break_in_an_action_is_refused(value):
    async with FakeAmi() as pbx:
        connection = AmiConnection("127.0.0.1", pbx.port, Counters(), system="pbx")
        await connection.open("tingzhen", SecretStr(SECRET))
        with pytest.raises(ValueError, match="line break"):
            await connection.send_action("Hangup", Channel=value)
        await connection.close()


async def test_refusal_is_an_error_of_its_own():
    async with FakeAmi() as pbx:
        pbx.refuse = True
        connection = AmiConnection("127.0.0.1", pbx.port, Counters(), system="pbx")
        with pytest.raises(AmiRefusedError, match="Authentication failed"):
            await connection.open("tingzhen", SecretStr(SECRET))
        await connection.close()


def test_secret_comes_from_a_file_or_says_what_is_missing(tmp_path):
    path = tmp_path / "secret"
    path.write_text("  hush \nsecond line\n")
    assert read_secret(None, path, "AMI").get_secret_value() == "hush"
    path.write_text("\n")
    with pytest.raises(ValueError, match="is empty"):
        read_secret(None, path, "AMI")
    with pytest.raises(ValueError, match="No such file"):
        read_secret(None, tmp_path / "none", "AMI")
    with pytest.raises(ValueError, match="none of secret, secret_env and secret_file"):
        PbxSettings().ami_secret()


def test_settings_show_no_secret_and_refuse_what_cannot_work():
    assert "hush" not in repr(PbxSettings(secret=SecretStr("hush")))
    assert PbxSettings().cycle_s == 5.0
    assert PbxSettings(ring_cadence="us").cycle_s == 6.0
    with pytest.raises(ValidationError, match="dead_after_s"):
        PbxSettings(ping_period_s=2, dead_after_s=1)
