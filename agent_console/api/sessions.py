"""Sessions: who is logged in where, and ending one from afar."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from agent_console.access import Context, Who
from agent_console.api.login import end_session
from agent_console.problems import Problem
from agent_console.sessions import Session, Via
from agent_console.viewer import Viewer

router = APIRouter(tags=["login"])

_SHOWN = 16
"""Characters of a session's id that are told: enough to name it."""


class SessionView(BaseModel):
    """One login; `opened_at` in seconds since the epoch, `current` the one that asks.

    `device` is the browser, empty for one that does not say; `idle_s` for how long it was unused.
    """

    id: str
    username: str
    role: str
    via: Via
    device: str
    opened_at: float
    idle_s: float
    current: bool


@router.get("/sessions")
async def list_sessions(who: Who, context: Context) -> list[SessionView]:
    """One's own sessions; those of everybody for managers and admins."""
    idle = dict(context.sessions.idle())
    return [
        SessionView(
            id=session.id[:_SHOWN],
            username=session.username,
            role=session.role,
            via=session.via,
            device=session.device,
            opened_at=session.opened_at,
            idle_s=idle.get(session.id, 0.0),
            current=session.id == who.session.id,
        )
        for session in reversed(context.sessions.all())
        if _may_end(who, session)
    ]


@router.delete("/sessions/{session_id}", status_code=204)
async def revoke_session(
    who: Who, context: Context, session_id: Annotated[str, Path(max_length=_SHOWN)]
) -> None:
    """End a session at once, and its websockets with it."""
    for session in context.sessions.all():
        if session.id[:_SHOWN] == session_id and _may_end(who, session):
            await end_session(context, session.id)
            return
    raise Problem(404, "not_found", "There is no such session.")


def _may_end(who: Viewer, session: Session) -> bool:
    if session.username == who.username or who.role == "admin":
        return True
    return who.role == "manager" and session.role != "admin"
