"""The console as a component: starting, stopping, and why it cannot."""

from __future__ import annotations

import socket

import httpx
import pytest
from console_world import PASSWORD, Call, World, running

from agent_console import users
from agent_console.server import ConsoleError
from asr.events import AsrHealth
from telephony.events import PbxHealth


async def test_a_taken_port_is_said_so(desk: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConsoleError, match=f"port {port} on 127.0.0.1 is taken"):
            await desk.server(port=port).run()


async def test_an_address_that_is_not_ours_is_said_so(desk: World) -> None:
    with pytest.raises(ConsoleError, match="cannot listen on"):
        await desk.server(host="192.0.2.1").run()


async def test_a_password_that_is_too_short_is_said_so(desk: World) -> None:
    with pytest.raises(ConsoleError, match="at least 8"):
        await desk.server(lead_password="short").run()


async def test_there_is_no_address_before_the_start(desk: World) -> None:
    with pytest.raises(ConsoleError, match="not started"):
        _ = desk.server().address


async def test_the_first_start_makes_an_admin_whom_a_link_lets_in_once(desk: World) -> None:
    async with running(desk.server(lead_password=None)) as server:
        assert server.newcomer == "admin"
        link = server.login_link(server.newcomer)
        assert link.startswith(server.address)
        token = {"token": link.partition("#t=")[2]}
        async with httpx.AsyncClient(base_url=server.address) as client:
            answer = await client.post("/api/v1/login/link", json=token)
            assert answer.json()["role"] == "admin"
            assert answer.json()["choose_password"]
            assert (await client.post("/api/v1/login/link", json=token)).status_code == 401
            chosen = {"new": "a good long one"}
            assert (await client.post("/api/v1/me/password", json=chosen)).status_code == 204
            assert not (await client.get("/api/v1/me")).json()["choose_password"]
            known = {"username": "admin", "password": chosen["new"]}
            assert (await client.post("/api/v1/login", json=known)).status_code == 200


async def test_a_link_is_offered_until_somebody_can_come_in_without(desk: World) -> None:
    for _ in range(2):
        async with running(desk.server(lead_password=None)) as server:
            assert server.newcomer == "admin"
    with desk.engine.begin() as connection:
        users.set_password(connection, "admin", PASSWORD)
    async with running(desk.server(lead_password=None)) as server:
        assert server.newcomer is None


async def test_no_user_has_a_password_that_nobody_chose(desk: World) -> None:
    async with running(desk.server(lead_password=None)) as server:
        with desk.engine.connect() as connection:
            assert [(u.username, u.has_password) for u in users.list_users(connection)] == [
                ("admin", False)
            ]
        async with httpx.AsyncClient(base_url=server.address) as client:
            for password in ("admin", "", "tingzhen"):
                body = {"username": "admin", "password": password}
                assert (await client.post("/api/v1/login", json=body)).status_code in {401, 422}


async def test_a_configured_password_is_never_shown(desk: World) -> None:
    async with running(desk.server()) as server:
        assert PASSWORD not in repr(server.context.settings)


async def test_the_port_is_free_again_after_the_stop(desk: World) -> None:
    async with running(desk.server()) as server:
        port = httpx.URL(server.address).port
    async with running(desk.server(port=port)) as server, httpx.AsyncClient() as client:
        assert (await client.get(f"{server.address}/api/v1/health")).status_code == 200


async def test_a_restart_rebuilds_what_the_page_shows(desk: World) -> None:
    ended, going = Call(desk, "ended"), Call(desk, "going")
    async with running(desk.server()) as server:
        await ended.join(ago=60)
        await ended.connect(ago=50)
        await ended.end()
        await going.join(ago=20)
        await going.connect(ago=10)
        await going.say("s1", "agent", "您好。", start=1.0)
        opened = await ended.alert("open")
        done = await ended.alert("done")
        async with httpx.AsyncClient(base_url=server.address) as client:
            await client.post("/api/v1/login", json={"username": "lead", "password": PASSWORD})
            await client.post(f"/api/v1/alerts/{done}/ack")
    async with running(desk.server()) as server:
        state = server.context.projector.state
        assert [(c.call_id, c.state) for c in state.calls.values()] == [
            (ended.id, "ended"),
            (going.id, "talking"),
        ]
        assert [turn.text for turn in state.calls[going.id].turns] == ["您好。"]
        assert [a for a, alert in state.alerts.items() if alert.state == "open"] == [opened]
        assert state.seq == desk.bus.last_seq


async def test_a_call_without_an_end_from_long_ago_is_not_shown_as_live(desk: World) -> None:
    await Call(desk, "lost").join(ago=5 * 3600)
    async with running(desk.server()) as server:
        assert not server.context.projector.state.calls


async def test_health_that_was_told_before_the_start_is_known(desk: World) -> None:
    server = desk.server()
    desk.bus.emit(
        PbxHealth(at=1.0, system="pbx", up=False, state="lost", last_event_at=None, reconnects=0)
    )
    desk.bus.emit(
        AsrHealth(
            at=1.0,
            node="n",
            ready=True,
            legs=0,
            lag_s=0.0,
            queued=0,
            segments=0,
            partials=0,
            partials_skipped=0,
            redecodes=0,
            audio_s=0.0,
            decode_s=0.0,
        )
    )
    async with running(server), httpx.AsyncClient(base_url=server.address) as client:
        for _ in range(100):
            health = (await client.get("/api/v1/health")).json()
            if health["pbx_up"] is not None and health["asr_ready"] is not None:
                break
        assert (health["pbx_up"], health["asr_ready"]) == (False, True)


async def test_a_restart_logs_nobody_out_but_those_who_left(desk: World) -> None:
    async with running(desk.server()) as server:
        port = httpx.URL(server.address).port
        staying = httpx.AsyncClient(base_url=server.address)
        leaving = httpx.AsyncClient(base_url=server.address)
        for client in (staying, leaving):
            await client.post("/api/v1/login", json={"username": "lead", "password": PASSWORD})
        cookies = dict(leaving.cookies)
        await leaving.post("/api/v1/logout")
        leaving.cookies.update(cookies)
    async with running(desk.server(port=port)):
        assert (await staying.get("/api/v1/me")).status_code == 200
        assert (await leaving.get("/api/v1/me")).status_code == 401
    async with running(desk.server(port=port, lead_password="changed since")):
        assert (await staying.get("/api/v1/me")).status_code == 401
    await staying.aclose()
    await leaving.aclose()


async def test_a_session_unused_for_too_long_does_not_come_back(desk: World) -> None:
    async with running(desk.server(session_hours=1e-6)) as server:
        port = httpx.URL(server.address).port
        client = httpx.AsyncClient(base_url=server.address)
        await client.post("/api/v1/login", json={"username": "lead", "password": PASSWORD})
    async with running(desk.server(port=port)):
        assert (await client.get("/api/v1/me")).status_code == 401
    await client.aclose()
