"""Alerts: the inbox, and taking notice of one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fastapi import APIRouter

from agent_console import reads
from agent_console.access import Context, Who
from agent_console.api.calls import Cursor, Limit
from agent_console.context import ConsoleContext
from agent_console.live.views import AlertView
from agent_console.paging import BadCursorError, Page
from agent_console.problems import Problem
from qa_engine.events import AlertAcknowledged

router = APIRouter(tags=["alerts"])


@router.get("/alerts")
async def list_alerts(
    who: Who,
    context: Context,
    state: reads.AlertFilter = "all",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AlertView]:
    """Alerts, newest first."""

    def read() -> Page[AlertView]:
        with context.engine.connect() as connection:
            return reads.list_alerts(connection, who.scope, state, limit, cursor)

    try:
        page = await asyncio.to_thread(read)
    except BadCursorError as error:
        raise Problem(400, "bad_cursor", str(error)) from None
    if who.role == "agent":
        return Page([alert.gentle() for alert in page.items], page.next)
    return page


@router.post("/alerts/{alert_id}/ack")
async def acknowledge(who: Who, context: Context, alert_id: str) -> AlertView:
    """Take notice of an alert. A second time changes nothing and says who was first."""
    async with context.acknowledging:
        alert = await _find(context, alert_id)
        if alert is None:
            raise Problem(404, "not_found", "There is no such alert.")
        if alert.state != "open":
            return alert
        event = AlertAcknowledged(
            at=context.clock.time(),
            alert_id=alert_id,
            call_id=alert.call_id,
            by=who.username,
            by_role=who.role,
        )
        await context.bus.publish(event)
    changed = replace(alert)
    changed.change(event)
    return changed


async def _find(context: ConsoleContext, alert_id: str) -> AlertView | None:
    def read() -> AlertView | None:
        with context.engine.connect() as connection:
            return reads.find_alert(connection, alert_id)

    # One that could not be stored (full disk) is known here only.
    return await asyncio.to_thread(read) or context.projector.state.alerts.get(alert_id)
