"""Keeps what a live page showed of a call and what nothing else remembers: for replays.

Finals, hits and alerts are in the journal. What was revised, withdrawn or replaced on the way is
not, and without it a replay would show sentences that fall from the sky. This listener collects
it call by call, with personal data covered as on the page, and puts it into the journal in packed
pieces, mostly one a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import structlog

from agent_console.events import CallTaped
from agent_console.live.wire import masked
from asr.events import SpeechStarted, SpeechStopped, TranscriptPartial
from backbone.events import Event, encode
from qa_engine.events import (
    AlertWithdrawn,
    EmotionChanged,
    ProvisionalAlert,
    RunningScore,
    ScriptProgress,
)
from telephony.events import CallEnded

if TYPE_CHECKING:
    from backbone.bus import Bus
    from backbone.counters import Counters

_log = structlog.get_logger(__name__)

TAPED: tuple[type[Event], ...] = (
    SpeechStarted,
    SpeechStopped,
    TranscriptPartial,
    ProvisionalAlert,
    AlertWithdrawn,
    RunningScore,
    ScriptProgress,
    EmotionChanged,
)
"""What a live page shows and the journal does not hold."""

PIECE_BYTES = 512 * 1024
"""So much of a call, unpacked, becomes one piece; at a hundred bytes a revision that is an hour."""
_MOST_BYTES = 8 * PIECE_BYTES
_MOST_CALLS = 2000
_LAST_WORDS_S = 2.0


class Tape:
    """What was collected of one call so far: pure.

    `full` when no more is taken, so that no call can fill the disk. `last_at` is the time of the
    newest event.
    """

    def __init__(self) -> None:
        self.last_at = 0.0
        self._lines: list[bytes] = []
        self._size = 0
        self._total = 0

    @property
    def full(self) -> bool:
        """Whether what is added is dropped."""
        return self._total >= _MOST_BYTES

    def add(self, event: Event) -> bytes | None:
        """Take in an event; returns a packed piece when there is one to be put away."""
        line = encode(masked(event))
        self.last_at = event.at
        self._lines.append(line)
        self._size += len(line)
        self._total += len(line)
        return self.cut() if self._size >= PIECE_BYTES or self.full else None

    def cut(self) -> bytes | None:
        """What was not put away yet, packed; None when there is nothing."""
        if not self._lines:
            return None
        piece = zlib.compress(b"\n".join(self._lines))
        self._lines, self._size = [], 0
        return piece


def unpacked(pieces: Iterable[CallTaped]) -> list[dict[str, Any]]:
    """The events of a call's pieces in the order of their time, as the page gets them."""
    events: list[dict[str, Any]] = []
    for piece in pieces:
        # One that was spoiled must not hide the rest.
        with contextlib.suppress(zlib.error, ValueError):
            events += [json.loads(line) for line in zlib.decompress(piece.tape).split(b"\n")]
    return sorted(events, key=lambda event: event["at"])


class CallTaper:
    """Listens to the bus and puts tapes away.

    Counters: `console_tape_dropped` counts events of calls whose tape is full.
    """

    def __init__(self, bus: Bus, counters: Counters) -> None:
        self._bus = bus
        self._counters = counters
        self._tapes: OrderedDict[str, Tape] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._events = bus.subscribe("console_tape", *TAPED, CallEnded, maxsize=10_000)

    async def run(self) -> None:
        """Listen until cancelled."""
        try:
            async for envelope in self._events:
                await self._take(envelope.event)
        finally:
            self._events.close()
            # Half a tape is better than none: it is a matter of one commit.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_S):
                    for call_id in list(self._tapes):
                        await self._put_away(call_id)

    async def _take(self, event: Event) -> None:
        call_id = getattr(event, "call_id", "")
        if isinstance(event, CallEnded):
            await self._put_away(call_id)
            self._ended[call_id] = None
            if len(self._ended) > _MOST_CALLS:
                self._ended.popitem(last=False)
            return
        if call_id in self._ended:
            return
        tape = self._tapes.setdefault(call_id, Tape())
        if tape.full:
            self._counters.add("console_tape_dropped")
            return
        piece = tape.add(event)
        if piece is not None:
            await self._publish(call_id, tape.last_at, piece)
        if len(self._tapes) > _MOST_CALLS:
            await self._put_away(next(iter(self._tapes)))

    async def _put_away(self, call_id: str) -> None:
        tape = self._tapes.pop(call_id, None)
        piece = tape.cut() if tape is not None else None
        if tape is not None and piece is not None:
            await self._publish(call_id, tape.last_at, piece)

    async def _publish(self, call_id: str, at: float, piece: bytes) -> None:
        await self._bus.publish(CallTaped(at=at, call_id=call_id, tape=piece))
        _log.debug("call_taped", call_id=call_id, bytes=len(piece))
