"""The /metrics page and the webhook of its alerts: an ASGI app that knows who may use it."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any

from prometheus_client import CollectorRegistry, make_asgi_app

from backbone.errors import UserError
from metrics.alertmanager import MAX_BODY, WebhookError
from metrics.settings import MetricsSettings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TakePost = Callable[[bytes], Awaitable[None]]
"""Takes the body of a post.

Raises:
    WebhookError: it is not what was expected.
"""

_PROXY_HEADERS = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip"})


class MetricsApp:
    """Serves a registry to allowed networks, and to anyone with the bearer token.

    With `take_post` it also takes what Alertmanager posts from the same networks or with the same
    token; the route decides at which path.

    Format (Prometheus text or OpenMetrics) and compression are negotiated by prometheus-client.
    As a Starlette route's endpoint it answers at exactly that path; mounted, below it.

    Raises:
        UserError: the token file is missing, unreadable or empty.
    """

    def __init__(
        self,
        settings: MetricsSettings,
        registry: CollectorRegistry,
        take_post: TakePost | None = None,
    ) -> None:
        self._take_post = take_post
        self._networks = settings.allowed_networks
        self._token = _token(settings)
        self._app = make_asgi_app(registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; anything else is refused."""
        if scope["type"] != "http":
            raise RuntimeError(f"/metrics cannot serve {scope['type']}")
        post = self._take_post if scope["method"] == "POST" else None
        if post is None and scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, [(b"allow", b"GET, HEAD")])
        elif self._may_read(scope):
            if post is None:
                await self._app(scope, receive, send)
            else:
                await _answer(send, await _taken(post, receive), [])
        elif self._token is None:
            await _answer(send, 403, [])
        else:
            await _answer(send, 401, [(b"www-authenticate", b"Bearer")])

    def _may_read(self, scope: Scope) -> bool:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if self._token is not None:
            expected = b"Bearer " + self._token
            for name, value in headers:
                if name == b"authorization" and hmac.compare_digest(value, expected):
                    return True
        # A proxy on this machine speaks from loopback for the whole world.
        if any(name in _PROXY_HEADERS for name, _ in headers):
            return False
        return self._is_near(scope.get("client"))

    def _is_near(self, client: tuple[str, int] | None) -> bool:
        if client is None:
            return False
        try:
            address = ip_address(client[0])
        except ValueError:  # a test client or a Unix socket has no address
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)


def _token(settings: MetricsSettings) -> bytes | None:
    if settings.token is not None:
        token = settings.token.get_secret_value()
    elif settings.token_file is not None:
        try:
            token = settings.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"metrics.token_file {settings.token_file}: cannot be read: {error}"
            ) from error
    else:
        return None
    if not token:
        raise UserError("metrics.token is empty: set one, or leave it out")
    return token.encode()


async def _taken(post: TakePost, receive: Receive) -> int:
    """Read the body and hand it on; the status to answer with."""
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return 400  # gone
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY:
            return 413
    try:
        await post(body)
    except WebhookError:
        return 400
    return 204


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
