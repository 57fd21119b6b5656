"""The manager protocol's bytes, cut into messages.

A message is cut out of the stream by its CRLF CRLF first and decoded afterwards, so nothing a
caller's name can hold (line separators, lone CR or LF, half a character at the end of a TCP read)
ever ends a line or a message. No socket, no clock: feed bytes, take messages.
"""

from __future__ import annotations

_BANNER_PREFIX = b"Asterisk Call Manager/"
_BANNER_LIMIT = 256
_EOL = b"\r\n"
_BLANK = b"\r\n\r\n"
_EVENT = b"Event: "


class AmiMessage:
    """One manager message; header names are compared without case.

    A header may stand several times (`ChanVariable`, `Output`): `get` gives its first value,
    `getall` all of them. The representation shows no values: they may be personal.

    Most messages of a PBX are of no interest, so one that came as bytes is cut into headers when
    it is first asked for one other than its name.
    """

    __slots__ = ("_body", "_event", "_headers", "_parser", "_repeats")

    def __init__(
        self, headers: list[tuple[str, str]], body: bytes = b"", parser: AmiParser | None = None
    ) -> None:
        self._body = body
        self._parser = parser
        if body:
            self._event = body[len(_EVENT) : body.find(_EOL)].decode("utf-8", "replace")
        else:
            self._set(headers)
            self._event = self._headers.get("event", "")

    def _set(self, headers: list[tuple[str, str]]) -> None:
        self._headers: dict[str, str] = {}
        self._repeats: dict[str, list[str]] = {}
        for name, value in headers:
            key = name.lower()
            if key not in self._headers:
                self._headers[key] = value
            else:
                self._repeats.setdefault(key, [self._headers[key]]).append(value)

    def _cut(self) -> None:
        body, self._body = self._body, b""
        headers, malformed = _headers_of(body)
        self._set(headers)
        if malformed and self._parser is not None:
            self._parser.malformed_lines += malformed
        self._parser = None

    @property
    def _first(self) -> dict[str, str]:
        if self._body:
            self._cut()
        return self._headers

    @property
    def _repeated(self) -> dict[str, list[str]]:
        if self._body:
            self._cut()
        return self._repeats

    def may_hold(self, text: bytes) -> bool:
        """Whether a header may hold this text; False is certain, and cheap to know."""
        return not self._body or text in self._body

    def get(self, name: str, default: str = "") -> str:
        """The first value of a header."""
        return self._first.get(name.lower(), default)

    def getall(self, name: str) -> list[str]:
        """All values of a header, in order."""
        key = name.lower()
        if key in self._repeated:
            return list(self._repeated[key])
        return [self._first[key]] if key in self._first else []

    @property
    def event(self) -> str:
        """The event's name; empty for a response."""
        return self._event

    @property
    def response(self) -> str:
        """The response's word (`Success`, `Error`, …); empty for an event."""
        if self._body and b"\nresponse:" not in self._body.lower():
            return ""
        return self._first.get("response", "")

    @property
    def action_id(self) -> str:
        """Which action this answers; empty when none."""
        if self._body and b"\nactionid:" not in self._body.lower():
            return ""
        return self._first.get("actionid", "")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AmiMessage):
            return NotImplemented
        return self._first == other._first and self._repeated == other._repeated

    __hash__ = None  # type: ignore[assignment]  # compares by value and is not meant as a key

    def __repr__(self) -> str:
        return f"AmiMessage({self.event or self.response!r}, {len(self._first)} headers)"


class AmiParser:
    """Turns a manager connection's bytes into messages, however they were chunked.

    Args:
        max_bytes: of one message; a longer one is dropped up to the next blank line.
        max_headers: of one message; one with more is dropped.

    Attributes:
        banner: the greeting line, once seen; None when the stream began without one.
        oversized: messages dropped for their size or number of headers.
        malformed_lines: lines without a colon, left out of their message; counted when its headers
            are first asked for.
    """

    def __init__(self, *, max_bytes: int = 256 * 1024, max_headers: int = 4096) -> None:
        self.banner: str | None = None
        self.oversized = 0
        self.malformed_lines = 0
        self._max_bytes = max_bytes
        self._max_headers = max_headers
        self._buffer = bytearray()
        self._scanned = 0
        self._at_start = True
        self._skipping = False

    @property
    def pending(self) -> int:
        """Bytes of an unfinished message."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[AmiMessage]:
        """Take bytes as read; return the messages they completed. Never raises."""
        self._buffer += data
        if self._at_start and not self._take_banner():
            return []
        messages: list[AmiMessage] = []
        start = 0
        while True:
            end = self._buffer.find(_BLANK, max(start, self._scanned))
            if end < 0:
                break
            if self._skipping or end - start > self._max_bytes:
                self._skipping = False
                self.oversized += 1
            else:
                message = self._read(bytes(self._buffer[start:end]))
                if message is not None:
                    messages.append(message)
            start = end + len(_BLANK)
        del self._buffer[:start]
        self._skip_the_oversized()
        # The blank line may be split between reads.
        self._scanned = max(0, len(self._buffer) - len(_BLANK) + 1)
        return messages

    def _take_banner(self) -> bool:
        """Take the greeting off the front; False while it cannot be told yet."""
        head = bytes(self._buffer[: len(_BANNER_PREFIX)])
        if _BANNER_PREFIX.startswith(head) and len(head) < len(_BANNER_PREFIX):
            return False
        if head == _BANNER_PREFIX:
            end = self._buffer.find(_EOL, 0, _BANNER_LIMIT)
            if end < 0 and len(self._buffer) < _BANNER_LIMIT:
                return False
            if end >= 0:
                self.banner = self._buffer[:end].decode("utf-8", "replace")
                del self._buffer[: end + len(_EOL)]
        self._at_start = False
        return True

    def _skip_the_oversized(self) -> None:
        keep = len(_BLANK) - 1
        if self._skipping or len(self._buffer) - keep > self._max_bytes:
            self._skipping = True
            del self._buffer[: max(0, len(self._buffer) - keep)]

    def _read(self, body: bytes) -> AmiMessage | None:
        if body.count(_EOL) >= self._max_headers:
            self.oversized += 1
            return None
        if body.startswith(_EVENT):
            return AmiMessage([], body + _EOL, self)
        headers, malformed = _headers_of(body)
        self.malformed_lines += malformed
        return AmiMessage(headers) if headers else None


def _headers_of(body: bytes) -> tuple[list[tuple[str, str]], int]:
    """A message's headers, and how many lines are none."""
    headers = []
    malformed = 0
    for line in body.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon and name:
            headers.append((name, value.removeprefix(" ")))
        elif line:
            malformed += 1
    return headers, malformed
