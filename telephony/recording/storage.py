"""Recordings in the database: how events are written down, and how they are read again."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select, update

from backbone.events import Event
from backbone.media import Role
from backbone.store.journal import Projection
from backbone.store.rows import replace_row
from backbone.store.tables.recordings import recordings
from telephony.recording.events import RecordingExpired, RecordingStored


class StoredRecording(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `recordings`; see `RecordingStored`.

    There is a file while `path` is set and `expired_at` is None.
    """

    leg_id: str
    call_id: str
    role: Role
    path: str
    rate: int
    offset_s: float
    samples: int
    size: int
    complete: bool
    reason: str
    stored_at: float
    expired_at: float | None

    @property
    def kept(self) -> bool:
        """Whether there is a file to be played."""
        return bool(self.path) and self.expired_at is None

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples / self.rate if self.rate else 0.0


def _stored(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, RecordingStored)  # noqa: S101 - the journal calls by class
    values = msgspec.structs.asdict(event)
    values["stored_at"] = values.pop("at")
    replace_row(connection, recordings, values)


def _expired(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, RecordingExpired)  # noqa: S101 - as above
    connection.execute(
        update(recordings).where(recordings.c.leg_id == event.leg_id).values(expired_at=event.at)
    )


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {
    RecordingStored: (_stored,),
    RecordingExpired: (_expired,),
}
"""What the journal writes into our table; every one may see an event twice."""


def recordings_of(connection: Connection, call_id: str) -> list[StoredRecording]:
    """A call's recordings on the call's clock, the customer's and the agent's legs together."""
    query = (
        select(recordings)
        .where(recordings.c.call_id == call_id)
        .order_by(recordings.c.offset_s, recordings.c.role)
    )
    return [StoredRecording(**row) for row in connection.execute(query).mappings()]


def kept_since_before(
    connection: Connection, before: float, limit: int = 1000
) -> list[StoredRecording]:
    """Recordings with a file that were stored before a time, oldest first."""
    table = recordings.c
    query = (
        select(recordings)
        .where(table.expired_at.is_(None), table.path != "", table.stored_at < before)
        .order_by(table.stored_at)
        .limit(limit)
    )
    return [StoredRecording(**row) for row in connection.execute(query).mappings()]
