"""The lab's own small manager-interface client.

Tingzhen's AMI client is what the lab tests, so the lab does not stand on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

Message = dict[str, str]
_SEPARATOR = b"\r\n\r\n"


class ManagerError(RuntimeError):
    """Asterisk refused an action, or the connection is gone."""


class MessageSplitter:
    """Cuts a byte stream into messages; pure.

    A repeated header (``Output`` of a command) is joined with line feeds.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._greeted = False

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes as read and return the messages that are complete."""
        self._rest += data
        if not self._greeted:
            banner, found, rest = self._rest.partition(b"\r\n")
            if not found:
                return []
            self._greeted = banner.startswith(b"Asterisk Call Manager")
            if not self._greeted:
                raise ManagerError("the other end is not Asterisk's manager interface")
            self._rest = rest
        *complete, self._rest = self._rest.split(_SEPARATOR)
        return [self._message(raw) for raw in complete]

    @staticmethod
    def _message(raw: bytes) -> Message:
        message: Message = {}
        for line in raw.split(b"\r\n"):
            name, _, value = line.decode(errors="replace").partition(":")
            value = value.removeprefix(" ")
            message[name] = f"{message[name]}\n{value}" if name in message else value
        return message


class Manager:
    """A logged-in manager connection; made by `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._splitter = MessageSplitter()
        self._numbers = itertools.count(1)
        self._replies: dict[str, asyncio.Future[Message]] = {}
        self._lists: dict[str, list[Message]] = {}
        self._listeners: list[Callable[[Message], None]] = []
        self.booted = asyncio.Event()
        """Set when Asterisk said FullyBooted."""
        self.closed = asyncio.Event()
        """Set when the connection has ended."""

    def listen(self, listener: Callable[[Message], None]) -> None:
        """Have `listener` called with every event, in order; it must not block or raise."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[Message], None]) -> None:
        """Take a listener back."""
        self._listeners.remove(listener)

    async def action(self, name: str, **headers: str) -> Message:
        """Send an action and return the response.

        Raises:
            ManagerError: Asterisk answered Error, or the connection is gone.
        """
        number = str(next(self._numbers))
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        try:
            self._send(name, number, headers)
            answer = await reply
        finally:
            self._replies.pop(number, None)
        if answer["Response"] == "Error":
            raise ManagerError(f"{name}: {answer.get('Message', 'refused')}")
        return answer

    async def entries(self, name: str, **headers: str) -> list[Message]:
        """Send an action that answers with a list and return the list's events."""
        number = f"list-{next(self._numbers)}"
        entries: list[Message] = []
        self._lists[number] = entries
        done: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._replies[number] = done
        try:
            self._send(name, number, headers)
            await done
        finally:
            self._replies.pop(number, None)
            del self._lists[number]
        return entries

    def _send(self, name: str, number: str, headers: dict[str, str]) -> None:
        if self.closed.is_set():
            raise ManagerError("the manager connection is gone")
        lines = [f"Action: {name}", f"ActionID: {number}"]
        lines += [f"{header}: {value}" for header, value in headers.items()]
        if any("\r" in line or "\n" in line for line in lines):
            raise ManagerError("a line break inside a header")
        self._writer.write("\r\n".join(lines).encode() + _SEPARATOR)

    async def command(self, text: str) -> str:
        """Run a command of Asterisk's console and return what it printed."""
        answer = await self.action("Command", Command=text)
        return answer.get("Output", "")

    async def run(self) -> None:
        """Read until the connection ends. A task of its owner runs this.

        Raises:
            ManagerError: The connection ended.
        """
        try:
            while data := await self._reader.read(65536):
                for message in self._splitter.feed(data):
                    self._dispatch(message)
        except ConnectionError:
            pass
        finally:
            gone = ManagerError("the manager connection is gone")
            self.closed.set()
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(gone)
        raise gone

    def _dispatch(self, message: Message) -> None:
        number = message.get("ActionID", "")
        reply = self._replies.get(number)
        entries = self._lists.get(number)
        if "Response" in message:
            if reply is None or reply.done():
                return
            if entries is None or message["Response"] == "Error":
                reply.set_result(message)
            return
        if entries is not None and reply is not None:
            if message.get("EventList") == "Complete":
                reply.set_result(message)
            else:
                entries.append(message)
            return
        if message.get("Event") == "FullyBooted":
            self.booted.set()
        for listener in tuple(self._listeners):
            listener(message)

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


@contextlib.asynccontextmanager
async def connect(host: str, port: int, user: str, secret: str) -> AsyncIterator[Manager]:
    """Log in and read for as long as the block runs.

    Raises:
        OSError: Nothing listens there.
        ManagerError: The login was refused.
    """
    reader, writer = await asyncio.open_connection(host, port)
    manager = Manager(reader, writer)
    reading = asyncio.create_task(_read_quietly(manager), name="lab-manager")
    try:
        await manager.action("Login", Username=user, Secret=secret)
        yield manager
    finally:
        manager.close()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read_quietly(manager: Manager) -> None:
    # The end of the connection reaches whoever waits for a reply; nobody else need know.
    with contextlib.suppress(ManagerError):
        await manager.run()
