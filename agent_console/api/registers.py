"""Registers by what is left to do: follow-ups, calls without one, and how far each agent is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from agent_console.access import Context, Who
from agent_console.api.parameters import Cursor, Limit, Since, Until
from agent_console.api.parameters import Name as Agent
from agent_console.api.writing import Moment, read
from agent_console.context import ConsoleContext
from agent_console.paging import Page
from agent_console.privacy import mask_number
from agent_console.work import register, register_lists
from agent_console.work.register import StoredRecord
from agent_console.work.register_lists import AgentRegisters, RegisterFilter, Unwritten
from agent_console.work.settings import RegisterField

router = APIRouter(prefix="/registers", tags=["register"])

_WEEK_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRecord(StoredRecord):
    """A record with the caller, masked, and what is missing in it."""

    caller: str
    missing: list[RegisterField]
    completeness: float


@router.get("")
async def list_registers(
    *,
    who: Who,
    context: Context,
    state: RegisterFilter = "all",
    topic: Annotated[str, Query(max_length=64)] = "",
    agent: Agent = "",
    due_before: Annotated[Moment | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ListedRecord]:
    """Records, newest first; with `state=due` follow-ups to be made, the first due first."""

    def find(connection: Connection) -> Page[ListedRecord]:
        found = register_lists.listed(
            connection,
            who.scope,
            state,
            topic=topic,
            agent=agent,
            due_before=due_before,
            limit=limit,
            cursor=cursor,
        )
        numbers = register_lists.numbers_of(connection, [one.call_id for one in found.items])
        return Page(
            [_listed(context, one, numbers.get(one.call_id, "")) for one in found.items],
            found.next,
        )

    return await read(context, find)


@router.get("/unwritten")
async def list_unwritten(
    *,
    who: Who,
    context: Context,
    agent: Agent = "",
    since: Since = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Unwritten]:
    """Calls of the last week, or since `from`, that have no record; numbers are masked."""
    start = context.clock.time() - _WEEK_S if since is None else since
    found = await read(
        context,
        lambda c: register_lists.unwritten(
            c, who.scope, since=start, agent=agent, limit=limit, cursor=cursor
        ),
    )
    return Page([one.masked(mask_number(one.number)) for one in found.items], found.next)


@router.get("/agents")
async def list_by_agent(
    *, who: Who, context: Context, since: Since = None, until: Until = None
) -> list[AgentRegisters]:
    """How complete each agent's records are; of today's calls unless said otherwise."""
    now = context.clock.time()
    start = _today(context, now) if since is None else since
    end = max(now, start) + 1.0 if until is None else until
    return await read(
        context, lambda c: register_lists.by_agent(c, who.scope, since=start, until=end, now=now)
    )


def _today(context: ConsoleContext, now: float) -> float:
    day = datetime.fromtimestamp(now, context.desk.zone)
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.timestamp()


def _listed(context: ConsoleContext, record: StoredRecord, number: str) -> ListedRecord:
    required = context.desk.settings.registers.required
    known = {field.name: getattr(record, field.name) for field in fields(StoredRecord)}
    return ListedRecord(
        **known,
        caller=mask_number(number),
        missing=register.missing(record.record, required),
        completeness=register.completeness(record.record, required),
    )
