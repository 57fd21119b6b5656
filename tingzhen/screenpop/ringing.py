"""Calls as a PBX would tell of them: the bytes of one recorded call, under new names.

Each is told in three parts: its joining the queue, an agent's phone beginning to ring (from
AgentCalled to the queue's word that the phone rings), and the rest.
"""

from __future__ import annotations

import re
import time
from importlib import resources

_END = b"\r\n\r\n"
_RECORDED_CALLER = b"5550100"
_UNIQUEID = re.compile(rb"\b\d{10}\.(\d{1,4})\b")
_CHANNEL_NUMBER = re.compile(rb"-(000000[0-9a-f]{2})\b")
_TIME = re.compile(rb"(?<=\r\nTimestamp: )[\d.]+")
_CALLED, _RINGING, _MEMBER = (
    b"Event: %s\r\n" % name for name in (b"AgentCalled", b"DialState", b"QueueMemberStatus")
)
AGENT = "PJSIP/1001"
"""The agent in the recording."""


class RecordedCall:
    """The recording, and the calls made of it."""

    def __init__(self) -> None:
        data = (resources.files("tingzhen") / "bench_data" / "answered.ami").read_bytes()
        blocks = [block + _END for block in data.split(_END) if block.startswith(b"Event: ")]
        called = _first(blocks, _CALLED)
        rings = _first(blocks, _MEMBER, _first(blocks, _RINGING)) + 1
        self._parts = blocks[:called], blocks[called:rings], blocks[rings:]

    def joins(self, number: int, caller: str) -> bytes:
        """The `number`-th call comes, by a caller, and waits."""
        return self._part(0, number, caller)

    def rings(self, number: int, caller: str) -> bytes:
        """The agent is called, and the agent's phone says that it rings."""
        return self._part(1, number, caller)

    def is_taken_and_ends(self, number: int, caller: str) -> bytes:
        """The agent answers, and the call is over."""
        return self._part(2, number, caller)

    def _part(self, which: int, number: int, caller: str) -> bytes:
        data = b"".join(self._parts[which])
        data = _UNIQUEID.sub(lambda found: b"%d.%d" % (number, int(found[1])), data)
        data = _CHANNEL_NUMBER.sub(lambda found: b"-%08x" % (number + int(found[1], 16)), data)
        data = data.replace(_RECORDED_CALLER, caller.encode())
        return _TIME.sub(b"%.6f" % time.time(), data)


def _first(blocks: list[bytes], beginning: bytes, after: int = 0) -> int:
    return next(at for at in range(after, len(blocks)) if blocks[at].startswith(beginning))
