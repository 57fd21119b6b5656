"""What routes ask for: the context and the session."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from agent_console.context import ConsoleContext
from agent_console.problems import Problem
from agent_console.sessions import Session

COOKIE = "tingzhen_session"


def get_context(connection: HTTPConnection) -> ConsoleContext:
    """This app's context."""
    context = connection.app.state.console
    assert isinstance(context, ConsoleContext)  # noqa: S101 - create_app put it there
    return context


Context = Annotated[ConsoleContext, Depends(get_context)]


def get_session(connection: HTTPConnection, context: Context) -> Session:
    """The session that the request's cookie names.

    Raises:
        Problem: 401, there is none.
    """
    token = connection.cookies.get(COOKIE)
    session = context.sessions.find(token) if token else None
    if session is None:
        raise Problem(401, "login_required", "Log in first: POST /api/v1/login.")
    return session


LoggedIn = Annotated[Session, Depends(get_session)]
