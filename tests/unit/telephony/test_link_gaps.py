"""The link when messages were dropped, when its peer speaks TLS, and what it never shows."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import structlog
import trustme
from pydantic import SecretStr
from unit.telephony.fake_ami import SECRET, FakeAmi
from unit.telephony.test_link import (
    CALLER,
    IMPATIENT,
    bridged,
    connect,
    event,
    join,
    linked,
    next_call,
    until_state,
)

from backbone.counters import Counters
from telephony.ami.client import AmiConnection, AmiLostError
from telephony.events import CallConnected, CallEnded
from telephony.settings import PbxSettings, TlsSettings, read_secret


async def test_dropped_messages_make_the_link_read_the_state_anew_and_mark_the_call():
    async with FakeAmi() as pbx, linked(pbx.port) as link:
        await until_state(link, "up")
        pbx.send(join(), connect())
        await next_call(link, CallConnected)
        pbx.lists["CoreShowChannels"] = bridged()
        asked = sum(action["Action"] == "CoreShowChannels" for action in pbx.actions)
        link._connection._queue_size = 5
        pbx.send(*[event("Noise") for _ in range(500)])
        await pbx.until(lambda: sum(a["Action"] == "CoreShowChannels" for a in pbx.actions) > asked)
        assert link.counters.get("ami_dropped", system="pbx") > 0
        link._connection._queue_size = 1000
        await _synced(pbx)
        pbx.send(
            event("HangupRequest", Uniqueid=CALLER),
            event("AgentComplete", Uniqueid=CALLER, Reason="caller", HoldTime="0", TalkTime="1"),
            event("Hangup", Uniqueid=CALLER, Cause="16"),
        )
        ended = await next_call(link, CallEnded)
        assert ended.record.outcome == "answered"
        assert "ami_dropped" in ended.record.incomplete_reason.split(",")
        assert pbx.logins == 1  # the connection itself was never lost


async def test_call_of_which_a_flood_left_only_the_beginning_is_found_in_the_lists():
    async with FakeAmi() as pbx, linked(pbx.port) as link:
        await until_state(link, "up")
        pbx.lists["CoreShowChannels"] = bridged()
        pbx.lists["Status"] = [
            [
                ("Event", "Status"),
                ("Uniqueid", CALLER),
                ("Channel", "PJSIP/trunk-1"),
                ("Seconds", "3"),
                ("Variable", "QUEUENAME=support"),
                ("Variable", "MEMBERINTERFACE=PJSIP/1001"),
                ("Variable", "QUEUESTATUS=(null)"),
            ]
        ]
        async with link._order:  # nobody reads, and there is room for two messages
            link._connection._queue_size = 2
            # One message may be taken out before the wait: no room for a fourth either way.
            pbx.send(event("Newchannel", Uniqueid=CALLER), event("Newchannel", Uniqueid="a.1"))
            pbx.send(event("Noise"))
            pings = pbx.pings
            await pbx.until(lambda: pbx.pings > pings + 1)
            pbx.send(event("Noise"), join(), connect(), *[event("Noise") for _ in range(50)])
            pings = pbx.pings
            await pbx.until(lambda: pbx.pings > pings + 1)
        found = await next_call(link, CallConnected)
        assert (found.agent, found.resumed) == ("PJSIP/1001", True)


async def _synced(pbx):
    """Until the last list of a resync has been asked for, and two Pings later answered."""
    await pbx.until(lambda: pbx.actions[-1]["Action"] in {"QueueStatus", "Ping"})
    pings = pbx.pings
    await pbx.until(lambda: pbx.pings >= pings + 2)


# TLS


class TlsAmi(FakeAmi):
    def __init__(self, authority):
        super().__init__()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self._context)

    async def __aenter__(self):
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._context
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def tls(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return TlsSettings(ca_file=path)


async def test_tls_carries_events_and_actions_both_ways_at_once(authority, tls):
    async with TlsAmi(authority) as pbx:
        connection = AmiConnection("127.0.0.1", pbx.port, Counters(), system="pbx", tls=tls)
        await connection.open("tingzhen", SecretStr(SECRET))
        for _ in range(20):
            pbx.send(*[event("Noise", Filler="x" * 2_000) for _ in range(50)])
            assert (await connection.send_action("Ping")).ok
        await connection.send_action("Ping")
        noise = [m for m, _ in connection.waiting() if m.event == "Noise"]
        assert len(noise) == 1_000
        await connection.close()


async def test_silent_peer_over_tls_is_found(authority, tls):
    async with TlsAmi(authority) as pbx, linked(pbx.port, tls=tls, **IMPATIENT) as link:
        await until_state(link, "up")
        pbx.silent = True
        health = await until_state(link, "lost")
        assert "silent" in health.detail
        pbx.silent = False
        await until_state(link, "up")


async def test_unverified_only_when_said_so(authority):
    async with TlsAmi(authority) as pbx:
        refused = AmiConnection("127.0.0.1", pbx.port, Counters(), system="pbx", tls=TlsSettings())
        with pytest.raises(AmiLostError, match="not trusted"):
            await refused.open("tingzhen", SecretStr(SECRET))
        trusting = AmiConnection(
            "127.0.0.1", pbx.port, Counters(), system="pbx", tls=TlsSettings(verify=False)
        )
        await trusting.open("tingzhen", SecretStr(SECRET))
        await trusting.close()


# Secrets


def test_secret_from_the_environment(monkeypatch):
    monkeypatch.setenv("TEST_AMI_SECRET", "hush-hush")
    settings = PbxSettings(secret_env="TEST_AMI_SECRET")
    assert settings.ami_secret().get_secret_value() == "hush-hush"
    assert "hush-hush" not in repr(settings)
    monkeypatch.delenv("TEST_AMI_SECRET")
    with pytest.raises(ValueError, match="TEST_AMI_SECRET is not set"):
        settings.ami_secret()
    with pytest.raises(ValueError, match="none of"):
        read_secret(None, None, "x")


async def test_no_log_line_of_a_link_holds_a_secret():
    with structlog.testing.capture_logs() as lines:
        async with FakeAmi() as pbx:
            pbx.refuse = True
            async with linked(pbx.port) as link:
                await until_state(link, "refused")
                pbx.refuse = False
                await until_state(link, "up")
                pbx.cut()
                await until_state(link, "lost")
    assert lines
    assert not any(SECRET in str(line) for line in lines)
