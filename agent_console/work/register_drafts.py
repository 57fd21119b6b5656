"""What somebody has typed into a call's form and not saved. Functions take a Connection.

A draft is the writer's own, holds the fields that were touched only, and goes when the record is
saved. It is no version: the audit chain and the figures know nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, select

from agent_console.work.register import Record
from backbone.store.rows import replace_row
from backbone.store.tables.work import register_drafts


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Typed over `version` of the record; `fields` names what was touched, `record` holds it."""

    version: int
    fields: list[str]
    record: Record
    at: float


def find(connection: Connection, call_id: str, username: str) -> Draft | None:
    """A user's draft of a call's record."""
    row = connection.execute(select(register_drafts).where(*_key(call_id, username))).first()
    if row is None:
        return None
    values = msgspec.json.decode(row.fields, type=dict[str, object])
    record = msgspec.convert(values, Record)
    return Draft(version=row.version, fields=list(values), record=record, at=row.at)


def put(  # noqa: PLR0917 - a row's columns
    connection: Connection,
    call_id: str,
    username: str,
    version: int,
    values: Mapping[str, object],
    at: float,
) -> None:
    """Keep a draft in place of the one before it; without values none is kept."""
    if not values:
        drop(connection, call_id, username)
        return
    row = {"call_id": call_id, "username": username, "version": version, "at": at}
    fields = msgspec.json.encode(values).decode()
    replace_row(connection, register_drafts, {**row, "fields": fields})


def drop(connection: Connection, call_id: str, username: str) -> None:
    """Forget a draft: it was saved, or taken back."""
    connection.execute(delete(register_drafts).where(*_key(call_id, username)))


def _key(call_id: str, username: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return register_drafts.c.call_id == call_id, register_drafts.c.username == username
