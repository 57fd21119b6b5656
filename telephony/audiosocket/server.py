"""The server that Asterisk's AudioSocket sends the audio of tapped legs to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from telephony.audiosocket.protocol import AudioSocketParser
from telephony.legs.frames import Frame
from telephony.legs.leg import Line
from telephony.legs.server import LegServer
from telephony.settings import AudioSocketSettings

if TYPE_CHECKING:
    from backbone.bus import Bus
    from backbone.clock import Clock
    from backbone.counters import Counters

_READ = 64 * 1024


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.transport: Line = writer.transport
        self._reader = reader
        self._parser = AudioSocketParser()

    async def frames(self) -> list[Frame] | None:
        data = await self._reader.read(_READ)
        return self._parser.feed(data) if data else None


class AudioSocketServer(LegServer):
    """As `LegServer`, by AudioSocket's frames over TCP."""

    name = "audiosocket"

    def __init__(
        self, settings: AudioSocketSettings, bus: Bus, clock: Clock, counters: Counters
    ) -> None:
        super().__init__(settings.host, settings.port, bus, clock, counters)

    def channel(self, leg_id: str, codec: str) -> str:
        """As `LegServer.channel`."""
        return f"AudioSocket/{self.host}:{self.port}/{leg_id}/c({codec})"

    async def _listen(self) -> asyncio.Server:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await self._accept(_Connection(reader, writer))
            finally:
                writer.transport.abort()

        return await asyncio.start_server(accept, self.host, self.port)
