"""Runs the console on one port with uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import Iterator

import structlog
import uvicorn
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from agent_console import links, session_rows, users
from agent_console.app import create_app
from agent_console.context import ConsoleContext
from agent_console.history.index import index_missing
from agent_console.settings import ConsoleSettings
from agent_console.site import Site
from agent_console.work.desk import Desk
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.errors import UserError
from telephony.control.service import Control

_log = structlog.get_logger(__name__)

_SHUTDOWN_S = 5
_LINGER_S = 2.0
_UNSENT_BYTES = 128 * 1024


class ConsoleError(UserError):
    """The console cannot run; the message says why and what to do."""


class ConsoleServer:
    """The console as a component.

    `started` is set once it answers, `address` is its URL from then on. `newcomer` is then the
    admin who has no way to come in yet, if so: show this user's `login_link`.
    """

    def __init__(
        self,
        settings: ConsoleSettings,
        bus: Bus,
        clock: Clock,
        counters: Counters,
        engine: Engine,
        *,
        metrics_app: ASGIApp | None = None,
        control: Control | None = None,
        desk: Desk | None = None,
        site: Site | None = None,
    ) -> None:
        self.started = asyncio.Event()
        self.newcomer: str | None = None
        self.context = ConsoleContext.build(
            settings,
            bus,
            clock,
            counters,
            engine,
            metrics_app=metrics_app,
            control=control,
            desk=desk,
            site=site,
        )
        self._settings = settings
        self._address = ""

    @property
    def address(self) -> str:
        """The URL of the page.

        Raises:
            ConsoleError: it has not started yet.
        """
        if not self._address:
            raise ConsoleError("the console has not started yet")
        return self._address

    def login_link(self, username: str = users.LEAD) -> str:
        """A URL that logs one browser in, once, within the hour."""
        with self.context.engine.begin() as connection:
            return self.address + links.path(links.issue(connection, username, time.time()))

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            ConsoleError: the port is taken, or the configured password is not acceptable.
        """
        self.newcomer = await asyncio.to_thread(self._prepare)
        listener = _listen(self._settings.host, self._settings.port)
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self._address = f"http://{shown}:{port}"
        server = _Server(self._config())
        with contextlib.closing(listener):
            async with asyncio.TaskGroup() as tasks:
                projecting = tasks.create_task(self.context.projector.run())
                indexing = tasks.create_task(self._index())
                reporting = tasks.create_task(self.context.reports.run())
                serving = tasks.create_task(server.serve(sockets=[listener]))
                try:
                    await server.ready.wait()
                    await self.context.projector.ready.wait()
                    self.started.set()
                    _log.info("console_started", port=port)
                    await asyncio.shield(serving)
                finally:
                    # Browsers are told first, so that each knows to come back.
                    self.context.hub.close_all()
                    server.should_exit = True
                    await asyncio.wait([serving], timeout=_SHUTDOWN_S + 1)
                    await asyncio.to_thread(self._save_sessions)
                    for task in (projecting, indexing, reporting, serving):
                        task.cancel()

    def _prepare(self) -> str | None:
        secret = self._settings.lead_password
        try:
            with self.context.engine.begin() as connection:
                now = self.context.clock.time()
                if secret is not None:
                    users.ensure_lead(connection, secret.get_secret_value(), now=now)
                newcomer = users.ensure_admin(connection, now=now)
                session_rows.restore(connection, self.context.sessions, time.time())
                return newcomer
        except users.UserError as error:
            raise ConsoleError(f"the configured lead password is refused: {error}") from None

    async def _index(self) -> None:
        """Take into the search what an earlier version left out."""
        try:
            added = await asyncio.to_thread(index_missing, self.context.engine)
        except SQLAlchemyError as error:  # the next start tries again; all else works
            _log.warning("search_index_incomplete", error=type(error).__name__)
            return
        if added:
            _log.info("search_index_completed", calls=added)

    def _save_sessions(self) -> None:
        try:
            with self.context.engine.begin() as connection:
                session_rows.save(connection, self.context.sessions.idle(), time.time())
        except SQLAlchemyError as error:  # people log in again; stopping goes on
            _log.warning("sessions_not_saved", error=type(error).__name__)

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            create_app(self.context),
            http="h11",
            ws=_LiveConnection,
            ws_max_size=self._settings.ws_max_size,
            ws_per_message_deflate=self._settings.compress_live,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_SHUTDOWN_S,
        )


class _LiveConnection(WebSocketsSansIOProtocol):
    """Does not wait for ever for a browser that takes no byte once its handler is through."""

    async def run_asgi(self) -> None:
        await super().run_asgi()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(_LINGER_S, self.transport.abort)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the node has its own."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self.ready.set()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, proto)
    except OSError as error:
        raise ConsoleError(f"the console cannot listen on {host}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Its connections inherit this. Without it the system takes up to 4 MB for a browser that
        # reads nothing, and it is a while before anybody notices.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        listener.bind(where)
        listener.listen(128)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConsoleError(
                f"port {port} on {host} is taken: stop what uses it or choose another port"
            ) from None
        raise ConsoleError(
            f"the console cannot listen on {host}:{port}: {error.strerror}"
        ) from None
    return listener
