"""Supervisors' actions over the HTTP API: what is asked of the PBX, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from console_world import PASSWORD, World

from agent_console import users
from agent_console.app import create_app
from agent_console.context import ConsoleContext
from agent_console.settings import ConsoleSettings
from backbone import audit
from telephony.ami.client import AmiLostError, AmiReply
from telephony.ami.parser import AmiMessage
from telephony.control.service import Control
from telephony.control.sessions import ChannelWatch
from telephony.link import Talk
from telephony.settings import ControlSettings


def message(**headers: str) -> AmiMessage:
    return AmiMessage(list(headers.items()))


class Pbx:
    system = "main"

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.refuse = ""
        self.away = False

    def talk(self, call_id: str) -> Talk | None:
        return Talk("1.1", "PJSIP/1001", "1.2") if call_id == "c1" else None

    def watch(self, watch: ChannelWatch) -> None:
        self.told = watch

    async def send_action(
        self, name: str, *, timeout_s: float = 5.0, followed_by: str = "", **fields: str
    ) -> AmiReply:
        assert timeout_s > 0
        self.asked.append((name, fields))
        if self.away:
            raise AmiLostError("not connected to PBX 'main'")
        if name == "CoreShowChannels":
            return AmiReply(
                message(Response="Success"),
                (
                    message(Channel="PJSIP/t-1", Uniqueid="1.1", BridgeId="b"),
                    message(Channel="PJSIP/1001-2", Uniqueid="1.2", BridgeId="b"),
                ),
            )
        if self.refuse:
            return AmiReply(message(Response="Error", Message=self.refuse))
        items = (message(Event=followed_by, Response="Success", Channel="PJSIP/1010-3"),)
        return AmiReply(message(Response="Success", Message="done"), items if followed_by else ())


@pytest.fixture
def pbx() -> Pbx:
    return Pbx()


@pytest.fixture
async def client(desk: World, pbx: Pbx) -> AsyncIterator[httpx.AsyncClient]:
    with desk.engine.begin() as connection:
        users.ensure_lead(connection, PASSWORD, now=0.0)
    control = Control(desk.bus, desk.clock, desk.counters)
    control.attach(pbx, ControlSettings())
    context = ConsoleContext.build(
        ConsoleSettings(), desk.bus, desk.clock, desk.counters, desk.engine, control=control
    )
    projecting = asyncio.create_task(context.projector.run())
    await context.projector.ready.wait()
    transport = httpx.ASGITransport(create_app(context), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as client:
        answer = await client.post("/api/v1/login", json={"username": "lead", "password": PASSWORD})
        assert answer.status_code == 200
        yield client
    projecting.cancel()


def entries(desk: World) -> list[audit.AuditEntry]:
    with desk.engine.connect() as connection:
        return audit.entries(connection)


CALL = "/api/v1/control/calls/c1"
AGENTS = "/api/v1/control/agents"


async def test_listening_whispering_and_laying_down(client, pbx, desk):
    refused = await client.post(f"{CALL}/listening/listen")
    assert refused.status_code == 422
    assert "own phone" in refused.json()["detail"]
    assert (await client.get("/api/v1/control/phone")).json() == {"extension": ""}
    set_ = await client.put("/api/v1/control/phone", json={"extension": "PJSIP/1010"})
    assert set_.json() == {"extension": "PJSIP/1010"}
    listening = await client.post(f"{CALL}/listening/listen")
    assert listening.json() == {"answer": "done; answered", "call_id": "c1", "mode": "listen"}
    whispering = await client.post(f"{CALL}/listening/whisper")
    assert whispering.json()["mode"] == "whisper"
    assert pbx.asked[-1][0] == "PlayDTMF"
    assert (await client.delete(f"{CALL}/listening")).json() == {"answer": "done"}
    done = [(e.action, e.who, e.done) for e in reversed(entries(desk))]
    assert done == [
        ("listen", "lead", False),
        ("listen", "lead", True),
        ("whisper", "lead", True),
        ("stop_listening", "lead", True),
    ]
    with desk.engine.connect() as connection:
        assert audit.verify(connection).whole


@pytest.mark.parametrize(
    ("path", "body", "action"),
    [
        (f"{CALL}/hangup", None, "Hangup"),
        (f"{CALL}/transfer", {"to": "8002"}, "BlindTransfer"),
        ("/api/v1/control/callback", {"to": "5550100", "agent": "PJSIP/1001"}, "Originate"),
        (f"{AGENTS}/pause", {"agent": "PJSIP/1001", "reason": "午餐"}, "QueuePause"),
        (f"{AGENTS}/unpause", {"agent": "PJSIP/1001", "queue": "support"}, "QueuePause"),
        (f"{AGENTS}/login", {"agent": "PJSIP/1001", "queue": "support"}, "QueueAdd"),
        (f"{AGENTS}/logout", {"agent": "PJSIP/1001", "queue": "support"}, "QueueRemove"),
    ],
)
async def test_every_action_is_done_answered_and_written_down(  # noqa: PLR0917 - fixtures
    client, pbx, desk, path, body, action
):
    answer = await client.post(path, json=body)
    assert answer.status_code == 200
    assert answer.json()["answer"].startswith("done")
    assert pbx.asked[-1][0] == action
    pbx.refuse = "Permission denied"
    refused = await client.post(path, json=body)
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] == "Permission denied"
    pbx.away = True
    assert (await client.post(path, json=body)).status_code == 503
    assert [e.done for e in entries(desk)] == [False, False, True]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/control/calls/other/hangup", None, 404),
        (f"{CALL}/listening/shout", None, 422),
        (f"{CALL}/transfer", {"to": "1\r\nAction: Command"}, 422),
        (f"{CALL}/transfer", {"to": ""}, 422),
        ("/api/v1/control/callback", {"to": "1", "agent": "Local/9@out"}, 422),
        ("/api/v1/control/callback", {"to": "1", "agent": "PJSIP/1", "system": "x"}, 404),
        (f"{AGENTS}/pause", {"agent": "PJSIP/1001"}, 422),
        (f"{AGENTS}/pause", {"agent": "PJSIP/1001", "reason": "a\nb"}, 422),
        (f"{AGENTS}/login", {"agent": "PJSIP/1001", "queue": "a,b"}, 422),
    ],
)
async def test_what_cannot_be_used_is_refused_before_the_pbx_is_asked(
    client, pbx, path, body, status
):
    answer = await client.post(path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert pbx.asked == []


async def test_phone_must_be_a_phone(client):
    answer = await client.put("/api/v1/control/phone", json={"extension": "Local/9@out"})
    assert answer.status_code == 422
    assert (await client.get("/api/v1/control/phone")).json() == {"extension": ""}
