"""What chan_websocket sends: audio in binary messages, everything else in text messages.

Pure: feed messages, take frames. Text is one line of an event and its `name:value` pairs, or one
JSON object, as `control_message_format` in chan_websocket.conf says; both are understood. The
format of the audio is told once, by MEDIA_START.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import msgspec

from telephony.legs.frames import Audio, Digit, Failed, Frame, Identified, Unreadable

LEG_PARAMETER = "leg"
"""Of the address that Asterisk connects to: which leg this is."""
_TEXT = 0x1
_BINARY = 0x2
"""Kinds of messages, as RFC 6455 numbers them."""
_FORMAT_REFUSED = 1
_SAMPLE_BYTES = 2

RATES = {
    "slin": 8_000,
    "slin12": 12_000,
    "slin16": 16_000,
    "slin24": 24_000,
    "slin32": 32_000,
    "slin44": 44_100,
    "slin48": 48_000,
    "slin96": 96_000,
    "slin192": 192_000,
}
"""Sampling rates (Hz) of Asterisk's signed linear formats: mono, 16-bit, little-endian."""


def path_for(leg_id: str) -> str:
    """The address that a leg's audio is sent to, from the slash on."""
    return f"/?{LEG_PARAMETER}={leg_id}"


class MediaParser:
    """Turns one connection's messages into frames. Never raises.

    Args:
        path: what Asterisk asked for, with its query.
    """

    def __init__(self, path: str) -> None:
        try:
            (self._leg_id,) = parse_qs(urlsplit(path).query)[LEG_PARAMETER]
        except (KeyError, ValueError):
            self._leg_id = ""
        self._rate = 0

    def feed(self, message: str | bytes) -> list[Frame]:
        """Take one message; text is str."""
        if isinstance(message, str):
            return self._event(message)
        if not self._rate or len(message) % _SAMPLE_BYTES:
            return [Unreadable(_BINARY, len(message))]
        return [Audio(self._rate, message)]

    def _event(self, text: str) -> list[Frame]:
        event = _fields(text)
        match event.get("event"):
            case "MEDIA_START":
                rate = RATES.get(event.get("format", ""))
                hello: list[Frame] = [Identified(self._leg_id)]
                if rate is None:
                    return [*hello, Failed(_FORMAT_REFUSED)]
                self._rate = rate
                return hello
            case "DTMF_END" if len(event.get("digit", "")) == 1:
                return [Digit(event["digit"])]
            case None:
                return [Unreadable(_TEXT, len(text))]
            case _:
                return []  # of playing audio to Asterisk, which we never do


def _fields(text: str) -> dict[str, str]:
    if text.startswith("{"):
        try:
            decoded = msgspec.json.decode(text, type=dict[str, object])
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return {}
        return {name: value for name, value in decoded.items() if isinstance(value, str)}
    event, _, rest = text.partition(" ")
    fields = {}
    for pair in rest.split():
        name, colon, value = pair.partition(":")
        if colon:
            fields[name] = value
    return {**fields, "event": event} if event.isupper() else {}
