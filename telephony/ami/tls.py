"""TLS for the manager connection, usable from two threads at once.

One thread reads for as long as the connection lives while others write. An `ssl.SSLSocket` may not
be read and written at the same time, and a reader that waits inside it would keep the writers out:
so it never waits inside. The socket does not block; waiting is done by `select`, without the lock.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time

from telephony.settings import TlsSettings

_SEND_TIMEOUT_S = 2.0


def context_of(settings: TlsSettings) -> ssl.SSLContext:
    """The checks that the settings ask for.

    Raises:
        OSError: the authority's file cannot be read or holds no certificate.
    """
    try:
        context = ssl.create_default_context(
            cafile=str(settings.ca_file) if settings.ca_file else None
        )
    except ssl.SSLError:
        raise OSError(f"{settings.ca_file} holds no certificate") from None
    except FileNotFoundError:
        raise OSError(f"{settings.ca_file} is not there") from None
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def tls_reason(error: OSError) -> str:
    """What a failed TLS handshake means, in a sentence; empty for other errors."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS there, or none that we speak ({error.reason or 'unknown'})"
    return ""


class TlsStream:
    """A connected socket with TLS over it; as much of a socket as the reader needs."""

    def __init__(self, plain: socket.socket, host: str, settings: TlsSettings) -> None:
        """Shake hands.

        Raises:
            OSError: as `context_of`; ssl.SSLError: the peer speaks no TLS or is not trusted.
        """
        self._socket = context_of(settings).wrap_socket(
            plain, server_hostname=settings.server_name or host
        )
        self._socket.setblocking(False)
        self._lock = threading.Lock()

    def settimeout(self, _seconds: float | None) -> None:
        """Do nothing: it never blocks."""

    def setsockopt(self, level: int, name: int, value: bytes | int) -> None:
        """Set an option of the socket below."""
        self._socket.setsockopt(level, name, value)

    def recv(self, size: int) -> bytes:
        """Wait for bytes; none is the end.

        Raises:
            OSError: the connection broke.
        """
        while True:
            with self._lock:
                try:
                    return self._socket.recv(size)
                except ssl.SSLWantReadError:
                    wait_for_reading = True
                except ssl.SSLWantWriteError:
                    wait_for_reading = False
                except ssl.SSLEOFError:
                    return b""
            self._wait(reading=wait_for_reading, seconds=None)

    def sendall(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            OSError: the connection broke, or its peer stopped reading.
        """
        left = memoryview(data)
        give_up = time.monotonic() + _SEND_TIMEOUT_S
        while left:
            with self._lock:
                try:
                    left = left[self._socket.send(left) :]
                    continue
                except ssl.SSLWantWriteError:
                    wait_for_reading = False
                except ssl.SSLWantReadError:
                    wait_for_reading = True
            if time.monotonic() > give_up:
                raise TimeoutError("the peer stopped reading")
            self._wait(reading=wait_for_reading, seconds=0.1)

    def _wait(self, *, reading: bool, seconds: float | None) -> None:
        number = self._socket.fileno()
        if number < 0:
            raise OSError("closed")
        poller = select.poll()
        poller.register(number, select.POLLIN if reading else select.POLLOUT)
        poller.poll(None if seconds is None else seconds * 1000)

    def shutdown(self, how: int) -> None:
        """Wake whoever waits."""
        # Of the socket below: that of TLS would take its encryption away under a reader.
        socket.socket.shutdown(self._socket, how)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
