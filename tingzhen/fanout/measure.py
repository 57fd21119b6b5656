"""The measuring side: browsers that note when each alert arrives, and some that never read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import re
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tingzhen.fanout import node
from tingzhen.fanout.node import Load, Usage

_SETTLE_S = 10.0
_LOOK_S = 1.0
_RETURN_S, _SILENCE_S = 60.0, 2.0
_NARROW, _WIDE = 4096, 1 << 20
_ALERT = '"type":"alert"'
_SEQ = re.compile(r'\{"seq":(\d+),')
_OPTIONS: dict[str, Any] = {"ping_interval": None, "max_size": None}


@dataclass(frozen=True, slots=True)
class Fanout:
    """What was measured. Times from publishing to receipt at those who read, in milliseconds.

    `events_waiting` is the most that waited in the server's memory for all clients together,
    `kept_kb_worst` the most that the system held for one client. `let_go` of the stalled clients
    were let go, the last one `let_go_after_s` after the first alert; `resumed` of them came back
    with the last number they had, and missed so many events then, or got so many twice.
    """

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
    events_waiting: int
    kept_kb_worst: float
    let_go: int
    let_go_after_s: float | None
    resumed: int
    missed_after: int
    twice_after: int


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
            async with _connected(client, clients, stalled, compress=compress) as browsers:
                connected = await _ask(ours, "usage")
                delays: list[float] = []
                reading = [
                    asyncio.create_task(_read(browser, load.alerts, delays))
                    for browser in browsers[stalled:]
                ]
                watching = asyncio.create_task(_most_kept(client.base_url.port or 80))
                await _ask(ours, load)
                await asyncio.wait(reading, timeout=_SETTLE_S)
                for task in reading:
                    task.cancel()
                watching.cancel()
                kept_bytes = await watching
                after = await _ask(ours, "usage")
                numbers = await reading[0]
                returned = [await _return(client, one, numbers) for one in browsers[:stalled]]
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
        events_waiting=after.waiting,
        kept_kb_worst=round(kept_bytes / 1024, 1),
        let_go=after.stalled,
        let_go_after_s=after.let_go_s,
        resumed=sum(one.resumed for one in returned),
        missed_after=sum(one.missed for one in returned),
        twice_after=sum(one.twice for one in returned),
    )


async def _ask(pipe: Connection, what: object) -> Usage:
    pipe.send(what)
    answer = await asyncio.to_thread(pipe.recv)
    assert isinstance(answer, Usage)  # noqa: S101 - what the other side sends
    return answer


async def _most_kept(port: int) -> int:
    """Look, until cancelled, at what the system holds for each of a port's connections.

    Returns:
        The most that it held for one, in bytes that it was not told to have arrived.
    """
    most = 0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            most = max(most, await asyncio.to_thread(_unacknowledged, port))
            await asyncio.sleep(_LOOK_S)
    return most


def _unacknowledged(port: int) -> int:
    most = 0
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        _, local, _, _, queues, *_ = line.split()
        if int(local.partition(":")[2], 16) == port:
            most = max(most, int(queues.partition(":")[0], 16))
    return most


class _Browser:
    """A connection, and the journal that its numbers are of."""

    def __init__(self, connection: ClientConnection, hello: dict[str, Any]) -> None:
        self.connection = connection
        self.stream = str(hello["stream"])
        self.begin = int(hello["seq"])


@dataclass(frozen=True, slots=True)
class _Returned:
    """How it went for a stalled browser that began to read again."""

    resumed: bool
    missed: int
    twice: int


@contextlib.asynccontextmanager
async def _connected(
    client: httpx.AsyncClient, clients: int, stalled: int, *, compress: bool
) -> AsyncIterator[list[_Browser]]:
    """Browsers of which the first `stalled` read nothing after the first message."""
    opened: list[_Browser] = []
    options: dict[str, Any] = {**_OPTIONS, "compression": "deflate" if compress else None}
    try:
        for number in range(clients):
            url = await _live_url(client)
            own = dict(options)
            if number < stalled:
                narrow = socket.create_connection((url.host, url.port or 80))
                narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW)
                own |= {"sock": narrow, "max_queue": 1}
            connection = await connect(str(url), **own)
            opened.append(_Browser(connection, json.loads(await connection.recv())))
        yield opened
    finally:
        for browser in opened:
            browser.connection.transport.abort()


async def _live_url(client: httpx.AsyncClient, **query: str | int) -> httpx.URL:
    ticket = (await client.post("/api/v1/ws-ticket")).json()["ticket"]
    url = httpx.URL(f"{client.base_url}/api/v1/live", params={"ticket": ticket, **query})
    return url.copy_with(scheme="ws")


async def _read(browser: _Browser, alerts: int, delays: list[float]) -> list[int]:
    """Note when each alert arrives; returns the numbers of all events up to the last one."""
    numbers = []
    seen = 0
    while seen < alerts:
        text = await browser.connection.recv(decode=True)
        arrived = time.time()
        if number := _number(text):
            numbers.append(number)
        if _ALERT in text:
            delays.append(arrived - json.loads(text)["at"])
            seen += 1
    return numbers


async def _return(client: httpx.AsyncClient, browser: _Browser, wanted: list[int]) -> _Returned:
    """Let a stalled browser read what it can still get, and come back for the rest."""
    got: list[int] = []
    resumed = False
    held = browser.connection.transport.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WIDE)
    async with asyncio.timeout(_RETURN_S):
        try:
            await _until(browser.connection, wanted[-1], got, _SILENCE_S)
        except (ConnectionClosed, TimeoutError):
            # Who took nothing for long may not even be told of the end: silence tells a page.
            resumed = True
            after = got[-1] if got else browser.begin
            url = await _live_url(client, after=after, stream=browser.stream)
            async with connect(str(url), compression=None, **_OPTIONS) as again:
                await _until(again, wanted[-1], got, _RETURN_S)
    return _Returned(resumed, len(set(wanted) - set(got)), len(got) - len(set(got)))


async def _until(
    connection: ClientConnection, last: int, got: list[int], patience_s: float
) -> None:
    while not got or got[-1] < last:
        async with asyncio.timeout(patience_s):
            text = await connection.recv(decode=True)
        if number := _number(text):
            got.append(number)


def _number(text: str) -> int:
    """The number of an event; 0 of what has none."""
    found = _SEQ.match(text)
    return int(found[1]) if found else 0
