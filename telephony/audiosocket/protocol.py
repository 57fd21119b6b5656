"""AudioSocket's frames: one byte of type, two of length (big-endian), the payload.

Pure: feed bytes, take frames. The protocol is described in Asterisk's app_audiosocket.
"""

from __future__ import annotations

import uuid

from telephony.legs.frames import (
    Audio,
    Digit,
    Failed,
    Frame,
    Identified,
    Terminated,
    Unreadable,
)

_HEADER = 3

TERMINATE = 0x00
UUID = 0x01
DTMF = 0x03
ERROR = 0xFF

RATES = {
    0x10: 8_000,
    0x11: 12_000,
    0x12: 16_000,
    0x13: 24_000,
    0x14: 32_000,
    0x15: 44_100,
    0x16: 48_000,
    0x17: 96_000,
    0x18: 192_000,
}
"""Sampling rates (Hz) of the audio frame types: mono, 16-bit signed, little-endian."""


class AudioSocketParser:
    """Turns a connection's bytes into frames, however they were chunked. Never raises.

    Args:
        max_payload: bytes of one frame; a longer one is passed over as `Unreadable`.
    """

    def __init__(self, *, max_payload: int = 16 * 1024) -> None:
        self._max_payload = max_payload
        self._buffer = bytearray()
        self._to_skip = 0

    @property
    def truncated(self) -> bool:
        """Whether the stream, if it ended now, would end inside a frame."""
        return bool(self._buffer) or self._to_skip > 0

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes as read; return the frames they completed."""
        frames: list[Frame] = []
        self._buffer += data
        start = 0
        while True:
            if self._to_skip:
                skipped = min(self._to_skip, len(self._buffer) - start)
                self._to_skip -= skipped
                start += skipped
            if len(self._buffer) - start < _HEADER:
                break
            kind = self._buffer[start]
            length = int.from_bytes(self._buffer[start + 1 : start + _HEADER], "big")
            if length > self._max_payload:
                frames.append(Unreadable(kind, length))
                start += _HEADER
                self._to_skip = length
                continue
            end = start + _HEADER + length
            if len(self._buffer) < end:
                break
            frames.append(_frame(kind, bytes(self._buffer[start + _HEADER : end])))
            start = end
        del self._buffer[:start]
        return frames


def _frame(kind: int, payload: bytes) -> Frame:
    rate = RATES.get(kind)
    if rate is not None and len(payload) % 2 == 0:
        return Audio(rate, payload)
    if kind == UUID and len(payload) == 16:  # noqa: PLR2004 - a UUID's bytes
        return Identified(str(uuid.UUID(bytes=payload)))
    if kind == DTMF and len(payload) == 1 and payload.isascii():
        return Digit(payload.decode("ascii"))
    if kind == TERMINATE:
        return Terminated()
    if kind == ERROR:
        return Failed(int.from_bytes(payload[:4], "big"))
    return Unreadable(kind, len(payload))
