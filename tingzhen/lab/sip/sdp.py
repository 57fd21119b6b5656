"""Session descriptions with one G.711 stream and telephone events (RFC 4566, 3264, 4733). Pure."""

from __future__ import annotations

import ipaddress

import msgspec

PCMU, PCMA = 0, 8
NAMES = {PCMU: "PCMU", PCMA: "PCMA"}
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
        payload: `PCMA` or `PCMU`.
        events: Payload type of telephone events, None without.
        direction: sendrecv, sendonly, recvonly or inactive, seen from the describing side.
    """

    host: str
    port: int
    payload: int = PCMA
    events: int | None = DEFAULT_EVENTS
    direction: str = "sendrecv"

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
        f"a=rtpmap:{media.payload} {NAMES[media.payload]}/8000",
    ]
    if media.events is not None:
        lines += [f"a=rtpmap:{media.events} telephone-event/8000", f"a=fmtp:{media.events} 0-16"]
    lines += ["a=ptime:20", f"a={media.direction}"]
    return "".join(f"{line}\r\n" for line in lines).encode()


def read(body: bytes) -> Media:
    """Return the other side's audio stream.

    Raises:
        SdpError: There is no audio stream with G.711, or it cannot be read.
    """
    host = direction = ""
    port = -1
    formats: list[int] = []
    events: int | None = None
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
    except (ValueError, IndexError) as error:
        raise SdpError(f"not a session description: {error}") from error
    payload = next((number for number in formats if number in NAMES), None)
    if payload is None or not host or not 0 <= port <= _MAX_PORT:
        raise SdpError("no G.711 audio stream in the session description")
    return Media(host, port, payload, events, direction or "sendrecv")


def answer_to(offer: Media, host: str, port: int) -> Media:
    """Return our stream that answers an offer: its codec, and its direction mirrored."""
    return Media(host, port, offer.payload, offer.events, ANSWERS.get(offer.direction, "inactive"))
