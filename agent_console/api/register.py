"""The register: what an agent writes down of each call, prefilled from what was heard."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field
from sqlalchemy import Connection, select

from agent_console.access import Context, Who
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
    write,
)
from agent_console.context import ConsoleContext
from agent_console.viewer import Viewer
from agent_console.work import callers, register, register_drafts
from agent_console.work.hints import OLDEST
from agent_console.work.register import FIELDS, Record, Version
from agent_console.work.register_drafts import Draft
from agent_console.work.settings import RegisterField
from backbone.dispositions import CallRegistered, Channel, DispositionOutcome, Sex
from backbone.store.schema import calls, segments
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


class SavedBody(RecordBody):
    """A record with the revision of the draft that it was made of: that one is forgotten."""

    draft: str = Field("", max_length=36)


class DraftBody(RecordBody):
    """The fields that were touched, in place of the draft with this revision; empty: the first."""

    revision: str = Field("", max_length=36)


class DraftKept(Asked):
    """Names the draft as it is kept now; empty: none is."""

    revision: str


class Guess(Asked):
    """A field that was filled in beforehand, and the segment it was heard in (empty: not heard).

    `start` is when that segment begins on the call's clock, in seconds.
    """

    field: RegisterField
    segment_id: str
    start: float | None


class RegisterView(Asked):
    """A call's record as the form shows it.

    `record` holds the guesses where nobody wrote anything; `guesses` says which these are. What is
    `missing` and the `completeness` (0..1) are of the record as shown; `stored` tells whether
    anybody saved one. `draft` is what the one who asks has typed and not saved.
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
    draft: Draft | None


@router.get("/calls/{call_id}/register")
async def get_register(who: Who, context: Context, call_id: CallId) -> RegisterView:
    """Read a call's record, filled in with what was heard where nobody wrote anything."""
    return await read(context, lambda c: _view(context, c, who, call_id))


@router.put("/calls/{call_id}/register/draft")
async def put_draft(who: Who, context: Context, call_id: CallId, body: DraftBody) -> DraftKept:
    """Keep what one has typed so far: the fields that are given, and no others.

    None given takes the draft back. Saving the record does too. Refused when another window of the
    same user has kept one since `revision`.
    """
    values = body.model_dump(mode="json", exclude_unset=True, exclude={"version", "revision"})

    def put(connection: Connection) -> str:
        _check_call(connection, call_id)
        if register_drafts.revision_of(connection, call_id, who.username) != body.revision:
            raise changed_meanwhile("draft")
        now = context.clock.time()
        return register_drafts.put(connection, call_id, who.username, body.version, values, now)

    async with context.desk.writing:
        return DraftKept(revision=await write(context, put))


@router.put("/calls/{call_id}/register")
async def put_register(
    who: Who, context: Context, call_id: CallId, body: SavedBody
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
        await write(context, lambda c: register_drafts.drop(c, call_id, who.username, body.draft))
    return await read(context, lambda c: _view(context, c, who, call_id))


def _check_call(connection: Connection, call_id: str) -> None:
    known = select(calls.c.call_id).where(calls.c.call_id == call_id)
    if connection.execute(known).first() is None:
        raise not_found("call")


def _starts(connection: Connection, segment_ids: list[str]) -> dict[str, float]:
    query = select(segments.c.segment_id, segments.c.start)
    found = connection.execute(query.where(segments.c.segment_id.in_(segment_ids)))
    return {row.segment_id: row.start for row in found}


def _view(
    context: ConsoleContext, connection: Connection, who: Viewer, call_id: str
) -> RegisterView:
    _check_call(connection, call_id)
    stored = register.find(connection, call_id)
    heard = context.desk.hearing.hints_of(connection, call_id).guesses()
    guesses: dict[str, object] = {name: hint.value for name, hint in heard.items()}
    topic = connection.scalar(select(call_topics.c.topic).where(call_topics.c.call_id == call_id))
    guesses |= {"channel": "phone", **({"topic": topic} if topic else {})}
    # What somebody saved is a person's word: what was left empty then was left so on purpose.
    record = stored.record if stored is not None else register.prefilled(Record(), guesses)
    required = context.desk.settings.registers.required
    where: dict[str, str] = (
        {name: hint.segment_id for name, hint in heard.items()} if stored is None else {}
    )
    starts = _starts(connection, list(where.values()))
    return RegisterView(
        call_id=call_id,
        stored=stored is not None,
        version=0 if stored is None else stored.version,
        record=record,
        guesses=[
            Guess(field=name, segment_id=segment, start=starts.get(segment))
            for name in FIELDS
            if stored is None and name in guesses
            for segment in [where.get(name, "")]
        ],
        required=[name for name in FIELDS if name in required],
        missing=register.missing(record, required),
        completeness=register.completeness(record, required),
        by="" if stored is None else stored.by,
        at=None if stored is None else stored.at,
        history=register.history(connection, call_id),
        draft=register_drafts.find(connection, call_id, who.username),
    )
