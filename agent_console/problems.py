"""Errors of the API, as RFC 9457 problem documents."""

from __future__ import annotations

import http
from collections.abc import Mapping

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException

_log = structlog.get_logger(__name__)

_RETRY_AFTER_S = 5


class Problem(HTTPException):
    """An error that the API answers with.

    `kind` names it for programs (`not_found`, `login_refused`, …), `detail` tells people what to
    do about it.
    """

    def __init__(
        self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, dict(headers) if headers else None)
        self.kind = kind


def problem_response(
    status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The response for one problem."""
    return JSONResponse(
        {
            "type": f"urn:tingzhen:problem:{kind}",
            "title": http.HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
        },
        status,
        headers=headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Answer every error of this app with a problem document."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for unavailable in (OperationalError, InterfaceError):
        app.add_exception_handler(unavailable, _store_unavailable)
    app.add_exception_handler(Exception, _unexpected)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    if isinstance(error, Problem):
        return problem_response(error.status_code, error.kind, error.detail, error.headers)
    kind = http.HTTPStatus(error.status_code).name.lower()
    return problem_response(error.status_code, kind, str(error.detail), error.headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it only
    # Only where and why: what was sent may hold a password.
    found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return problem_response(422, "invalid_request", "; ".join(found))


async def _store_unavailable(request: Request, error: Exception) -> JSONResponse:
    """A full disk, a locked file, a database that is gone: no fault of the server's own."""
    _log.error("store_unavailable", error=type(error).__name__, route=_route(request))
    return problem_response(
        503,
        "store_unavailable",
        "The store cannot be read or written now; its disk may be full. Try again.",
        {"Retry-After": str(_RETRY_AFTER_S)},
    )


def _route(request: Request) -> str:
    """The pattern of the route: an address itself may hold a name or a number."""
    return getattr(request.scope.get("route"), "path", "unknown")


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("request_failed", error=type(error).__name__, route=_route(request))
    return problem_response(500, "internal", "The server could not answer; its log says more.")
