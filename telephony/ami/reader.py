"""asterisk-ami's client with what made it unsafe taken out.

As it comes, three seconds of silence end its reader thread unnoticed, `splitlines()` lets a
caller's name forge headers, and a callback that raises kills the reader. Kept are its socket, its
thread and its writing of actions; reading is ours: bytes go through our parser and are handed to
the event loop at once, so the reader always empties the socket (Asterisk disconnects a manager
that does not read for 100 ms).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

from asterisk.ami import AMIClient
from asterisk.ami.action import Action

from telephony.ami.parser import AmiMessage, AmiParser
from telephony.ami.tls import TlsStream
from telephony.settings import TlsSettings

_READ_SIZE = 64 * 1024
_SEND_TIMEOUT_S = 2

Deliver = Callable[[list[AmiMessage], float], None]
"""Takes the messages of one read and their arrival, in the reader's thread."""

Closed = Callable[[str], None]
"""Told once, in the reader's thread, why reading ended."""


class AmiReader(AMIClient):  # type: ignore[misc]  # the library ships no hints
    """One connection, used once: `open`, then `close`. Thread-safe where it says so."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        connect_timeout_s: float,
        deliver: Deliver,
        closed: Closed,
        tls: TlsSettings | None = None,
    ) -> None:
        super().__init__(host, port, timeout=connect_timeout_s, buffer_size=_READ_SIZE)
        self.parser = AmiParser()
        self.last_read = time.monotonic()
        """When bytes last came, on the monotonic clock."""
        self._deliver = deliver
        self._closed = closed
        self._given_up = threading.Event()
        self._write_lock = threading.Lock()
        self._tls = tls

    def open(self) -> None:
        """Connect and start the reader's thread. Blocking.

        Raises:
            OSError: nobody listens there, or not within the timeout.
        """
        self.connect()
        if self._given_up.is_set():  # closed while connecting
            self.close()

    def connect(self) -> None:
        """Connect, and agree on TLS where it is asked for, before the reader's thread starts."""
        # The library's own knows IPv4 only.
        plain = socket.create_connection((self._address, self._port), self._timeout)
        try:
            self._socket = (
                plain if self._tls is None else TlsStream(plain, self._address, self._tls)
            )
        except BaseException:
            plain.close()
            raise
        self.finished = threading.Event()
        self._thread = threading.Thread(target=self.listen, name="ami-reader", daemon=True)
        self._thread.start()

    def listen(self) -> None:
        """Read until the connection ends; the library runs this in its thread."""
        why = "closed by the PBX"
        try:
            # A quiet line is a healthy one: whether the peer lives is asked by Ping.
            self._socket.settimeout(None)
            self._socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_TIMEOUT_S, 0)
            )
            while data := self._socket.recv(self._buffer_size):
                self.last_read = time.monotonic()
                messages = self.parser.feed(data)
                if messages:
                    self._deliver(messages, time.time())
        except OSError as error:
            why = error.strerror or type(error).__name__
        finally:
            self.finished.set()
            with contextlib.suppress(OSError):
                self._socket.close()
            self._closed(why)

    def write(self, name: str, fields: dict[str, str]) -> None:
        """Send one action. Safe from any thread; blocks at most a moment.

        Raises:
            OSError: the connection is gone, or its peer stopped reading.
            ValueError: a line break in a field would forge a header.
        """
        for field, value in fields.items():
            if any(mark in part for part in (name, field, value) for mark in "\r\n"):
                raise ValueError(f"line break in field {field!r} of action {name!r}")
        with self._write_lock:
            self._socket.sendall(f"{Action(name, dict(fields))}\r\n".encode())

    def close(self) -> None:
        """End the connection and wait for the reader's thread. Blocking, may be repeated."""
        self._given_up.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                self._socket.close()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2.0)
