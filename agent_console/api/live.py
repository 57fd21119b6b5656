"""The websocket: /api/v1/live?ticket=…&after=…&stream=…, described in docs/live-protocol.md."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, WebSocket

from agent_console.access import Context, viewer_of
from agent_console.live.hub import CLOSE_LOGGED_OUT

router = APIRouter()


@router.websocket("/live")
async def live(
    websocket: WebSocket,
    context: Context,
    ticket: Annotated[str, Query(max_length=128)] = "",
    after: Annotated[int | None, Query(ge=0)] = None,
    stream: Annotated[str, Query(max_length=64)] = "",
) -> None:
    """Feed one browser."""
    session = context.tickets.redeem(ticket)
    await websocket.accept()
    alive = session is not None and context.sessions.alive(session.id)
    viewer = await viewer_of(context, session) if session is not None and alive else None
    # Accepted first: a browser is not told why a handshake failed, but it is told a close code.
    if viewer is None:
        await websocket.close(CLOSE_LOGGED_OUT, "ticket refused")
        return
    await context.hub.serve(websocket, viewer, after, stream)
