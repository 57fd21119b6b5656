"""One push on its way: to its address, again and again until the service takes it or we give up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import stamina
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from agent_console.work.notify import store
from agent_console.work.notify.outbox import Push
from agent_console.work.notify.push import AddressError, Sender
from agent_console.work.notify.webpush import GoneError
from agent_console.work.secrets import Keyring
from agent_console.work.settings import NotifySettings
from backbone.counters import Counters

_log = structlog.get_logger(__name__)

_Result = TypeVar("_Result")

_LAST_WORD_S = 3.0
"""How long a stop waits for the answer to what has been sent: else it would be sent again."""


class _NotTakenError(Exception):
    """A service did not take a push; it is worth another try."""


class Delivery:
    """Sends pushes, in threads of its own: a service that hangs keeps nobody else waiting.

    Counters: `notify_sent{scheme}`, `notify_failed{scheme}` (given up), `notify_retries{scheme}`,
    `notify_dropped{reason}` (`gone`, `expired`, `refused`). `taken` are the ids of pushes that a
    service took while the node was being stopped.
    """

    def __init__(
        self,
        settings: NotifySettings,
        counters: Counters,
        engine: Engine,
        keyring: Keyring,
        sender: Sender,
    ) -> None:
        self._settings = settings
        self._counters = counters
        self._engine = engine
        self._keyring = keyring
        self._sender = sender
        self.taken: set[str] = set()
        self._threads = ThreadPoolExecutor(settings.workers, thread_name_prefix="notify")

    @property
    def longest_s(self) -> float:
        """No delivery takes longer than this."""
        settings = self._settings
        return settings.give_up_s + 2 * (settings.connect_timeout_s + settings.read_timeout_s) + 10

    def close(self) -> None:
        """Start nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def deliver(self, push: Push) -> None:
        """Send one push, or give it up.

        When it is cancelled, `taken` tells whether the service took the push all the same.
        """
        try:
            found = await self._in_thread(lambda: self._address(push.target_id))
        except SQLAlchemyError:
            found = None
        if found is None:
            self._counters.add("notify_dropped", reason="gone")
            return
        scheme, url = found
        try:
            async for attempt in stamina.retry_context(
                on=_NotTakenError,
                attempts=self._settings.attempts,
                timeout=self._settings.give_up_s,
            ):
                with attempt:
                    if attempt.num > 1:
                        self._counters.add("notify_retries", scheme=scheme)
                    await self._send(push, url)
        except _NotTakenError:
            self._counters.add("notify_failed", scheme=scheme)
            _log.warning("notify_failed", scheme=scheme, target_id=push.target_id)
        except GoneError:
            await self._in_thread(lambda: self._forget(push.target_id))
            self._counters.add("notify_dropped", reason="expired")
        except AddressError:
            # Allowed when it was typed, not any more.
            self._counters.add("notify_dropped", reason="refused")
        else:
            self._counters.add("notify_sent", scheme=scheme)

    async def _send(self, push: Push, url: str) -> None:
        sending = asyncio.ensure_future(
            self._in_thread(lambda: self._sender.send(url, push.message))
        )
        try:
            taken = await asyncio.shield(sending)
        except asyncio.CancelledError:
            # What is on its way cannot be called back: hear the answer, lest it go out twice.
            await asyncio.wait({sending}, timeout=_LAST_WORD_S)
            if sending.done() and not sending.exception() and sending.result():
                self.taken.add(push.push_id)
            raise
        except (AddressError, GoneError):
            raise
        except Exception as error:  # noqa: BLE001 - a hundred services' code, none may end this task
            # Its text may hold the address, so only its class goes on.
            raise _NotTakenError(type(error).__name__) from None
        if not taken:
            raise _NotTakenError

    def _address(self, target_id: str) -> tuple[str, str] | None:
        with self._engine.connect() as connection:
            return store.address(connection, self._keyring, target_id)

    def _forget(self, target_id: str) -> None:
        try:
            with self._engine.begin() as connection:
                store.forget(connection, target_id)
        except SQLAlchemyError as error:  # the next push to it tries again
            _log.warning("subscription_not_removed", error=type(error).__name__)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
