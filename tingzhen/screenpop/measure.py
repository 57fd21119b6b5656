"""From AgentCalled on the manager interface to an agent's page with the caller's details on it.

The node is the real one in a process of its own, started by its command line on a store of many
calls; Asterisk is replaced by somebody who says, byte by byte, what it said in a recorded call. The
browser runs on the same machine, so its work is in the times, and there is one clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent_console import links, users
from backbone.clock import SystemClock
from backbone.errors import UserError
from tingzhen.demo.ami_stand_in import AmiStandIn
from tingzhen.past.people import KnownCaller, known_callers
from tingzhen.past.store import PastStore
from tingzhen.screenpop.browser import agent_page
from tingzhen.screenpop.listeners import Arrivals, follow, logged_in, poll
from tingzhen.screenpop.ringing import AGENT, RecordedCall

_AGENT_USER = "bench-agent"
_SECRET = "recorded"  # noqa: S105 - of a stand-in on loopback that lives as long as the bench
_PATIENCE_S = 60.0
_PAGE = "painted page"
_FEED = "live feed and answer, no browser"
_POLLING = "asking every second, no browser"
_WAITS_S = (0.3, 1.3)
"""How long a caller waits before the phone rings: about a second at random, so that who looks
every second is met at any moment of that second."""
_START = "import sys; from tingzhen.cli import main; sys.exit(main())"
_ANNOUNCED, _REFUSED = "console: ", "tingzhen: "


@dataclass(frozen=True, slots=True)
class Pop:
    """How long it took in one way, from AgentCalled, in milliseconds."""

    what: str
    rounds: int
    p50_ms: float
    p95_ms: float
    worst_ms: float


async def measure(store: PastStore, rounds: int, progress: Callable[[int], None]) -> list[Pop]:
    """Let a phone ring so often.

    Args:
        store: with the callers' past; the calls of the bench are added to it.
        rounds: how often.
        progress: told how many rounds are done.

    Returns:
        The page; the same details over the live feed without a browser; and by asking every
        second.

    Raises:
        UserError: the node does not start, or there is no browser.
    """
    callers, tokens = _prepare(store, rounds)
    ami = AmiStandIn(SystemClock(), "tingzhen", _SECRET)
    feed, polled, settled = Arrivals(), Arrivals(), asyncio.Event()
    times: dict[str, list[float]] = {_PAGE: [], _FEED: [], _POLLING: []}
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(ami.serve())
        address = await stack.enter_async_context(_node(store.folder.absolute(), ami.port))
        page = await stack.enter_async_context(agent_page(address + links.path(tokens[0])))
        feeding = await stack.enter_async_context(logged_in(address, tokens[1]))
        polling = await stack.enter_async_context(logged_in(address, tokens[2]))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        beside = [
            tasks.create_task(follow(feeding, feed, settled)),
            tasks.create_task(poll(polling, polled)),
        ]
        async with asyncio.timeout(_PATIENCE_S):
            await settled.wait()
        call = RecordedCall()
        first = int(time.time())  # every round takes longer than a second, so no number comes twice
        for done in range(rounds):
            caller = callers[done % len(callers)]
            ami.tell(call.joins(first + done, caller.number))
            await asyncio.sleep(random.uniform(*_WAITS_S))  # noqa: S311 - not a secret
            async with page.painting(caller.name) as painted, asyncio.timeout(_PATIENCE_S):
                called_at = time.time()
                ami.tell(call.rings(first + done, caller.number))
                for way, there in (
                    (_PAGE, painted),
                    (_FEED, feed.next_after(done)),
                    (_POLLING, polled.next_after(done)),
                ):
                    times[way].append(await there - called_at)
            ami.tell(call.is_taken_and_ends(first + done, caller.number))
            progress(done + 1)
        for task in beside:
            task.cancel()
    return [_pop(way, seconds) for way, seconds in times.items()]


def _prepare(store: PastStore, rounds: int) -> tuple[list[KnownCaller], list[str]]:
    """Callers with a past, and three ways in for the agent."""
    engine = store.open()
    with engine.begin() as connection:
        if users.find_user(connection, _AGENT_USER) is None:
            users.create_user(connection, _AGENT_USER, None, "agent", now=0.0, agent=AGENT)
        tokens = [links.issue(connection, _AGENT_USER, time.time()) for _ in range(3)]
        callers = known_callers(connection, rounds)
    engine.dispose()
    return callers, tokens


@contextlib.asynccontextmanager
async def _node(data_dir: Path, ami_port: int) -> AsyncIterator[str]:
    """A node of its own on these data: yields its console's address.

    Raises:
        UserError: it does not start; with what it said.
    """
    settings = f"""
data_dir = "{data_dir}"
components = ["telephony", "qa", "console", "metrics"]
log_level = "error"

[console]
port = 0

[[pbx]]
system = "bench"
port = {ami_port}
username = "tingzhen"
secret = "{_SECRET}"
taps = "off"
"""
    with tempfile.TemporaryDirectory(prefix="tingzhen-screenpop-") as folder:
        config = Path(folder) / "tingzhen.toml"
        config.write_text(settings, "utf-8")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _START, "run", "--config", str(config),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None  # noqa: S101 - asked for
        try:
            async with asyncio.timeout(_PATIENCE_S):
                address = await _announced(process.stderr)
            reading = asyncio.create_task(process.stderr.read())
            yield address
            process.terminate()
            await reading
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def _announced(said: asyncio.StreamReader) -> str:
    lines = []
    async for raw in said:
        line = raw.decode("utf-8", "replace").strip()
        if line.startswith(_ANNOUNCED):
            return line.removeprefix(_ANNOUNCED)
        lines.append(line)
    why = [line.removeprefix(_REFUSED) for line in lines if line.startswith(_REFUSED)]
    raise UserError("the node did not start: " + " ".join(why or lines[-3:]))


def _pop(what: str, seconds: list[float]) -> Pop:
    p50, p95 = (round(float(part) * 1000, 1) for part in np.percentile(seconds, [50, 95]))
    return Pop(what, len(seconds), p50, p95, round(max(seconds) * 1000, 1))
