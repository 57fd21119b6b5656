"""The server that Asterisk's chan_websocket sends the audio of tapped legs to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from telephony.legs.frames import Frame
from telephony.legs.leg import Line
from telephony.legs.server import LegServer
from telephony.settings import WebSocketSettings
from telephony.websocket.protocol import LEG_PARAMETER, MediaParser

if TYPE_CHECKING:
    from backbone.bus import Bus
    from backbone.clock import Clock
    from backbone.counters import Counters

_MEDIA = Subprotocol("media")
_LONGEST_MESSAGE = 64 * 1024
_OPEN_WITHIN_S = 5.0
_CLOSE_WITHIN_S = 1.0


class _Line:
    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._closing: asyncio.Task[None] | None = None

    def close(self) -> None:
        # With a farewell: Asterisk warns of each connection that ends without.
        if self._closing is None:
            self._closing = asyncio.create_task(self._connection.close())

    def abort(self) -> None:
        self._connection.transport.abort()


class _Connection:
    def __init__(self, connection: ServerConnection) -> None:
        self.transport: Line = _Line(connection)
        self._connection = connection
        self._parser = MediaParser(connection.request.path if connection.request else "")

    async def frames(self) -> list[Frame] | None:
        try:
            return self._parser.feed(await self._connection.recv())
        except ConnectionClosed:
            return None  # with a farewell or without: whether it was time, the call's end tells


class WebSocketServer(LegServer):
    """As `LegServer`, by messages of chan_websocket. Asterisk connects to us."""

    name = "websocket"

    def __init__(
        self, settings: WebSocketSettings, bus: Bus, clock: Clock, counters: Counters
    ) -> None:
        super().__init__(settings.host, settings.port, bus, clock, counters)
        self._client = settings.client

    def channel(self, leg_id: str, codec: str) -> str:
        """As `LegServer.channel`."""
        return f"WebSocket/{self._client}/c({codec})v({LEG_PARAMETER}={leg_id})"

    async def _listen(self) -> Server:
        async def accept(connection: ServerConnection) -> None:
            await self._accept(_Connection(connection))

        return await serve(
            accept,
            self.host,
            self.port,
            subprotocols=[_MEDIA],
            compression=None,  # of noise
            max_size=_LONGEST_MESSAGE,
            open_timeout=_OPEN_WITHIN_S,
            close_timeout=_CLOSE_WITHIN_S,
            ping_interval=None,  # a sender that is gone is known by the call's end
        )
