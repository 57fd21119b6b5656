"""The register: what an agent writes down of each call, prefilled from what was heard."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import Connection, select

from agent_console.access import Context, Who
from agent_console.api.parameters import Cursor, Limit
from agent_console.api.writing import (
    Asked,
    Line,
    Moment,
    Name,
    Note,
    changed_meanwhile,
    entry,
    keep,
    not_found,
    read,
)
from agent_console.context import ConsoleContext
from agent_console.paging import Page
from agent_console.work import callers, register
from agent_console.work.hints import OLDEST
from agent_console.work.register import FIELDS, Record, RegisterFilter, StoredRecord, Version
from agent_console.work.settings import RegisterField
from backbone.dispositions import CallRegistered, Channel, DispositionOutcome, Sex
from backbone.store.schema import calls
from backbone.store.tables.guidance import call_topics

router = APIRouter(tags=["register"])

CallId = Annotated[str, Path(max_length=64)]


class RecordBody(Asked):
    """What is written down, in place of `version` (0: nothing was yet). Empty: not known."""

    version: int = Field(0, ge=0)
    age: int | None = Field(None, ge=0, le=OLDEST)
    sex: Sex = ""
    address: Line = ""
    channel: Channel = ""
    topic: Name = ""
    need: Note = ""
    outcome: DispositionOutcome = ""
    first_contact_resolved: bool | None = None
    follow_up_due: Moment | None = None


class Guess(Asked):
    """A field that was filled in beforehand, and the segment it was heard in (empty: not heard)."""

    field: RegisterField
    segment_id: str


class RegisterView(Asked):
    """A call's record as the form shows it.

    `record` holds the guesses where nobody wrote anything; `guesses` says which these are. What is
    `missing` and the `completeness` (0..1) are of the record as shown; `stored` tells whether
    anybody saved one.
    """

    call_id: str
    stored: bool
    version: int
    record: Record
    guesses: list[Guess]
    required: list[RegisterField]
    missing: list[RegisterField]
    completeness: float
    by: str
    at: float | None
    history: list[Version]


@router.get("/calls/{call_id}/register")
async def get_register(_who: Who, context: Context, call_id: CallId) -> RegisterView:
    """Read a call's record, filled in with what was heard where nobody wrote anything."""
    return await read(context, lambda c: _view(context, c, call_id))


@router.put("/calls/{call_id}/register")
async def put_register(
    who: Who, context: Context, call_id: CallId, body: RecordBody
) -> RegisterView:
    """Write a call's record; refused when somebody else wrote one since `version`.

    An incomplete one is kept too and marked so.
    """
    record = Record(**{name: getattr(body, name) for name in FIELDS})
    required = context.desk.settings.registers.required

    def seen(connection: Connection) -> tuple[str, str, str, int]:
        call = connection.execute(
            select(calls.c.queue, calls.c.agent, calls.c.caller).where(calls.c.call_id == call_id)
        ).first()
        if call is None:
            raise not_found("call")
        known = register.find(connection, call_id)
        caller_id = callers.caller_id_of(context.desk.keyring, call.caller)
        return call.queue, call.agent, caller_id, 0 if known is None else known.version

    async with context.desk.writing:
        queue, agent, caller_id, version = await read(context, seen)
        if version != body.version:
            raise changed_meanwhile("record")
        event = CallRegistered(
            at=context.clock.time(),
            call_id=call_id,
            version=version + 1,
            queue=queue,
            agent=agent or who.user.agent,
            by=who.username,
            caller_id=caller_id,
            age=record.age,
            sex=record.sex,
            address=record.address,
            channel=record.channel,
            topic=record.topic,
            need=record.need,
            outcome=record.outcome,
            first_contact_resolved=record.first_contact_resolved,
            follow_up_due=record.follow_up_due,
            complete=not register.missing(record, required),
        )
        said = f"version {event.version}"
        await keep(context, event, entry(context, who, "register", call_id, said, call_id))
    return await read(context, lambda c: _view(context, c, call_id))


@router.get("/registers")
async def list_registers(
    *,
    who: Who,
    context: Context,
    state: RegisterFilter = "all",
    topic: Annotated[str, Query(max_length=64)] = "",
    agent: Annotated[str, Query(max_length=128)] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[StoredRecord]:
    """Records, newest first."""
    return await read(
        context,
        lambda c: register.listed(
            c, who.scope, state, topic=topic, agent=agent, limit=limit, cursor=cursor
        ),
    )


def _view(context: ConsoleContext, connection: Connection, call_id: str) -> RegisterView:
    known_call = select(calls.c.call_id).where(calls.c.call_id == call_id)
    if connection.execute(known_call).first() is None:
        raise not_found("call")
    stored = register.find(connection, call_id)
    heard = context.desk.hearing.hints_of(connection, call_id).guesses()
    guesses: dict[str, object] = {name: hint.value for name, hint in heard.items()}
    topic = connection.scalar(select(call_topics.c.topic).where(call_topics.c.call_id == call_id))
    guesses |= {"channel": "phone", **({"topic": topic} if topic else {})}
    # What somebody saved is a person's word: what was left empty then was left so on purpose.
    record = stored.record if stored is not None else register.prefilled(Record(), guesses)
    required = context.desk.settings.registers.required
    return RegisterView(
        call_id=call_id,
        stored=stored is not None,
        version=0 if stored is None else stored.version,
        record=record,
        guesses=[
            Guess(field=name, segment_id=heard[name].segment_id if name in heard else "")
            for name in FIELDS
            if stored is None and name in guesses
        ],
        required=[name for name in FIELDS if name in required],
        missing=register.missing(record, required),
        completeness=register.completeness(record, required),
        by="" if stored is None else stored.by,
        at=None if stored is None else stored.at,
        history=register.history(connection, call_id),
    )
