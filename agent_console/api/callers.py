"""Who calls: what pops up while the phone rings, and what is written on the caller's card."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field
from sqlalchemy import Connection

from agent_console.access import Context, Who, call_in_scope
from agent_console.api.writing import (
    Asked,
    Name,
    Note,
    Tags,
    changed_meanwhile,
    entry,
    keep,
    not_found,
    read,
    write,
)
from agent_console.privacy import mask_name, mask_number
from agent_console.work import callers
from agent_console.work.callers import Caller, Card

router = APIRouter(tags=["callers"])

CallId = Annotated[str, Path(max_length=64)]


class CardBody(Asked):
    """What is known of a caller, in place of `version` (0: there is no card yet).

    `call_id` is the call it is written from: it shows that the caller is one's own.
    """

    call_id: str = Field(max_length=64)
    version: int = Field(0, ge=0)
    name: Name = ""
    tags: Tags = ()
    note: Note = ""


@router.get("/calls/{call_id}/caller")
async def get_caller(_who: Who, context: Context, call_id: CallId) -> Caller:
    """Tell who is calling; the number and the PBX's name are masked, as everywhere."""
    keyring = context.desk.keyring
    found = await read(context, lambda c: callers.find(c, keyring, call_id))
    if found is None:
        raise not_found("call")
    return found.masked(mask_number(found.number), mask_name(found.name))


@router.put("/callers/{caller_id}/card")
async def put_card(
    who: Who,
    context: Context,
    caller_id: Annotated[str, Path(max_length=64)],
    body: CardBody,
) -> Card:
    """Write a caller's card; refused when somebody else wrote it since `version`."""
    card = Card(
        name=body.name,
        tags=tuple(dict.fromkeys(body.tags)),
        note=body.note,
        version=body.version + 1,
        by=who.username,
        at=context.clock.time(),
    )

    def put(connection: Connection) -> bool:
        number = callers.number_of(connection, body.call_id)
        known = number is not None and call_in_scope(connection, who.scope, body.call_id)
        owner = callers.caller_id_of(context.desk.keyring, number or "")
        if not known or not owner or owner != caller_id:
            raise not_found("caller of this call")
        if callers.card_of(connection, caller_id).version != body.version:
            return False
        callers.write_card(connection, caller_id, card)
        return True

    async with context.desk.writing:
        if not await write(context, put):
            raise changed_meanwhile("card")
    said = f"version {card.version}"
    await keep(context, entry(context, who, "caller_card", caller_id, said, body.call_id))
    return card
