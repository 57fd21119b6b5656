"""Asterisk's REST interface, as far as taps need it: one websocket, three requests."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from telephony.settings import AriSettings

if TYPE_CHECKING:
    from typing import Self

    from pydantic import SecretStr

_TIMEOUT_S = 5.0
_AT_ONCE = 16
"""Requests under way at the same time: Asterisk closes the door at 100 connections (`sessionlimit`
in http.conf), and answers in milliseconds."""
_PING_S = 2.0
_MAX_EVENT = 1024 * 1024

Direction = Literal["in", "out"]
"""What of a channel is heard: `in` is its own voice, `out` what it is played."""


async def trust(settings: AriSettings) -> ssl.SSLContext | None:
    """The system's authorities where the address wants TLS; None where it does not."""
    if not settings.url.startswith("https:"):
        return None
    return await asyncio.to_thread(ssl.create_default_context)


class AriError(Exception):
    """A request failed; the text is fit for people and holds no secret."""


class AriGoneError(AriError):
    """The channel is not there (any more)."""


class _Channel(msgspec.Struct):
    id: str
    name: str = ""


class AriEvent(msgspec.Struct):
    """One event of the websocket; only what taps look at."""

    type: str
    channel: _Channel | None = None


class AriClient:
    """Requests and events of one Asterisk. Use as a context manager; `listen` until it raises.

    However many taps are asked for at once, a few requests at a time are made, first come, first
    served.

    Args:
        settings: where it is, and who we are.
        secret: our password.
        tls: whom to trust; None for an address without TLS. Making one takes a moment (40 ms), in
            which a loop would hear nothing.
    """

    def __init__(
        self, settings: AriSettings, secret: SecretStr, tls: ssl.SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._base = settings.url.rstrip("/")
        self._secret = secret
        self._tls = tls
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._http = httpx.AsyncClient(
            auth=(settings.username, secret.get_secret_value()),
            timeout=httpx.Timeout(_TIMEOUT_S, pool=None),
            limits=httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE),
            # One that trusts nobody is quickly made, and never asked without TLS.
            verify=tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,  # the PBX is ours: no proxy stands before it
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def listen(
        self, connected: Callable[[], None], heard: Callable[[AriEvent], None]
    ) -> None:
        """Register the application and hand over its events until the connection ends.

        Raises:
            AriError: always, with why it ended.
        """
        user, password = self._settings.username, self._secret.get_secret_value()
        token = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
        try:
            async with connect(
                self._events_url(),
                additional_headers={"Authorization": f"Basic {token}"},
                open_timeout=_TIMEOUT_S,
                ping_interval=_PING_S,
                ping_timeout=_PING_S,
                max_size=_MAX_EVENT,
                ssl=self._tls,
                proxy=None,
            ) as socket:
                connected()
                await self._read(socket, heard)
        except InvalidStatus as error:
            code = error.response.status_code
            raise AriError(
                f"{self._base} refused the ARI user {user!r} (HTTP {code})"
                if code in {401, 403}
                else f"{self._base} answered HTTP {code}: is ARI enabled there?"
            ) from None
        except (WebSocketException, OSError, TimeoutError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise AriError(f"{self._base}: {why}") from None
        raise AriError(f"{self._base} closed the connection")

    async def _read(self, socket: ClientConnection, heard: Callable[[AriEvent], None]) -> None:
        decoder = msgspec.json.Decoder(AriEvent)
        async for text in socket:
            try:
                event = decoder.decode(text)
            except msgspec.MsgspecError:
                continue  # no event that a tap could use
            heard(event)

    def _events_url(self) -> str:
        parts = urlsplit(self._base)
        scheme = "wss" if parts.scheme == "https" else "ws"
        query = urlencode({"app": self._settings.app, "subscribeAll": "false"})
        return urlunsplit((scheme, parts.netloc, f"{parts.path}/events", query, ""))

    async def snoop(self, channel_id: str, direction: Direction, snoop_id: str) -> None:
        """Make a channel that hears one direction of another one.

        Raises:
            AriGoneError: there is no such channel.
            AriError: anything else.
        """
        await self._post(
            f"/channels/{quote(channel_id, safe='')}/snoop",
            app=self._settings.app,
            spy=direction,
            snoopId=snoop_id,
        )

    async def export(self, channel_id: str) -> None:
        """Hand one of our channels to the dialplan, which sends its audio to us.

        Raises:
            AriGoneError: there is no such channel.
            AriError: anything else.
        """
        await self._post(
            f"/channels/{quote(channel_id, safe='')}/continue",
            context=self._settings.context,
            extension=channel_id,
            priority="1",
        )

    async def _post(self, path: str, **query: str) -> None:
        try:
            async with self._turn:
                response = await self._http.post(f"{self._base}{path}", params=query)
        except httpx.HTTPError as error:
            raise AriError(f"{self._base}: {type(error).__name__}") from None
        if response.status_code == httpx.codes.NOT_FOUND:
            raise AriGoneError("the channel is gone")
        if response.is_error:
            raise AriError(f"{self._base} answered HTTP {response.status_code}")
