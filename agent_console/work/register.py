"""The register: what an agent writes down of each call. Versions are kept.

The functions that read take a Connection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import get_args

import msgspec
from sqlalchemy import Connection, RowMapping, select

from agent_console.work.rows import from_row
from agent_console.work.settings import RegisterField
from backbone.dispositions import CallRegistered, Channel, DispositionOutcome, Sex
from backbone.events import Event
from backbone.store.journal import Projection
from backbone.store.rows import replace_row
from backbone.store.tables.work import register_versions, registers

FIELDS: tuple[RegisterField, ...] = get_args(RegisterField)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is written down. Empty texts and None stand for what is not known.

    `follow_up_due` is in seconds since the epoch.
    """

    age: int | None = None
    sex: Sex = ""
    address: str = ""
    channel: Channel = ""
    topic: str = ""
    need: str = ""
    outcome: DispositionOutcome = ""
    first_contact_resolved: bool | None = None
    follow_up_due: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record with who wrote it; `first_at` is when its first version was."""

    call_id: str
    version: int
    queue: str
    agent: str
    caller_id: str
    record: Record
    complete: bool
    by: str
    at: float
    first_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The record as it once was."""

    version: int
    record: Record
    by: str
    at: float


def missing(record: Record, required: Collection[RegisterField]) -> list[RegisterField]:
    """What is required and not there, in the order of the form.

    A time for the follow-up is due where the outcome asks for one, whatever is required.
    """
    due = set(required) - {"follow_up_due"}
    if record.outcome == "follow_up":
        due.add("follow_up_due")
    return [name for name in FIELDS if name in due and getattr(record, name) in {None, ""}]


def completeness(record: Record, required: Collection[RegisterField]) -> float:
    """The share of what is required that is there, 0..1; 1 when nothing is."""
    due = len(set(required) - {"follow_up_due"}) + (record.outcome == "follow_up")
    return 1.0 - len(missing(record, required)) / due if due else 1.0


def prefilled(record: Record, guesses: Mapping[str, object]) -> Record:
    """The record with guesses in the fields that are empty."""
    filled: dict[str, object] = {
        name: value
        for name, value in guesses.items()
        if name in FIELDS and getattr(record, name) in {None, ""}
    }
    values: dict[str, object] = {**asdict(record), **filled}
    return msgspec.convert(values, Record)


def find(connection: Connection, call_id: str) -> StoredRecord | None:
    """A call's record as it is now."""
    row = connection.execute(select(registers).where(registers.c.call_id == call_id)).mappings()
    found = row.first()
    return None if found is None else stored(found)


def history(connection: Connection, call_id: str) -> list[Version]:
    """All versions of a call's record, oldest first."""
    query = (
        select(register_versions)
        .where(register_versions.c.call_id == call_id)
        .order_by(register_versions.c.version)
    )
    return [
        Version(
            version=row.version,
            record=msgspec.json.decode(row.record, type=Record),
            by=row.by,
            at=row.at,
        )
        for row in connection.execute(query)
    ]


def last_of_caller(connection: Connection, caller_id: str, but: str) -> StoredRecord | None:
    """The newest record of a caller, of another call than `but`."""
    query = (
        select(registers)
        .where(registers.c.caller_id == caller_id, registers.c.call_id != but)
        .order_by(registers.c.first_at.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else stored(row)


def stored(row: RowMapping) -> StoredRecord:
    """A row of the table as a record."""
    return from_row(StoredRecord, row, record=from_row(Record, row))


def _registered(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, CallRegistered)  # noqa: S101 - the table below pairs them
    record = Record(**{name: getattr(event, name) for name in FIELDS})
    replace_row(
        connection,
        register_versions,
        {
            "call_id": event.call_id,
            "version": event.version,
            "record": msgspec.json.encode(record).decode(),
            "by": event.by,
            "at": event.at,
        },
    )
    known = connection.execute(
        select(registers.c.version, registers.c.first_at).where(
            registers.c.call_id == event.call_id
        )
    ).first()
    if known is not None and known.version > event.version:
        return
    row = {column.name: getattr(event, column.name, None) for column in registers.columns}
    row["first_at"] = event.at if known is None else known.first_at
    replace_row(connection, registers, row)


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {CallRegistered: (_registered,)}
"""What the journal writes into our tables."""
