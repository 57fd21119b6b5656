"""The measured side: a real console in a process of its own, that is told when to publish."""

from __future__ import annotations

import asyncio
import os
import resource
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import qa_engine.storage
import telephony.storage
from agent_console import links, users
from agent_console.server import ConsoleServer
from agent_console.settings import ConsoleSettings
from asr.events import TranscriptFinal
from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters
from backbone.ids import new_id
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal
from qa_engine.events import Alert, Evidence
from telephony.events import CallJoined
from tingzhen.log_setup import configure_logging

_LOOK_S = 0.5
_PROJECTIONS = {**telephony.storage.PROJECTIONS, **qa_engine.storage.PROJECTIONS}


@dataclass(frozen=True, slots=True)
class Load:
    """`alerts` at a distance of `every_s`, each with `finals` transcripts of `letters` letters."""

    alerts: int
    every_s: float
    finals: int
    letters: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What the process has used: memory now, processor seconds so far, clients by how they went.

    `waiting` is the most events that waited in memory for all clients, `let_go_s` how long after
    the first alert the last stalled client was let go.
    """

    rss_mb: float
    cpu_s: float
    clients: int
    stalled: int
    waiting: int = 0
    let_go_s: float | None = None


class _Watch:
    """Looks at what waits for the clients, and who of them is gone, now and then."""

    def __init__(self, bus: Bus, counters: Counters) -> None:
        self._bus = bus
        self._counters = counters
        self.waiting = 0
        self.let_go_s: float | None = None
        self.began = time.monotonic()

    async def run(self) -> None:
        """Look until cancelled."""
        gone = 0
        while True:
            self.waiting = max(self.waiting, self._bus.depths().get("console_client", 0))
            if (now_gone := _let_go(self._counters)) > gone:
                gone, self.let_go_s = now_gone, round(time.monotonic() - self.began, 1)
            await asyncio.sleep(_LOOK_S)


def _let_go(counters: Counters) -> int:
    return int(counters.get("console_clients_closed", reason="stalled"))


def run(pipe: Connection, *, compress: bool) -> None:
    """Serve until the pipe is closed: the child's main function."""
    configure_logging("error")
    with tempfile.TemporaryDirectory(prefix="tingzhen-fanout-") as folder:
        asyncio.run(_serve(pipe, Path(folder), compress=compress))


async def _serve(pipe: Connection, folder: Path, *, compress: bool) -> None:
    counters = Counters()
    engine = open_engine(sqlite_url(folder / "fanout.sqlite3"))
    with engine.begin() as connection:
        users.create_user(connection, "bench", None, "lead", now=0.0)
        token = links.issue(connection, "bench", time.time())
    journal = StoreJournal(engine, counters, _PROJECTIONS)
    bus = Bus(counters, journal)
    journal.start()
    await bus.start()
    settings = ConsoleSettings(port=0, compress_live=compress)
    server = ConsoleServer(settings, bus, SystemClock(), counters, engine)
    serving = asyncio.create_task(server.run())
    await server.started.wait()
    pipe.send((server.address, token))
    watch = _Watch(bus, counters)
    watching = asyncio.create_task(watch.run())
    try:
        while True:
            asked = await asyncio.to_thread(pipe.recv)
            if asked is None:
                break
            if isinstance(asked, Load):
                watch.began = time.monotonic()
                await _publish(bus, asked)
            pipe.send(_usage(server, counters, watch))
    except EOFError:  # whoever measures has gone
        pass
    finally:
        for task in (watching, serving):
            task.cancel()
        await asyncio.wait([watching, serving])
        await journal.close()
        engine.dispose()


async def _publish(bus: Bus, load: Load) -> None:
    call_id = new_id()
    await bus.publish(
        CallJoined(
            at=time.time(),
            call_id=call_id,
            system="bench",
            uniqueid=call_id,
            linkedid=call_id,
            visit=1,
            queue="bench",
            caller="13800138000",
            caller_name="",
            position=1,
        )
    )
    loop = asyncio.get_running_loop()
    due = loop.time()
    for number in range(load.alerts):
        due += load.every_s
        await asyncio.sleep(max(0.0, due - loop.time()))
        for final in range(load.finals):
            await bus.publish(_final(call_id, number * load.finals + final, load.letters))
        await bus.publish(_alert(call_id))


def _final(call_id: str, number: int, letters: int) -> TranscriptFinal:
    return TranscriptFinal(
        at=time.time(),
        call_id=call_id,
        role="customer",
        leg_id="",
        segment_id=new_id(),
        start=float(number),
        end=number + 1.0,
        text="请稍等" * (letters // 3),
        language="zh",
        confidence=0.9,
        level_db=-20.0,
        lag_s=0.5,
        decode_s=0.2,
    )


def _alert(call_id: str) -> Alert:
    return Alert(
        at=time.time(),
        alert_id=new_id(),
        call_id=call_id,
        queue="bench",
        agent="PJSIP/1001",
        rule="bench.rule",
        kind="taboo_phrase",
        severity="high",
        role="agent",
        title="服务禁语",
        title_en="Taboo phrase",
        phrase="不知道",
        start=1.0,
        end=2.0,
        suspected=False,
        evidence=Evidence(segment_id="s", text="我不知道。" * 6, span=(1, 4)),
    )


def _usage(server: ConsoleServer, counters: Counters, watch: _Watch) -> Usage:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(
        rss_mb=pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        cpu_s=used.ru_utime + used.ru_stime,
        clients=server.context.hub.clients,
        stalled=_let_go(counters),
        waiting=watch.waiting,
        let_go_s=watch.let_go_s,
    )
