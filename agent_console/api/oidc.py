"""Login by an OpenID Connect provider, and which ways of coming in there are."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from agent_console import users
from agent_console.access import API, Context
from agent_console.api.login import open_session
from agent_console.context import ConsoleContext
from agent_console.oidc import OidcClient, OidcError, own_page, user_of
from agent_console.problems import Problem

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/login", tags=["login"])

_COOKIE = "tingzhen_oidc"
_REFUSED = "/#oidc_refused"
_PATH = f"{API}/login/oidc"


class Methods(BaseModel):
    """Ways of coming in: `oidc` is what stands on the provider's button, null without one."""

    password: bool
    oidc: str | None


@router.get("/methods")
async def methods(context: Context) -> Methods:
    """Tell which ways of coming in there are."""
    return Methods(password=True, oidc=context.oidc.settings.label if context.oidc else None)


@router.get("/oidc", response_class=RedirectResponse, status_code=303)
async def begin(
    request: Request,
    context: Context,
    to: Annotated[str, Query(description="The page to come back to: a path of ours.")] = "/",
) -> RedirectResponse:
    """Send the browser to the identity provider."""
    client = _client(context.oidc)
    redirect = client.settings.redirect_url or str(request.url_for("oidc_callback"))
    try:
        begun = await client.begin(redirect, own_page(to))
    except OidcError as error:
        return _refused(context, error)
    answer = RedirectResponse(begun.url, 303)
    # Lax: the provider's page sends the browser back from another site.
    answer.set_cookie(
        _COOKIE,
        begun.browser,
        max_age=600,
        path=_PATH,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


@router.get(
    "/oidc/callback", name="oidc_callback", response_class=RedirectResponse, status_code=303
)
async def callback(
    request: Request,
    context: Context,
    state: Annotated[str, Query(max_length=256)] = "",
    code: Annotated[str, Query(max_length=4096)] = "",
) -> RedirectResponse:
    """Take the browser back from the identity provider, and let the user in."""
    client = _client(context.oidc)
    browser = request.cookies.get(_COOKIE, "") or secrets.token_urlsafe(8)
    try:
        finished = await client.finish(state, code, browser)
    except OidcError as error:
        return _refused(context, error)
    now = context.clock.time()

    def find() -> users.User | None:
        with context.engine.begin() as connection:
            return user_of(connection, finished.identity, client.settings, now=now)

    user = await asyncio.to_thread(find)
    if user is None:
        return _refused(context, OidcError("The provider knows you, but no user here is yours."))
    context.counters.add("console_logins", result="accepted")
    answer = RedirectResponse(finished.page, 303)
    await open_session(context, request, answer, user, "oidc")
    answer.delete_cookie(_COOKIE, path=_PATH)
    return answer


def _refused(context: ConsoleContext, error: OidcError) -> RedirectResponse:
    """Back to the login page, which says so: a person's browser is on its way here, no program."""
    _log.warning("oidc_refused", error=type(error.__cause__ or error).__name__)
    context.counters.add("console_logins", result="refused")
    return RedirectResponse(_REFUSED, 303)


def _client(client: OidcClient | None) -> OidcClient:
    if client is None:
        raise Problem(404, "not_found", "No identity provider is set up here.")
    return client
