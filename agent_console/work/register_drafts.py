"""What somebody has typed into a call's form and not saved. Functions take a Connection.

A draft is the writer's own, holds the fields that were touched only, and goes when the record is
saved. It is no version: the audit chain and the figures know nothing of it. Each time it is kept it
gets another revision, so that two windows of one writer do not overwrite each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, select

from agent_console.work.register import Record
from backbone.ids import new_id
from backbone.store.rows import replace_row
from backbone.store.tables.work import register_drafts


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Typed over `version` of the record; `fields` names what was touched, `record` holds it."""

    revision: str
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
    return Draft(
        revision=row.revision,
        version=row.version,
        fields=list(values),
        record=record,
        at=row.at,
    )


def revision_of(connection: Connection, call_id: str, username: str) -> str:
    """Which draft a user has of a call's record; empty: none."""
    query = select(register_drafts.c.revision).where(*_key(call_id, username))
    return connection.scalar(query) or ""


def put(  # noqa: PLR0917 - a row's columns
    connection: Connection,
    call_id: str,
    username: str,
    version: int,
    values: Mapping[str, object],
    at: float,
) -> str:
    """Keep a draft in place of the one before it and tell its revision; without values none."""
    if not values:
        connection.execute(delete(register_drafts).where(*_key(call_id, username)))
        return ""
    row = {"call_id": call_id, "username": username, "version": version, "at": at}
    row |= {"revision": new_id(), "fields": msgspec.json.encode(values).decode()}
    replace_row(connection, register_drafts, row)
    return str(row["revision"])


def drop(connection: Connection, call_id: str, username: str, revision: str) -> None:
    """Forget a draft that was saved; one that another window has kept since stays."""
    same = register_drafts.c.revision == revision
    connection.execute(delete(register_drafts).where(*_key(call_id, username), same))


def _key(call_id: str, username: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return register_drafts.c.call_id == call_id, register_drafts.c.username == username
