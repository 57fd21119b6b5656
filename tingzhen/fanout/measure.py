"""The measuring side: browsers that note when each alert arrives, and some that never read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from tingzhen.fanout import node
from tingzhen.fanout.node import Load, Usage

_SETTLE_S = 10.0
_NARROW = 4096
_ALERT = '"type":"alert"'


@dataclass(frozen=True, slots=True)
class Fanout:
    """What was measured. Times from publishing to receipt, in milliseconds."""

    clients: int
    stalled_clients: int
    compressed: bool
    alerts: int
    received: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    empty_mb: float
    connected_mb: float
    after_mb: float
    kb_a_client: float
    server_cpu_s: float
    let_go: int


async def measure(clients: int, stalled: int, load: Load, *, compress: bool) -> Fanout:
    """Connect the clients, of which `stalled` read nothing, publish, and see what arrives when."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=node.run, args=(theirs,), kwargs={"compress": compress})
    child.start()
    theirs.close()
    try:
        address, token = await asyncio.to_thread(ours.recv)
        async with httpx.AsyncClient(base_url=address) as client:
            await client.post("/api/v1/login/link", json={"token": token})
            empty = await _ask(ours, "usage")
            async with _connected(client, clients, stalled, compress=compress) as readers:
                connected = await _ask(ours, "usage")
                delays: list[float] = []
                reading = [
                    asyncio.create_task(_read(reader, load.alerts, delays)) for reader in readers
                ]
                after = await _ask(ours, load)
                await asyncio.wait(reading, timeout=_SETTLE_S)
                for task in reading:
                    task.cancel()
                after = await _ask(ours, "usage")
        ours.send(None)
    finally:
        ours.close()
        await asyncio.to_thread(child.join, _SETTLE_S)
        if child.is_alive():
            child.kill()
    if not delays:
        raise RuntimeError("no alert arrived")
    times = np.array(delays) * 1000
    return Fanout(
        clients=clients,
        stalled_clients=stalled,
        compressed=compress,
        alerts=load.alerts,
        received=len(delays),
        p50_ms=round(float(np.percentile(times, 50)), 1),
        p99_ms=round(float(np.percentile(times, 99)), 1),
        worst_ms=round(float(times.max()), 1),
        empty_mb=round(empty.rss_mb, 1),
        connected_mb=round(connected.rss_mb, 1),
        after_mb=round(after.rss_mb, 1),
        kb_a_client=round((connected.rss_mb - empty.rss_mb) * 1024 / clients, 1),
        server_cpu_s=round(after.cpu_s - connected.cpu_s, 2),
        let_go=after.stalled,
    )


async def _ask(pipe: Connection, what: object) -> Usage:
    pipe.send(what)
    answer = await asyncio.to_thread(pipe.recv)
    assert isinstance(answer, Usage)  # noqa: S101 - what the other side sends
    return answer


@contextlib.asynccontextmanager
async def _connected(
    client: httpx.AsyncClient, clients: int, stalled: int, *, compress: bool
) -> AsyncIterator[list[ClientConnection]]:
    """Browsers of which the first `stalled` read nothing after the first message."""
    opened: list[ClientConnection] = []
    options: dict[str, Any] = {
        "compression": "deflate" if compress else None,
        "ping_interval": None,
        "max_size": None,
    }
    try:
        for number in range(clients):
            ticket = (await client.post("/api/v1/ws-ticket")).json()["ticket"]
            url = httpx.URL(f"{client.base_url}/api/v1/live", params={"ticket": ticket})
            own = dict(options)
            if number < stalled:
                narrow = socket.create_connection((url.host, url.port or 80))
                narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW)
                own |= {"sock": narrow, "max_queue": 1}
            browser = await connect(str(url.copy_with(scheme="ws")), **own)
            await browser.recv()
            opened.append(browser)
        yield opened[stalled:]
    finally:
        for browser in opened:
            browser.transport.abort()


async def _read(browser: ClientConnection, alerts: int, delays: list[float]) -> None:
    seen = 0
    while seen < alerts:
        text = await browser.recv(decode=True)
        arrived = time.time()
        assert isinstance(text, str)  # noqa: S101 - asked for decoded text
        if _ALERT in text:
            delays.append(arrived - json.loads(text)["at"])
            seen += 1
