"""Final transcripts in the store."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from asr.events import TranscriptFinal
from backbone.events import Event
from backbone.media import Role
from backbone.store.journal import Projection
from backbone.store.rows import replace_row
from backbone.store.schema import segments


class SegmentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One stored segment of a call; fields as in `TranscriptFinal`."""

    segment_id: str
    call_id: str
    leg_id: str
    role: Role
    start: float
    end: float
    text: str
    language: str
    confidence: float
    level_db: float
    unintelligible: bool
    at: float


def _store_final(connection: Connection, _seq: int, event: Event) -> None:
    if not isinstance(event, TranscriptFinal):
        raise TypeError(f"not a final transcript: {type(event).__name__}")
    values = {name: getattr(event, name) for name in SegmentRecord.__struct_fields__}
    replace_row(connection, segments, values)


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {TranscriptFinal: (_store_final,)}


def segments_of(connection: Connection, call_id: str) -> list[SegmentRecord]:
    """The finals of a call in the order they were spoken."""
    columns = [segments.c[name] for name in SegmentRecord.__struct_fields__]
    rows = connection.execute(
        select(*columns)
        .where(segments.c.call_id == call_id)
        .order_by(segments.c.start, segments.c.role)
    )
    return [SegmentRecord(**row._mapping) for row in rows]  # noqa: SLF001 - public in SQLAlchemy
