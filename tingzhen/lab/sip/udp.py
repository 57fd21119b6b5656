"""A UDP socket on the event loop that knows when the kernel received each datagram."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

SO_TIMESTAMPNS = 35
"""Linux's option (asm-generic/socket.h), which Python's socket module does not name."""
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY = socket.CMSG_SPACE(_TIMESPEC.size)
_BATCH = 64
"""Datagrams taken in one go, so that one busy socket does not hold the loop."""
_RECEIVE_BUFFER = 1 << 20


class UdpSocket:
    """Sends and receives datagrams; use it while a loop runs, and close it.

    Args:
        receive: Called with bytes, sender and arrival (epoch seconds, by the kernel's clock). What
            it raises is logged and the datagram dropped.
        host: Address to bind.
        port: Port to bind, 0 for an unused one.
    """

    def __init__(
        self,
        receive: Callable[[bytes, tuple[str, int], float], None],
        host: str,
        port: int = 0,
    ) -> None:
        self._receive = receive
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            with contextlib.suppress(OSError):  # without it the loop's own clock serves
                self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self.host: str
        self.port: int
        self.host, self.port = self._socket.getsockname()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)

    def send(self, data: bytes, to: tuple[str, int]) -> bool:
        """Send a datagram; False when the kernel took it not (as the network may drop it too)."""
        try:
            self._socket.sendto(data, to)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Stop receiving and release the port. Safe to call again."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _readable(self) -> None:
        for _ in range(_BATCH):
            if self._socket.fileno() < 0:
                return
            try:
                data, ancillary, _, sender = self._socket.recvmsg(65_535, _ANCILLARY)
            except OSError:
                return
            arrival = time.time()
            for level, kind, value in ancillary:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    seconds, nanoseconds = _TIMESPEC.unpack_from(value)
                    arrival = seconds + nanoseconds / 1e9
            try:
                self._receive(data, sender, arrival)
            except Exception:
                log.exception("datagram_failed", size=len(data))
