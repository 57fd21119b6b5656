"""Stands in for Asterisk's manager interface: plays a tape to whoever has logged in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from backbone.clock import Clock
from tingzhen.demo.tape import Tape

_log = structlog.get_logger(__name__)

# What each list action ends with; the demo's PBX has nothing in progress when one connects.
_LIST_ENDS = {
    "queuestatus": "QueueStatusComplete",
    "queuesummary": "QueueSummaryComplete",
    "coreshowchannels": "CoreShowChannelsComplete",
    "status": "StatusComplete",
}
_MAX_LINE = 4096


class AmiStandIn:
    """An AMI server on loopback whose events come from a tape.

    `started_at` is what CoreStatus reports as the PBX's start, in seconds since the epoch.
    """

    def __init__(self, clock: Clock, username: str, secret: str) -> None:
        self._clock = clock
        self._username = username
        self._secret = secret
        self._started_at = clock.time()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Listen on an unused port of 127.0.0.1."""
        server = await asyncio.start_server(self._converse, "127.0.0.1", 0, limit=_MAX_LINE)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for writer in list(self._writers):
                writer.close()

    async def play(self, tape: Tape) -> None:
        """Send each message when its time has come."""
        for message in tape.messages:
            await self._clock.sleep(message.at - self._clock.time())
            self.tell(message.data)

    def tell(self, data: bytes) -> None:
        """Send messages now, to whoever has logged in."""
        for writer in list(self._writers):
            writer.write(data)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        action: dict[str, str] = {}
        try:
            while line := await reader.readline():
                key, _, value = line.decode("utf-8", "replace").strip().partition(":")
                if key:
                    action[key.strip().lower()] = value.strip()
                elif action:
                    self._answer(action, writer)
                    await writer.drain()
                    action = {}
        except (ConnectionError, ValueError) as error:
            _log.info("ami_stand_in_lost", error=type(error).__name__)
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, action: dict[str, str], writer: asyncio.StreamWriter) -> None:
        name = action.get("action", "").lower()
        reply: list[tuple[str, str]] = [("Response", "Success")]
        events: list[list[tuple[str, str]]] = []
        if name == "login":
            granted = (action.get("username"), action.get("secret")) == (
                self._username,
                self._secret,
            )
            if granted:
                self._writers.add(writer)
                reply.append(("Message", "Authentication accepted"))
                events = [[("Event", "FullyBooted"), ("Status", "Fully Booted")]]
            else:
                reply = [("Response", "Error"), ("Message", "Authentication failed")]
        elif writer not in self._writers:
            reply = [("Response", "Error"), ("Message", "Permission denied")]
        elif name == "ping":
            reply += [("Ping", "Pong"), ("Timestamp", f"{self._clock.time():.6f}")]
        elif name == "corestatus":
            reply += [("CoreStartupDate", "2026-01-01"), ("CoreStartupTime", "00:00:00")]
        elif name == "coresettings":
            reply += [("AMIversion", "11.0.0"), ("SystemName", "demo")]
        elif name in _LIST_ENDS:
            reply.append(("EventList", "start"))
            events = [[("Event", _LIST_ENDS[name]), ("EventList", "Complete"), ("ListItems", "0")]]
        for message in [reply, *events]:
            if "actionid" in action:
                message.append(("ActionID", action["actionid"]))
            text = "".join(f"{key}: {value}\r\n" for key, value in message)
            writer.write(text.encode() + b"\r\n")
