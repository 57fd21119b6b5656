"""Calls: the list, and one with all that was heard and found in it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from agent_console import reads
from agent_console.access import Context, Who
from agent_console.paging import BadCursorError, Page
from agent_console.problems import Problem

router = APIRouter(tags=["calls"])

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before.")]


@router.get("/calls")
async def list_calls(
    who: Who,
    context: Context,
    state: reads.CallFilter = "all",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[reads.CallSummary]:
    """Calls, newest first."""

    def read() -> Page[reads.CallSummary]:
        with context.engine.connect() as connection:
            return reads.list_calls(connection, who.scope, state, limit, cursor)

    try:
        return await asyncio.to_thread(read)
    except BadCursorError as error:
        raise Problem(400, "bad_cursor", str(error)) from None


@router.get("/calls/{call_id}")
async def get_call(who: Who, context: Context, call_id: str) -> reads.CallDetail:
    """One call with legs, transcript, hits, steps and alerts."""

    def read() -> reads.CallDetail | None:
        with context.engine.connect() as connection:
            return reads.call_detail(connection, call_id)

    detail = await asyncio.to_thread(read)
    if detail is None:
        raise Problem(404, "not_found", "There is no such call.")
    if who.role == "agent":
        return reads.CallDetail(detail.call, [alert.gentle() for alert in detail.alerts])
    return detail
