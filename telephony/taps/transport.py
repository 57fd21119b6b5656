"""Which server of legs a PBX needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony.audiosocket.server import AudioSocketServer
from telephony.legs.server import LegServer
from telephony.settings import PbxSettings
from telephony.websocket.server import WebSocketServer

if TYPE_CHECKING:
    from backbone.bus import Bus
    from backbone.clock import Clock
    from backbone.counters import Counters


def leg_server(settings: PbxSettings, bus: Bus, clock: Clock, counters: Counters) -> LegServer:
    """The server that a PBX's taps send to; it does not run yet."""
    if settings.transport == "websocket":
        return WebSocketServer(settings.websocket, bus, clock, counters)
    return AudioSocketServer(settings.audiosocket, bus, clock, counters)
