"""The console as an ASGI application: API, live websocket, /metrics and the page itself."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import FileResponse, PlainTextResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from agent_console import problems
from agent_console.access import API, authorise
from agent_console.api import (
    alerts,
    callers,
    calls,
    complaints,
    control,
    empathy,
    floor,
    health,
    inspections,
    knowledge,
    live,
    login,
    notifications,
    oidc,
    oversight,
    planning,
    register,
    registers,
    sessions,
    teams,
    topics,
    users,
)
from agent_console.context import ConsoleContext
from agent_console.schema import require_what_is_always_there
from agent_console.security import SecurityMiddleware

STATIC = Path(__file__).parent / "static"

# What the page itself tells apart; agent_console/web/src/lib/pages.ts has the same.
_PAGES = (
    "/",
    "/history",
    "/calls/{call_id}",
    "/agent",
    "/inspect",
    "/inspect/{inspection_id}",
    "/manage",
    "/admin",
    "/wallboard",
    "/watch",
    "/me",
    "/complaints",
    "/complaints/{complaint_id}",
    "/knowledge",
    "/knowledge/{article_id}",
    "/registers",
    "/registers/{call_id}",
    "/login",
)

_FILES = {
    "icon.svg": "image/svg+xml",
    "manifest.webmanifest": "application/manifest+json",
    # At the root, so that its scope is the whole page.
    "sw.js": "text/javascript",
}

_PARTS = (
    login,
    oidc,
    sessions,
    users,
    teams,
    calls,
    callers,
    register,
    registers,
    topics,
    alerts,
    complaints,
    inspections,
    knowledge,
    notifications,
    empathy,
    floor,
    oversight,
    planning,
    control,
    health,
    live,
)

_NOT_BUILT = """\
网页尚未构建。请在项目目录运行：pip install -e .
The page has not been built. Run in the project's folder: pip install -e .
"""


def create_app(context: ConsoleContext, static: Path = STATIC) -> FastAPI:
    """Put the routes together.

    Args:
        context: what they work on.
        static: folder of the built page.
    """
    app = _Console(
        title="Tingzhen console",
        version=importlib.metadata.version("tingzhen"),
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere, which the CSP refuses
        redoc_url=None,
    )
    app.state.console = context
    problems.install(app)
    app.router.routes.extend(_api().routes)
    if context.metrics_app is not None:
        numbers = _Asgi(context.metrics_app)
        app.router.routes.append(Route("/metrics", numbers, methods=["GET"]))
        # It knows its readers and posters by network and token; they have no user.
        hook = Route(f"{API}/hooks/alertmanager", numbers, methods=["POST"])
        app.router.routes.append(hook)
    if (static / "index.html").is_file():
        # Not one mount at "/": it would answer for the API's own paths with the wrong method.
        app.mount("/assets", _Assets(directory=static / "assets"))
        for path in _PAGES:
            app.router.routes.append(Route(path, _file(static / "index.html")))
        for name, kind in _FILES.items():
            app.router.routes.append(Route(f"/{name}", _file(static / name, kind)))
    else:
        app.router.routes.append(Route("/", _not_built))
    app.add_middleware(SecurityMiddleware, allowed_origins=context.settings.allowed_origins)
    return app


@functools.cache
def _api() -> APIRouter:
    """The API's routes: for all applications, since what they work on is the request's.

    FastAPI makes the models of a router's answers anew for everything that includes it, which takes
    half a second. Without a prefix it does so once more, only to see that each path has a name.
    """
    included = APIRouter()
    parts = APIRouter(dependencies=[Depends(authorise)])
    for part in _PARTS:
        parts.include_router(part.router)
    included.include_router(parts, prefix=API)
    return included


class _Console(FastAPI):
    """Describes its answers as they are: whole."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            require_what_is_always_there(super().openapi())
        return super().openapi()


class _Asgi:
    """Makes a route of an ASGI function, which Starlette would take for a request handler."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class _Assets(StaticFiles):
    """Scripts and styles: their names hold a hash of them, so browsers may keep them for good."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def _file(path: Path, kind: str = "text/html") -> Callable[[Request], Awaitable[Response]]:
    async def serve(_request: Request) -> Response:
        return FileResponse(path, media_type=kind, headers={"Cache-Control": "no-cache"})

    return serve


async def _not_built(_request: Request) -> Response:
    return PlainTextResponse(_NOT_BUILT, 503)
