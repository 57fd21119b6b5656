"""Records what Asterisk's manager interface sends, byte for byte, with the time of each read.

``NAME.ami`` holds the socket's bytes; ``NAME.ami.idx`` has a line per read: arrival in epoch
seconds, offset, length. ``NAME.truth.json`` is what the parties of the calls measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path
    from typing import BinaryIO, TextIO

    from tingzhen.lab.addresses import LabAddresses
    from tingzhen.lab.truth import CallTruth

_READ_SIZE = 65_536
_ANSWER_SECONDS = 10.0


class Recorder:
    """A manager connection that keeps every byte; made by `record`."""

    def __init__(self, writer: asyncio.StreamWriter, stream: BinaryIO, index: TextIO) -> None:
        self._writer = writer
        self._stream = stream
        self._index = index
        self._offset = 0
        self._seen = b""
        self._arrived = asyncio.Condition()

    async def ask(self, action: str, until: bytes, **headers: str) -> None:
        """Send an action and wait until its answer has been recorded.

        Args:
            action: For example ``QueueStatus``.
            until: Bytes that the end of the answer holds.
            headers: The action's headers.

        Raises:
            TimeoutError: No such answer came.
        """
        self._seen = b""
        lines = [f"Action: {action}", *(f"{name}: {value}" for name, value in headers.items())]
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        async with asyncio.timeout(_ANSWER_SECONDS), self._arrived:
            await self._arrived.wait_for(lambda: until in self._seen)

    async def read_all(self, reader: asyncio.StreamReader) -> None:
        """Record until the connection ends."""
        while data := await reader.read(_READ_SIZE):
            self._index.write(f"{time.time():.6f} {self._offset} {len(data)}\n")
            self._stream.write(data)
            self._offset += len(data)
            async with self._arrived:
                self._seen = (self._seen + data)[-_READ_SIZE:]
                self._arrived.notify_all()


@contextlib.asynccontextmanager
async def record(
    addresses: LabAddresses, stem: Path, *, admin: bool = False
) -> AsyncIterator[Recorder]:
    """Record a manager session for the length of the block.

    It logs in as the listening user, whose noise is filtered out, and asks for the state as
    Tingzhen does, so that the recording begins with what a listener sees.

    Args:
        addresses: The lab.
        stem: ``NAME.ami`` and ``NAME.ami.idx`` are written for this NAME.
        admin: Log in as the user without a filter instead.
    """
    user = addresses.ami_admin_user if admin else addresses.ami_user
    secret = addresses.ami_admin_secret if admin else addresses.ami_secret
    reader, writer = await asyncio.open_connection(addresses.ami_host, addresses.ami_port)
    with (
        stem.with_name(f"{stem.name}.ami").open("wb") as stream,
        stem.with_name(f"{stem.name}.ami.idx").open("w", encoding="ascii") as index,
    ):
        recorder = Recorder(writer, stream, index)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(recorder.read_all(reader))
            try:
                await recorder.ask("Login", b"FullyBooted", Username=user, Secret=secret)
                for action, number in (
                    ("QueueStatus", "qs"),
                    ("CoreShowChannels", "csc"),
                    ("Status", "st"),
                ):
                    await recorder.ask(action, b"EventList: Complete", ActionID=number)
                yield recorder
                # Everything that happened before this answer has been recorded with it.
                await recorder.ask("Ping", b"Ping: Pong", ActionID="end")
            finally:
                writer.close()
                reading.cancel()


def write_truth(stem: Path, scenario: str, calls: Sequence[tuple[str | None, CallTruth]]) -> None:
    """Write NAME.truth.json.

    Args:
        stem: NAME.
        scenario: What was played.
        calls: Each call with the id of its audio, None without (written as an empty text).
    """
    entries = [
        {
            "uniqueid": truth.uniqueid,
            "audio": audio or "",
            "agent": truth.agent,
            "queue": truth.queue,
            "caller": truth.caller,
            "began": truth.began,
            "joined_at": truth.joined_at,
            "answered_at": truth.answered_at,
            "ended_at": truth.ended_at,
            "outcome": truth.outcome,
            "hangup_by": truth.hangup_by,
            "wait_s": _rounded(truth.wait_s),
            "ring_s": _rounded(truth.ring_s),
            "talk_s": _rounded(truth.talk_s),
        }
        for audio, truth in sorted(calls, key=lambda call: call[1].began)
    ]
    stem.with_name(f"{stem.name}.truth.json").write_text(
        json.dumps({"scenario": scenario, "calls": entries}, ensure_ascii=False, indent=1) + "\n",
        encoding="utf-8",
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
