"""One logged-in manager connection as the event loop sees it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import SecretStr

from telephony.ami.parser import AmiMessage
from telephony.ami.reader import AmiReader
from telephony.ami.tls import tls_reason
from telephony.settings import TlsSettings

if TYPE_CHECKING:
    from backbone.counters import Counters

_LIST_LIMIT = 100_000


class AmiError(Exception):
    """The manager connection failed; the text is fit for people and holds no secret."""


class AmiRefusedError(AmiError):
    """The PBX answered the login with a refusal."""


class AmiLostError(AmiError):
    """The connection is gone."""


@dataclass(frozen=True, slots=True)
class AmiReply:
    """What Asterisk said to an action: its response, and the list that followed it, if any."""

    response: AmiMessage
    items: tuple[AmiMessage, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether Asterisk did it."""
        return self.response.response.lower() in {"success", "goodbye", "pong", "follows"}

    @property
    def message(self) -> str:
        """Asterisk's own words."""
        return self.response.get("Message")


@dataclass(slots=True)
class _Pending:
    reply: asyncio.Future[AmiReply]
    followed_by: str = ""
    response: AmiMessage | None = None
    items: list[AmiMessage] = field(default_factory=list)


class AmiConnection:
    """One connection from login to loss; make a new one for every try.

    Messages that answer no action come from `messages`. The hand-over from the reader's thread
    is bounded by `queue_size`; when the loop is that far behind, the newest are dropped, counted
    (`ami_dropped`), and `overflowed` is set: the state must be read anew.

    Raises from every method:
        AmiLostError: the connection has ended.
    """

    _generations = itertools.count(1)

    def __init__(
        self,
        host: str,
        port: int,
        counters: Counters,
        *,
        system: str,
        queue_size: int = 50_000,
        ping_period_s: float = 1.0,
        dead_after_s: float = 2.0,
        connect_timeout_s: float = 3.0,
        tls: TlsSettings | None = None,
    ) -> None:
        self.generation = next(self._generations)
        self.last_message_at: float | None = None
        self.overflowed = False
        self.booted = asyncio.Event()
        """Set when Asterisk has said that all its modules are there (FullyBooted)."""
        self._where = f"{host}:{port}"
        self._counters = counters
        self._system = system
        self._loop = asyncio.get_running_loop()
        self._reader = AmiReader(
            host,
            port,
            connect_timeout_s=connect_timeout_s,
            tls=tls,
            deliver=self._from_reader,
            closed=self._reader_closed,
        )
        self._inbox: deque[tuple[AmiMessage, float]] = deque()
        self._wake = asyncio.Event()
        self._queue_size = queue_size
        self._in_flight = 0
        self._flight_lock = threading.Lock()
        self._pending: dict[str, _Pending] = {}
        self._action_ids = itertools.count(1)
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._ping_period_s = ping_period_s
        self._dead_after_s = dead_after_s

    async def open(self, username: str, secret: SecretStr, *, timeout_s: float = 5.0) -> None:
        """Connect and log in.

        Raises:
            AmiRefusedError: wrong user or secret, or this host may not log in.
            AmiLostError: nobody there, or no manager.
        """
        try:
            await asyncio.to_thread(self._reader.open)
        except OSError as error:
            why = tls_reason(error) or error.strerror or str(error) or type(error).__name__
            raise AmiLostError(f"cannot connect to {self._where}: {why}") from None
        reply = await self.send_action(
            "Login",
            timeout_s=timeout_s,
            Username=username,
            Secret=secret.get_secret_value(),
        )
        if not reply.ok:
            raise AmiRefusedError(
                f"{self._where} refused the AMI login of user {username!r}: "
                f"{reply.message or 'no reason given'}"
            )

    async def close(self) -> None:
        """End the connection."""
        self._lose("closed")
        # Shielded: a cancelled caller must not leave a thread and a socket behind.
        await asyncio.shield(asyncio.to_thread(self._reader.close))

    async def send_action(
        self, name: str, *, timeout_s: float = 5.0, followed_by: str = "", **fields: str
    ) -> AmiReply:
        """Send an action and wait for its response, and for the whole list if one follows.

        Args:
            name: the action.
            timeout_s: how long to wait for all of it.
            followed_by: the event that says how an accepted action went (`OriginateResponse`);
                it becomes the reply's only item, if it comes in time.
            fields: the action's headers.

        Raises:
            AmiLostError: no answer within `timeout_s`, or the connection ended.
            ValueError: a line break in a field.
        """
        if self._lost.done():
            raise AmiLostError(self._lost.result())
        action_id = f"{self.generation}-{next(self._action_ids)}"
        pending = _Pending(self._loop.create_future(), followed_by)
        self._pending[action_id] = pending
        try:
            try:
                self._reader.write(name, {"ActionID": action_id, **fields})
            except OSError as error:
                self._lose(error.strerror or type(error).__name__)
                raise AmiLostError(self._lost.result()) from None
            async with asyncio.timeout(timeout_s):
                return await pending.reply
        except TimeoutError:
            if followed_by and pending.response is not None:
                return AmiReply(pending.response)
            raise AmiLostError(f"{self._where} did not answer {name} in {timeout_s:g} s") from None
        finally:
            del self._pending[action_id]

    async def messages(self) -> AsyncIterator[tuple[AmiMessage, float]]:
        """Messages with their arrival (epoch seconds), until the connection is lost."""
        while True:
            for pair in self.waiting():
                yield pair
            if self._lost.done():
                raise AmiLostError(self._lost.result())
            self._wake.clear()
            await self._wake.wait()

    def waiting(self) -> Iterator[tuple[AmiMessage, float]]:
        """Take the messages that are here already."""
        while self._inbox:
            yield self._inbox.popleft()

    async def watch(self) -> None:
        """Ask every second whether the peer lives; ends by AmiLostError when it does not.

        Dead is a peer from which nothing came since a Ping, `dead_after_s` after the last sign
        of life it could have given. The reader's thread notes arrivals, so that a busy event
        loop is not taken for a dead peer.
        """
        patience_s = max(0.1, self._dead_after_s - self._ping_period_s)
        while True:
            sent = time.monotonic()
            try:
                self._reader.write("Ping", {"ActionID": "ping"})
            except OSError as error:
                self._lose(error.strerror or type(error).__name__)
            await self._pause(min(patience_s, self._ping_period_s))
            if self._reader.last_read < sent:
                await self._pause(max(0.0, sent + patience_s - time.monotonic()))
                if self._reader.last_read < sent:
                    self._counters.add("ami_silent_peers", system=self._system)
                    self._lose(f"{self._where} has been silent for {self._dead_after_s:g} s")
            await self._pause(max(0.0, sent + self._ping_period_s - time.monotonic()))

    async def _pause(self, seconds: float) -> None:
        if not self._lost.done():
            await asyncio.wait({self._lost}, timeout=seconds)
        if self._lost.done():
            raise AmiLostError(self._lost.result())

    # From the reader's thread

    def _from_reader(self, messages: list[AmiMessage], arrived: float) -> None:
        with self._flight_lock:
            room = self._queue_size - self._in_flight
            if len(messages) <= room:
                accepted = messages
            else:  # what answers an action is never dropped: we asked for it
                spare = [message for message in messages if not message.action_id][max(0, room) :]
                dropped = {id(message) for message in spare}
                accepted = [message for message in messages if id(message) not in dropped]
            self._in_flight += len(accepted)
        if len(accepted) < len(messages):
            self._counters.add("ami_dropped", len(messages) - len(accepted), system=self._system)
            self.overflowed = True
        with contextlib.suppress(RuntimeError):  # the loop is closing
            self._loop.call_soon_threadsafe(self._take, self.generation, accepted, arrived)

    def _reader_closed(self, why: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closing
            self._loop.call_soon_threadsafe(self._lose, f"connection to {self._where}: {why}")

    # In the loop's thread

    def _lose(self, why: str) -> None:
        if self._lost.done():
            return
        self._lost.set_result(why)
        self._wake.set()
        for pending in self._pending.values():
            if not pending.reply.done():
                pending.reply.set_exception(AmiLostError(why))

    def _take(self, generation: int, messages: list[AmiMessage], arrived: float) -> None:
        with self._flight_lock:
            self._in_flight -= len(messages)
        if generation != self.generation or self._lost.done():
            return  # an earlier connection's echo
        self.last_message_at = arrived
        for message in messages:
            if message.action_id and self._answers(message):
                continue
            if message.response:
                continue  # a Pong, or an answer that came after its time
            if message.event == "FullyBooted":
                self.booted.set()
            if len(self._inbox) >= self._queue_size:
                self._counters.add("ami_dropped", system=self._system)
                self.overflowed = True
                continue
            self._inbox.append((message, arrived))
        self._wake.set()

    def _answers(self, message: AmiMessage) -> bool:
        """Give a message to the action it answers; False when there is none."""
        pending = self._pending.get(message.action_id)
        if pending is None or pending.reply.done():
            return False
        listing = message.get("EventList").lower()
        if pending.followed_by and message.event == pending.followed_by:
            if pending.response is None:
                return False
            pending.items.append(message)
        elif message.response:
            pending.response = message
            if listing == "start" or (pending.followed_by and AmiReply(message).ok):
                return True
        elif pending.response is None:
            return False  # an event that bears the id but comes before the response
        elif listing not in {"complete", "cancelled"}:
            if len(pending.items) < _LIST_LIMIT:
                pending.items.append(message)
            return True
        assert pending.response is not None  # noqa: S101 - both branches above have set it
        pending.reply.set_result(AmiReply(pending.response, tuple(pending.items)))
        return True
