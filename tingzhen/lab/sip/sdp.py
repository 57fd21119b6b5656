"""Session descriptions with one audio stream and telephone events (RFC 4566, 3264, 4733). Pure.

The stream is G.711, or L16 at 16 kHz (RFC 3551) from a wideband phone.
"""

from __future__ import annotations

import ipaddress

import msgspec

PCMU, PCMA = 0, 8
NAMES = {PCMU: "PCMU", PCMA: "PCMA"}
NARROW_RATE, WIDE_RATE = 8_000, 16_000
WIDE = 118
"""The number under which our wideband phones offer L16; the other side's may be another."""
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
ANSWERS = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly"}
DEFAULT_EVENTS = 101
_MAX_PORT = 65_535


class SdpError(ValueError):
    """The description cannot be used."""


class Media(msgspec.Struct, frozen=True):
    """One side's audio stream.

    Attributes:
        host: IPv4 address on which it is received.
        port: UDP port, 0 when refused.
        payload: `PCMA` or `PCMU`; in a wideband stream the number of L16.
        events: Payload type of telephone events, None without.
        direction: sendrecv, sendonly, recvonly or inactive, seen from the describing side.
        rate: Samples a second: `WIDE_RATE` says that it is L16.
    """

    host: str
    port: int
    payload: int = PCMA
    events: int | None = DEFAULT_EVENTS
    direction: str = "sendrecv"
    rate: int = NARROW_RATE

    @property
    def wide(self) -> bool:
        """Whether it is a wideband stream."""
        return self.rate == WIDE_RATE

    @property
    def sends(self) -> bool:
        """Whether the describing side sends audio."""
        return self.direction in {"sendrecv", "sendonly"}

    @property
    def receives(self) -> bool:
        """Whether the describing side wants audio."""
        return self.direction in {"sendrecv", "recvonly"}


def write(media: Media, session: int, version: int) -> bytes:
    """Return the description of our stream.

    Args:
        media: Our stream.
        session: Number of the session, the same in all its versions.
        version: Goes up by one with every change.
    """
    formats = [media.payload] + ([media.events] if media.events is not None else [])
    lines = [
        "v=0",
        f"o=- {session} {version} IN IP4 {media.host}",
        "s=call",
        f"c=IN IP4 {media.host}",
        "t=0 0",
        f"m=audio {media.port} RTP/AVP {' '.join(map(str, formats))}",
        f"a=rtpmap:{media.payload} {'L16' if media.wide else NAMES[media.payload]}/{media.rate}",
    ]
    if media.events is not None:
        lines += [f"a=rtpmap:{media.events} telephone-event/8000", f"a=fmtp:{media.events} 0-16"]
    lines += ["a=ptime:20", f"a={media.direction}"]
    return "".join(f"{line}\r\n" for line in lines).encode()


def read(body: bytes) -> Media:
    """Return the other side's audio stream.

    Raises:
        SdpError: There is no audio stream with G.711 or wideband L16, or it cannot be read.
    """
    host = direction = ""
    port = -1
    formats: list[int] = []
    events: int | None = None
    wide: set[int] = set()
    in_audio = False
    try:
        for line in body.decode("utf-8").replace("\r\n", "\n").split("\n"):
            kind, _, value = line.partition("=")
            if kind == "m":
                words = value.split()
                in_audio = words[0] == "audio" and port < 0
                if in_audio:
                    port = int(words[1])
                    formats = [int(word) for word in words[3:]]
            elif kind == "c" and (in_audio or port < 0):
                host = str(ipaddress.IPv4Address(value.split()[2]))
            elif kind == "a" and value in DIRECTIONS and (in_audio or port < 0):
                direction = value
            elif kind == "a" and in_audio and value.lower().endswith("telephone-event/8000"):
                events = int(value.partition(":")[2].split()[0])
            elif kind == "a" and in_audio and value.endswith(f" L16/{WIDE_RATE}"):
                wide.add(int(value.partition(":")[2].split()[0]))
    except (ValueError, IndexError) as error:
        raise SdpError(f"not a session description: {error}") from error
    narrow = next((number for number in formats if number in NAMES), None)
    payload = narrow if narrow is not None else next((n for n in formats if n in wide), None)
    if payload is None or not host or not 0 <= port <= _MAX_PORT:
        raise SdpError("no G.711 or L16 audio stream in the session description")
    rate = WIDE_RATE if narrow is None else NARROW_RATE
    return Media(host, port, payload, events, direction or "sendrecv", rate)


def answer_to(offer: Media, host: str, port: int) -> Media:
    """Return our stream that answers an offer: its codec, and its direction mirrored."""
    direction = ANSWERS.get(offer.direction, "inactive")
    return Media(host, port, offer.payload, offer.events, direction, offer.rate)
