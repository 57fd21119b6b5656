"""RTP packets and telephone events (RFC 3550, RFC 4733). Pure."""

from __future__ import annotations

import struct

import msgspec

FRAME_SAMPLES = 160
FRAME_SECONDS = 0.02
DTMF_DIGITS = "0123456789*#ABCD"
_HEADER = struct.Struct("!BBHII")
_VERSION = 2


class RtpPacket(msgspec.Struct, frozen=True):
    """One packet.

    Attributes:
        payload_type: 0 PCMU, 8 PCMA, 101 telephone events as agreed.
        sequence: 16 bits, wraps.
        timestamp: In samples, 32 bits, wraps.
        ssrc: Number of the sending source.
        payload: The audio.
        marker: Set on the first packet of talk or of a key press.
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def pack(packet: RtpPacket) -> bytes:
    """Return a packet's bytes."""
    return (
        _HEADER.pack(
            _VERSION << 6,
            packet.marker << 7 | packet.payload_type,
            packet.sequence & 0xFFFF,
            packet.timestamp & 0xFFFF_FFFF,
            packet.ssrc,
        )
        + packet.payload
    )


def unpack(data: bytes) -> RtpPacket | None:
    """Return the packet in a datagram, None when it is none (RTCP on the same port is none)."""
    if len(data) < _HEADER.size:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != _VERSION or 192 <= second <= 223:  # noqa: PLR2004 - RFC 5761 section 4
        return None
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    end = len(data)
    if first & 0x20:
        end -= data[-1]
    if start > end:
        return None
    return RtpPacket(
        second & 0x7F, sequence, timestamp, ssrc, data[start:end], marker=bool(second & 0x80)
    )


def dtmf_payload(digit: str, *, end: bool, duration: int) -> bytes:
    """Return a telephone event's payload.

    Args:
        digit: One of `DTMF_DIGITS`.
        end: Whether the key has been let go.
        duration: So far, in samples.

    Raises:
        ValueError: There is no such key.
    """
    if len(digit) != 1 or digit not in DTMF_DIGITS:
        raise ValueError(f"no such key: {digit!r}")
    return struct.pack("!BBH", DTMF_DIGITS.index(digit), (end << 7) | 10, duration)
