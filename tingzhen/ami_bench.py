"""What the manager interface's bytes cost: events a second, and memory over very many calls."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import statistics
import time
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from backbone.errors import UserError
from backbone.events import Event
from telephony.agents.reducer import AgentReducer
from telephony.ami.parser import AmiParser
from telephony.calls.reducer import CallReducer
from telephony.events import CallEnded

READ_SIZE = 64 * 1024
"""Bytes of one read of the socket, for both sides."""
_UNIQUEID = re.compile(rb"\b(\d{10})\.(\d{1,4})\b")
_BLANK = b"\r\n\r\n"
_NOISE = (b"VarSet", b"Newexten", b"NewConnectedLine", b"NewCallerid", b"DeviceStateChange",
          b"TestEvent", b"RTCPSent", b"RTCPReceived", b"NewAccountCode")  # fmt: skip
"""What the documented filter keeps out (QUEUESTATUS and Queue() excepted)."""


class Rate(msgspec.Struct, frozen=True):
    """Events a second over several rounds; p95 is the rate that 95 % of the rounds reached."""

    who: str
    events: int
    rounds: int
    median: float
    p95: float


class MemorySample(msgspec.Struct, frozen=True):
    """Resident memory after so many calls."""

    calls: int
    rss_mb: float


class Recording:
    """One recorded call, to be had as any number of calls.

    Raises:
        UserError: the file cannot be read or holds no call.
    """

    def __init__(self, path: Path | None = None) -> None:
        try:
            if path is None:
                bundled = resources.files("tingzhen") / "bench_data" / "answered.ami"
                data = bundled.read_bytes()
            else:
                data = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: {error.strerror or 'cannot be read'}") from None
        blocks = [block for block in data.split(_BLANK) if block.startswith(b"Event: ")]
        if not any(block.startswith(b"Event: QueueCallerJoin\r") for block in blocks):
            raise UserError(f"{path}: no call into a queue in it")
        self.blocks = blocks

    def call(self, number: int, *, filtered: bool = False) -> bytes:
        """The bytes of the `number`-th call, its channels renumbered."""
        blocks = self.blocks
        if filtered:
            blocks = [block for block in blocks if not _is_noise(block)]

        def renumber(found: re.Match[bytes]) -> bytes:
            return b"%s.%d%04d" % (found[1], number + 1, int(found[2]))

        return _UNIQUEID.sub(renumber, _BLANK.join(blocks) + _BLANK)


def _is_noise(block: bytes) -> bool:
    kind = block[len(b"Event: ") : block.index(b"\r\n")]
    if kind == b"VarSet":
        return b"\r\nVariable: QUEUESTATUS\r\n" not in block
    if kind == b"Newexten":
        return b"\r\nApplication: Queue\r\n" not in block
    return kind in _NOISE


class Pipeline:
    """Bytes to call events and states of agents, as a PBX's link does it, without the socket."""

    def __init__(self) -> None:
        self._parser = AmiParser()
        self._calls = CallReducer("bench")
        self._agents = AgentReducer("bench")
        self.messages = 0
        self.records = 0

    def feed(self, data: bytes) -> None:
        """Take one read."""
        arrived = time.time()
        for message in self._parser.feed(data):
            self.messages += 1
            events: list[Event] = self._calls.feed(message, arrived)
            self._agents.feed(message, arrived, events)
            self.records += sum(isinstance(event, CallEnded) for event in events)


def _ours(reads: list[bytes]) -> int:
    pipeline = Pipeline()
    for data in reads:
        pipeline.feed(data)
    if not pipeline.records:
        raise UserError("the recording gave no call record")
    return pipeline.messages


def _panoramisk(reads: list[bytes]) -> int:
    try:
        from panoramisk import Manager  # noqa: PLC0415 - an extra, only for this
        from panoramisk.ami_protocol import AMIProtocol  # noqa: PLC0415 - as above
    except ImportError:
        raise UserError("panoramisk is not installed: pip install 'tingzhen[dev]'") from None

    async def run() -> int:
        manager: Any = Manager(encoding="utf-8")
        seen = 0

        def heard(_manager: Any, _event: Any) -> None:
            nonlocal seen
            seen += 1

        manager.register_event("*", heard)
        protocol: Any = AMIProtocol()
        protocol.connection_made(None)
        protocol.factory, protocol.encoding, protocol.version = manager, "utf-8", "bench"
        for data in reads:
            protocol.data_received(data)
        return seen

    return asyncio.run(run())


def rates(recording: Recording, *, calls: int, rounds: int, beside: bool) -> list[Rate]:
    """Measure ours, and panoramisk on the same bytes, in turn within each round."""
    data = b"".join(recording.call(number) for number in range(calls))
    reads = [data[at : at + READ_SIZE] for at in range(0, len(data), READ_SIZE)]
    sides: dict[str, Callable[[list[bytes]], int]] = {"tingzhen": _ours}
    if beside:
        sides["panoramisk"] = _panoramisk
    measured: dict[str, list[float]] = {who: [] for who in sides}
    events = dict.fromkeys(sides, 0)
    for _ in range(rounds):
        for who, run in sides.items():
            gc.collect()
            began = time.process_time()
            events[who] = run(reads)
            measured[who].append(events[who] / (time.process_time() - began))
    return [
        Rate(who, events[who], rounds, statistics.median(values), _reached_by_95(values))
        for who, values in measured.items()
    ]


def _reached_by_95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.05)]


def memory(recording: Recording, calls: int, samples: int = 10) -> Iterator[MemorySample]:
    """Feed very many calls, filtered as documented, and tell the memory ten times on the way."""
    pipeline = Pipeline()
    step = max(1, calls // samples)
    for number in range(calls):
        pipeline.feed(recording.call(number, filtered=True))
        if (number + 1) % step == 0:
            gc.collect()
            yield MemorySample(number + 1, _rss_mb())


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
