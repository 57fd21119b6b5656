"""What the page is measured beside: the same news and the same details, without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

POLL_S = 1.0
_SETTLED = {"pbx_health", "rules_loaded"}


class Arrivals:
    """When the details of each call were there, in seconds since the epoch, by its id."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._new = asyncio.Condition()

    async def note(self, call_id: str) -> None:
        """They are there now."""
        async with self._new:
            self._at[call_id] = time.time()
            self._new.notify_all()

    def known(self, call_id: str) -> bool:
        """Whether they were noted."""
        return call_id in self._at

    async def next_after(self, known: int) -> float:
        """The time of the call after so many."""
        async with self._new:
            await self._new.wait_for(lambda: len(self._at) > known)
            return list(self._at.values())[known]


@contextlib.asynccontextmanager
async def logged_in(address: str, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who came in by a one-time link's token."""
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", headers={"Origin": address}) as http:
        (await http.post("/login/link", json={"token": token})).raise_for_status()
        yield http


@contextlib.asynccontextmanager
async def live_feed(http: httpx.AsyncClient) -> AsyncIterator[ClientConnection]:
    """The live feed of somebody logged in, its hello not read yet."""
    ticket = (await http.post("/ws-ticket")).raise_for_status().json()["ticket"]
    base = str(http.base_url).rstrip("/").replace("http", "ws", 1)
    async with connect(f"{base}/live?ticket={ticket}", max_size=None) as socket:
        yield socket


async def follow(http: httpx.AsyncClient, found: Arrivals, settled: asyncio.Event) -> None:
    """Ask for the details as the page does: when the live feed shows that a call rings.

    `settled` is set once the node has told of its PBX and of its rules.
    """
    heard: set[str] = set()
    async with live_feed(http) as socket:
        async for frame in socket:
            message = json.loads(frame)
            heard |= {each["type"] for each in (message, *message.get("health", ()))}
            if heard >= _SETTLED:
                settled.set()
            if message["type"] == "call_shown":
                await _ask(http, [message["call"]], found)


async def poll(http: httpx.AsyncClient, found: Arrivals) -> None:
    """Ask every second how things stand, and for the details when a call rings."""
    while True:
        async with live_feed(http) as socket:
            snapshot = json.loads(await socket.recv())["snapshot"]
        await _ask(http, snapshot["calls"], found)
        await asyncio.sleep(POLL_S)


async def _ask(http: httpx.AsyncClient, calls: list[dict[str, Any]], found: Arrivals) -> None:
    for call in calls:
        if call["state"] == "ringing" and not found.known(call["call_id"]):
            (await http.get(f"/calls/{call['call_id']}/caller")).raise_for_status()
            await found.note(call["call_id"])
