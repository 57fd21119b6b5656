"""A recorded AMI stream, cut into messages and moved to the present.

A recording is the bytes of one AMI connection (`NAME.ami`), a line per read beside it with
arrival time, offset and length (`NAME.ami.idx`), and what the calling and answering parties
themselves measured (`NAME.truth.json`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from backbone.errors import UserError

_END = b"\r\n\r\n"
# Epoch seconds with a fraction: Timestamp values, and the Uniqueids that Asterisk makes of them.
_EPOCH = re.compile(rb"(?<![\d.])(\d{10})(?=\.\d)")


class TapeError(UserError):
    """A recording that cannot be played, with a sentence that says why."""


class TapedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call on the tape; times are seconds since the epoch as recorded."""

    uniqueid: str
    audio: str = ""
    answered_at: float | None = None
    ended_at: float


class _Truth(msgspec.Struct, frozen=True):
    calls: list[TapedCall]


@dataclass(frozen=True, slots=True)
class TapedMessage:
    """One AMI message and when it arrived."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Tape:
    """What happened on a PBX once."""

    messages: tuple[TapedMessage, ...]
    calls: tuple[TapedCall, ...]

    @property
    def start(self) -> float:
        """When the first message arrived."""
        return self.messages[0].at

    @property
    def duration(self) -> float:
        """Seconds from the first message to the last."""
        return self.messages[-1].at - self.messages[0].at

    def moved_to(self, start: float) -> Tape:
        """The same happenings, beginning at another time; Uniqueids move along.

        Times move by whole seconds, so that fractions, and with them every duration, stay exact.
        """
        shift = round(start - self.start)

        def later(match: re.Match[bytes]) -> bytes:
            return b"%010d" % (int(match[1]) + shift)

        def moved(uniqueid: str) -> str:
            return _EPOCH.sub(later, uniqueid.encode()).decode()

        return Tape(
            tuple(
                TapedMessage(message.at + shift, _EPOCH.sub(later, message.data))
                for message in self.messages
            ),
            tuple(
                TapedCall(
                    uniqueid=moved(call.uniqueid),
                    audio=call.audio,
                    answered_at=None if call.answered_at is None else call.answered_at + shift,
                    ended_at=call.ended_at + shift,
                )
                for call in self.calls
            ),
        )


def load_tape(path: Path) -> Tape:
    """Read `NAME.ami` with the index and the truth beside it.

    Replies to the recorder's own actions are left out: the player answers for itself.

    Raises:
        TapeError: a file is missing, cut short or of another format.
    """
    try:
        stream = path.read_bytes()
        index = path.with_name(path.name + ".idx").read_text("ascii")
        truth = msgspec.json.decode(path.with_suffix(".truth.json").read_bytes(), type=_Truth)
        reads = [
            (float(at), int(offset) + int(length))
            for at, offset, length in (line.split() for line in index.splitlines())
        ]
    except (OSError, ValueError) as error:
        raise TapeError(f"cannot play {path}: {error}") from error
    messages = tuple(_cut(stream, reads))
    if not messages:
        raise TapeError(f"cannot play {path}: it holds no event")
    return Tape(messages, tuple(truth.calls))


def _cut(stream: bytes, reads: list[tuple[float, int]]) -> list[TapedMessage]:
    messages = []
    # The banner is one line of its own before the first message.
    begin = stream.find(b"\r\n") + 2
    arrivals = iter(reads)
    at, read_to = 0.0, 0
    while (end := stream.find(_END, begin)) >= 0:
        end += len(_END)
        while read_to < end:
            try:
                at, read_to = next(arrivals)
            except StopIteration:
                raise TapeError("the index ends before the stream does") from None
        message = stream[begin:end]
        begin = end
        if message.startswith(b"Event:") and b"\r\nActionID:" not in message:
            messages.append(TapedMessage(at, message))
    return messages
