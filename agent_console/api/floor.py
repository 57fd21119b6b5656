"""The floor: agents and queues as they are now."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from agent_console import teams
from agent_console.access import Context, Who
from agent_console.floor import AgentRow, QueueRow, agent_rows, queue_rows

router = APIRouter(tags=["floor"])


@router.get("/agents")
async def list_agents(who: Who, context: Context) -> list[AgentRow]:
    """Agents by name, with what each is doing since when; an agent sees the agent's own row."""
    await context.today.refresh()

    def read() -> list[teams.Team]:
        with context.engine.connect() as connection:
            return teams.list_teams(connection)

    known = await asyncio.to_thread(read)
    return agent_rows(context.projector.state, who.scope, known, context.today)


@router.get("/queues")
async def list_queues(who: Who, context: Context) -> list[QueueRow]:
    """Queues by name, with who waits, who could answer, and how the day went."""
    await context.today.refresh()
    return queue_rows(
        context.projector.state,
        who.scope,
        context.today,
        context.clock.time(),
        anonymous=who.role == "agent",
    )
