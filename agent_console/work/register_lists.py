"""Registers by what is left to do: follow-ups, calls without one, and how far each agent is.

The functions take a Connection; times are in seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, exists, func, select

from agent_console.paging import Page, page
from agent_console.scope import Scope
from agent_console.work.register import StoredRecord, stored
from agent_console.work.rows import from_row
from backbone.store.schema import calls
from backbone.store.tables.guidance import call_topics
from backbone.store.tables.work import register_drafts, registers

RegisterFilter = Literal["all", "incomplete", "follow_up", "due"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwritten:
    """A call that was talked in and has no record; `draft`: somebody has begun one."""

    call_id: str
    queue: str
    agent: str
    number: str
    joined_at: float
    talk_s: float | None
    topic_title: str
    topic_title_en: str
    draft: bool

    def masked(self, number: str) -> Unwritten:
        """The same with another number."""
        return replace(self, number=number)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRegisters:
    """How many of an agent's calls were talked in, have a record, and a complete one.

    `due`: follow-ups whose time has come.
    """

    agent: str
    calls: int
    written: int
    complete: int
    due: int


def listed(
    connection: Connection,
    scope: Scope,
    which: RegisterFilter,
    *,
    topic: str = "",
    agent: str = "",
    due_before: float | None = None,
    limit: int,
    cursor: str | None,
) -> Page[StoredRecord]:
    """Records by when they were first written, newest first; `due` ones by their time.

    Args:
        connection: to read with.
        scope: whose calls count.
        which: `follow_up` are those with a time set for one, `due` those whose outcome still is
            one.
        topic: only this one, if set.
        agent: only this interface's, if set.
        due_before: only follow-ups that are to be made before this time, if set.
        limit: how many at most.
        cursor: of the page before.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    soonest = (-registers.c.follow_up_due).label("soonest")
    query = select(registers, soonest).where(scope.where(registers.c.queue, registers.c.agent))
    if which == "incomplete":
        query = query.where(~registers.c.complete)
    elif which != "all":
        query = query.where(registers.c.follow_up_due.is_not(None))
    if which == "due":
        query = query.where(registers.c.outcome == "follow_up")
    if topic:
        query = query.where(registers.c.topic == topic)
    if agent:
        query = query.where(registers.c.agent == agent)
    if due_before is not None:
        query = query.where(registers.c.follow_up_due < due_before)
    first = soonest if which == "due" else registers.c.first_at
    return page(connection, query, (first, registers.c.call_id), stored, limit=limit, cursor=cursor)


def numbers_of(connection: Connection, call_ids: list[str]) -> dict[str, str]:
    """The callers' numbers, whole."""
    query = select(calls.c.call_id, calls.c.caller).where(calls.c.call_id.in_(call_ids))
    return {row.call_id: row.caller for row in connection.execute(query)}


def unwritten(
    connection: Connection,
    scope: Scope,
    *,
    since: float,
    agent: str = "",
    limit: int,
    cursor: str | None,
) -> Page[Unwritten]:
    """Calls since then that are over, were talked in and have no record; newest first.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    begun = exists().where(register_drafts.c.call_id == calls.c.call_id)
    query = (
        select(
            calls.c.call_id,
            calls.c.queue,
            calls.c.agent,
            calls.c.caller.label("number"),
            calls.c.joined_at,
            calls.c.talk_s,
            func.coalesce(call_topics.c.title, "").label("topic_title"),
            func.coalesce(call_topics.c.title_en, "").label("topic_title_en"),
            begun.label("draft"),
        )
        .outerjoin(registers, registers.c.call_id == calls.c.call_id)
        .outerjoin(call_topics, call_topics.c.call_id == calls.c.call_id)
        .where(
            _seen(scope),
            registers.c.call_id.is_(None),
            calls.c.answered_at.is_not(None),
            calls.c.ended_at.is_not(None),
            calls.c.joined_at >= since,
        )
    )
    if agent:
        query = query.where(calls.c.agent == agent)
    order = (calls.c.joined_at, calls.c.call_id)
    return page(connection, query, order, _unwritten, limit=limit, cursor=cursor)


def by_agent(
    connection: Connection, scope: Scope, *, since: float, until: float, now: float
) -> list[AgentRegisters]:
    """How far the agents are with the calls of a time, the most calls first."""
    query = (
        select(
            calls.c.agent,
            func.count().label("calls"),
            func.count(registers.c.call_id).label("written"),
            func.count().filter(registers.c.complete).label("complete"),
        )
        .outerjoin(registers, registers.c.call_id == calls.c.call_id)
        .where(
            _seen(scope),
            calls.c.agent != "",
            calls.c.answered_at.is_not(None),
            calls.c.ended_at.is_not(None),
            calls.c.joined_at >= since,
            calls.c.joined_at < until,
        )
        .group_by(calls.c.agent)
        .order_by(func.count().desc(), calls.c.agent)
    )
    rows = connection.execute(query).mappings().all()
    late = connection.execute(
        select(registers.c.agent, func.count())
        .where(
            scope.where(registers.c.queue, registers.c.agent),
            and_(registers.c.outcome == "follow_up", registers.c.follow_up_due < now),
        )
        .group_by(registers.c.agent)
    )
    due: dict[str, int] = {agent: count for agent, count in late}  # noqa: C416 - dict() of rows has no types
    return [from_row(AgentRegisters, row, due=due.get(row["agent"], 0)) for row in rows]


def _seen(scope: Scope) -> ColumnElement[bool]:
    return scope.where(calls.c.queue, calls.c.agent, calls.c.picked_up_by)


def _unwritten(row: RowMapping) -> Unwritten:
    return from_row(Unwritten, row)
