"""The live websocket on the real server: numbers, resuming, and who is let go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from console_world import PASSWORD, Call, World, running
from patience import PATIENCE_S
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from agent_console.server import ConsoleServer
from qa_engine.events import AlertShown
from telephony.control.events import SupervisionChanged


@asynccontextmanager
async def logged_in(server: ConsoleServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.address) as client:
        answer = await client.post("/api/v1/login", json={"username": "lead", "password": PASSWORD})
        assert answer.status_code == 200
        yield client


async def live_url(client: httpx.AsyncClient, **query: Any) -> str:
    ticket = (await client.post("/api/v1/ws-ticket")).json()["ticket"]
    url = httpx.URL(f"{client.base_url}/api/v1/live", params={"ticket": ticket, **query})
    return str(url.copy_with(scheme="ws"))


@asynccontextmanager
async def live(
    client: httpx.AsyncClient, **query: Any
) -> AsyncIterator[tuple[ClientConnection, dict[str, Any]]]:
    async with connect(await live_url(client, **query)) as browser:
        hello = await next_message(browser)
        assert hello["type"] == "hello"
        yield browser, hello


async def next_message(browser: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        message: dict[str, Any] = json.loads(await browser.recv())
        return message


async def until(browser: ClientConnection, seq: int) -> list[dict[str, Any]]:
    """Numbered events up to this one."""
    messages = []
    while not messages or messages[-1]["seq"] < seq:
        message = await next_message(browser)
        if message.get("seq"):
            messages.append(message)
    return messages


async def until_ended(browser: ClientConnection) -> list[int]:
    """The numbers of all events up to the end of a call."""
    numbers = []
    message: dict[str, Any] = {"type": ""}
    while message["type"] != "call_ended":
        message = await next_message(browser)
        if message.get("seq"):
            numbers.append(message["seq"])
    return numbers


async def closed_with(browser: ClientConnection) -> int:
    async with asyncio.timeout(PATIENCE_S):
        with contextlib.suppress(ConnectionClosedError):
            async for _ in browser:
                pass
        await browser.wait_closed()
    assert browser.close_code is not None
    return browser.close_code


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [m["text"] for m in messages if m["type"] == "transcript_final"]


async def test_hello_tells_how_things_stand_and_events_follow_with_their_numbers(
    desk: World,
) -> None:
    call = Call(desk, "one")
    await call.join(ago=5)
    async with (
        running(desk.server()) as server,
        logged_in(server) as client,
        live(client) as (browser, hello),
    ):
        assert hello["user"] == {"username": "lead", "role": "lead"}
        assert abs(hello["time"] - desk.clock.time()) < PATIENCE_S
        assert [c["call_id"] for c in hello["snapshot"]["calls"]] == [call.id]
        assert hello["snapshot"]["calls"][0]["caller"] == "•••• 8000"
        await call.connect()
        last = await call.say("s1", "agent", "您好。", start=1.0)
        events = await until(browser, last)
        assert [e["type"] for e in events] == [
            "ring_ended",
            "call_connected",
            "transcript_final",
        ]
        assert [e["seq"] for e in events] == list(range(hello["seq"] + 1, last + 1))


async def test_who_listens_to_a_call_is_told_to_nobody_else(desk: World) -> None:
    async with (
        running(desk.server()) as server,
        logged_in(server) as client,
        live(client) as (browser, hello),
    ):
        assert hello["listening"] == []
        for username in ("boss", "lead"):
            desk.bus.emit(
                SupervisionChanged(
                    at=1.0, call_id="c", username=username, mode="listen", state="listening"
                )
            )
        last = await Call(desk, "one").join()
        messages = [await next_message(browser)]
        while messages[-1].get("seq") != last:
            messages.append(await next_message(browser))
        told = [m["username"] for m in messages if m["type"] == "supervision_changed"]
        assert told == ["lead"]


async def test_a_caller_is_masked_on_the_wire(desk: World) -> None:
    async with (
        running(desk.server()) as server,
        logged_in(server) as client,
        live(client) as (browser, _),
    ):
        call = Call(desk, "one")
        await call.join()
        await call.connect()
        events = await until(browser, await call.end())
        assert "13800138000" not in json.dumps(events)
        assert "小明" not in json.dumps(events, ensure_ascii=False)
        assert events[-1]["record"]["caller"] == "•••• 8000"


async def test_a_ticket_opens_one_websocket(desk: World) -> None:
    async with running(desk.server()) as server, logged_in(server) as client:
        url = await live_url(client)
        async with connect(url) as first, connect(url) as second:
            assert await closed_with(second) == 4401
            assert (await next_message(first))["type"] == "hello"


async def test_no_websocket_without_a_ticket_or_for_another_site(desk: World) -> None:
    async with running(desk.server()) as server, logged_in(server) as client:
        async with connect((await live_url(client)).partition("?")[0]) as browser:
            assert await closed_with(browser) == 4401
        with pytest.raises(InvalidStatus) as refused:
            async with connect(await live_url(client), origin="http://elsewhere.test"):
                pass
        assert refused.value.response.status_code == 403


async def test_resuming_after_a_number_gives_exactly_the_rest(desk: World) -> None:
    async with running(desk.server()) as server, logged_in(server) as client:
        call = Call(desk, "one")
        async with live(client) as (browser, hello):
            await call.join()
            for number in range(20):
                last = await call.say(f"s{number}", "agent", str(number), start=float(number))
            seen = await until(browser, last)
        for number in range(20, 40):
            last = await call.say(f"s{number}", "agent", str(number), start=float(number))
        middle = seen[10]["seq"]
        async with live(client, after=middle, stream=hello["stream"]) as (browser, again):
            assert again["snapshot"] is None
            assert again["seq"] == middle
            rest = await until(browser, last)
            assert [m["seq"] for m in rest] == list(range(middle + 1, last + 1))
            assert texts(rest) == texts(seen[11:]) + [str(n) for n in range(20, 40)]


async def test_the_first_frame_with_an_alert_is_told_of_once(desk: World) -> None:
    shown = desk.bus.subscribe("test", AlertShown)
    async with (
        running(desk.server()) as server,
        logged_in(server) as client,
        live(client) as (one, _),
        live(client) as (two, _),
    ):
        call = Call(desk, "one")
        await call.join()
        await call.connect()
        about_words = await call.alert("a", segment="s1")
        silence = await call.alert("b")
        seq = await call.end()
        await asyncio.gather(until(one, seq), until(two, seq))
        told = [(await anext(shown)).event for _ in range(2)]
        assert [(event.alert_id, event.provisional, event.end) for event in told] == [
            (about_words, False, 2.0),
            (silence, False, None),
        ]
        assert shown.depth == 0


@pytest.mark.parametrize("query", [{"after": 1, "stream": "another"}, {"after": 10_000_000}])
async def test_a_number_of_another_journal_gets_a_snapshot(
    desk: World, query: dict[str, Any]
) -> None:
    async with running(desk.server()) as server, logged_in(server) as client:
        async with live(client) as (_, hello):
            pass
        async with live(client, **{"stream": hello["stream"], **query}) as (_, again):
            assert again["snapshot"] is not None


async def test_who_is_too_far_behind_gets_a_snapshot(desk: World) -> None:
    async with running(desk.server(resume_limit=5)) as server, logged_in(server) as client:
        async with live(client) as (_, hello):
            pass
        call = Call(desk, "one")
        await call.join()
        for number in range(6):
            await call.say(f"s{number}", "agent", str(number), start=float(number))
        async with live(client, after=hello["seq"], stream=hello["stream"]) as (_, again):
            assert len(again["snapshot"]["calls"][0]["turns"]) == 6


async def test_reloading_in_a_flood_loses_nothing(desk: World) -> None:
    said: list[str] = []
    greetings: list[dict[str, Any]] = []
    async with running(desk.server(client_queue=8)) as server, logged_in(server) as client:
        call = Call(desk, "one")
        await call.join()

        async def flood() -> int:
            last = 0
            while len(said) < 300 or len(greetings) < 2:
                said.append(f"第{len(said)}句")
                last = await call.say(f"s{len(said)}", "agent", said[-1], start=float(len(said)))
            return last

        flooding = asyncio.create_task(flood())
        while not flooding.done():
            async with live(client) as (_, hello):
                greetings.append(hello)
        last = await flooding
        for hello in greetings[:2]:
            known = [turn["text"] for turn in hello["snapshot"]["calls"][0]["turns"]]
            resume = {"after": hello["seq"], "stream": hello["stream"]}
            async with live(client, **resume) as (browser, again):
                assert again["snapshot"] is None
                rest = texts(await until(browser, last)) if hello["seq"] < last else []
            assert known + rest == said


async def test_a_stalled_browser_is_let_go_and_costs_the_others_nothing(desk: World) -> None:
    chosen = desk.server(send_timeout_s=2.0, client_queue=50)
    async with running(chosen) as server, logged_in(server) as client:
        narrow = socket.create_connection(_where(server))
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = await live_url(client)
        stalled = await connect(url, sock=narrow, max_queue=1, ping_interval=None)
        async with live(client) as (browser, hello):
            listening = asyncio.create_task(until_ended(browser))
            call = Call(desk, "one")
            await call.join()
            sent = 0
            async with asyncio.timeout(PATIENCE_S):
                while server.context.hub.clients > 1:
                    await call.say(f"s{sent}", "agent", "长" * 20_000, start=float(sent))
                    sent += 1
            last = await call.end()
            numbers = await listening
            assert desk.counters.get("console_clients_closed", reason="stalled") == 1
            assert numbers == list(range(hello["seq"] + 1, last + 1))
            assert desk.counters.get("bus_dropped", subscriber="console_client") == 0
        stalled.transport.abort()


async def test_a_browser_that_never_catches_up_is_told_to_come_again(desk: World) -> None:
    chosen = desk.server(client_queue=1, behind_limit_s=0.001)
    async with running(chosen) as server, logged_in(server) as client:
        async with live(client) as (_, hello):
            pass
        call = Call(desk, "one")
        await call.join()
        for number in range(200):
            await call.say(f"s{number}", "agent", str(number), start=float(number))
        url = await live_url(client, after=hello["seq"], stream=hello["stream"])
        async with connect(url) as browser:
            assert await closed_with(browser) == 1013
        assert desk.counters.get("console_clients_closed", reason="behind") == 1


async def test_logging_out_closes_the_websockets_of_that_session_only(desk: World) -> None:
    async with (
        running(desk.server()) as server,
        logged_in(server) as leaving,
        logged_in(server) as staying,
        live(leaving) as (gone, _),
        live(staying) as (stays, _),
    ):
        await leaving.post("/api/v1/logout")
        assert await closed_with(gone) == 4401
        await Call(desk, "one").join()
        assert (await next_message(stays))["type"] == "call_joined"


async def test_the_servers_time_is_sent_when_nothing_else_is(desk: World) -> None:
    async with (
        running(desk.server(heartbeat_s=0.05)) as server,
        logged_in(server) as client,
        live(client) as (browser, hello),
    ):
        beat = await next_message(browser)
        assert beat["type"] == "time"
        assert beat["time"] > hello["time"]


async def test_a_stopping_server_tells_its_browsers_to_come_back(desk: World) -> None:
    async with running(desk.server()) as server, logged_in(server) as client:
        browser = await connect(await live_url(client))
        await next_message(browser)
    assert await closed_with(browser) == 1012


def _where(server: ConsoleServer) -> tuple[str, int]:
    url = httpx.URL(server.address)
    assert url.port is not None
    return url.host, url.port
