"""The full-text index of transcripts: which calls hold some words, newest first.

A call comes into it when it has ended, one entry for the whole call; a final transcript that comes
later is added. On SQLite the index is an FTS5 table of `backbone.store.bigrams` without contents
of its own: what it held of a call can be made again from `segments`. Another database has no such
table, and its transcripts are searched one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Select,
    TextClause,
    column,
    delete,
    exists,
    func,
    insert,
    select,
    table,
    text,
    update,
)

from asr.events import TranscriptFinal
from backbone.events import Event
from backbone.store.bigrams import fts5_query, indexed
from backbone.store.journal import Projection
from backbone.store.schema import calls, segments
from backbone.store.tables.search import call_texts
from telephony.events import CallEnded

_CREATE = text(
    "CREATE VIRTUAL TABLE IF NOT EXISTS transcripts_fts USING fts5(words, content='', detail=full)"
)
_INSERT = text("INSERT INTO transcripts_fts(rowid, words) VALUES (:number, :words)")
_DELETE = text(
    "INSERT INTO transcripts_fts(transcripts_fts, rowid, words) VALUES ('delete', :number, :words)"
)
_INDEX = table("transcripts_fts", column("rowid", Integer))
_MATCH = text("transcripts_fts MATCH :words")
_AS_SAID = (segments.c.start, segments.c.segment_id)


def holding(
    connection: Connection, query: Select[Any], words: str, before: int | None
) -> Select[Any] | None:
    """The calls in which all the words were said, the newest first.

    SQLite reads the index backwards and looks each call up as it comes, so that a page of a common
    word costs a page; what no call fits costs one pass over the calls with the words.

    Args:
        connection: to read with.
        query: over `calls` joined to `call_texts`.
        words: what somebody looks for.
        before: only calls whose number is lower; None for all.

    Returns:
        The narrowed query; None where nothing can be found.
    """
    if connection.dialect.name == "sqlite":
        expression = fts5_query(words)
        if not expression:
            return None
        connection.execute(_CREATE)
        query = query.join(_INDEX, _INDEX.c.rowid == call_texts.c.number)
        query = query.where(_MATCH.bindparams(words=expression))
        number: ColumnElement[int] = _INDEX.c.rowid
    else:
        said = [
            exists().where(
                segments.c.call_id == call_texts.c.call_id,
                func.lower(segments.c.text).contains(word.lower(), autoescape=True),
            )
            for word in words.split()
        ]
        if not said:
            return None
        query = query.where(*said)
        number = call_texts.c.number
    if before is not None:
        query = query.where(number < before)
    return query.order_by(number.desc())


def index_missing(engine: Engine, batch: int = 500) -> int:
    """Take in ended calls that the index lacks, as those of an earlier version; tells how many."""
    total = 0
    while True:
        with engine.begin() as connection:
            lacking = (
                select(calls.c.call_id)
                .where(
                    calls.c.ended_at.is_not(None),
                    exists().where(segments.c.call_id == calls.c.call_id),
                    ~exists().where(call_texts.c.call_id == calls.c.call_id),
                )
                .order_by(calls.c.ended_at)
                .limit(batch)
            )
            found = connection.scalars(lacking).all()
            add_calls(connection, found)
        total += len(found)
        if len(found) < batch:
            return total


def add_call(connection: Connection, call_id: str) -> None:
    """Take an ended call in, unless it is there."""
    add_calls(connection, [call_id])


def add_calls(connection: Connection, call_ids: Sequence[str]) -> int:
    """Take ended calls in, in this order, those left out that are there; returns how many came."""
    there = select(call_texts.c.call_id).where(call_texts.c.call_id.in_(call_ids))
    known = set(connection.scalars(there))
    said: dict[str, list[str]] = {name: [] for name in call_ids if name not in known}
    if not said:
        return 0
    of_these = segments.c.call_id.in_(said)
    query = select(segments.c.call_id, segments.c.text).where(of_these).order_by(*_AS_SAID)
    for call_id, line in connection.execute(query):
        said[call_id].append(line)
    connection.execute(
        insert(call_texts),
        [{"call_id": call_id, "segments": len(lines)} for call_id, lines in said.items()],
    )
    given = connection.execute(
        select(call_texts.c.number, call_texts.c.call_id).where(call_texts.c.call_id.in_(said))
    )
    _write(connection, _INSERT, [(number, said[call_id]) for number, call_id in given])
    return len(said)


def remove_call(connection: Connection, call_id: str) -> None:
    """Take a call out, before its segments are deleted."""
    entry = _entry(connection, call_id)
    if entry is None:
        return
    number, _ = entry
    _write(connection, _DELETE, [(number, [line for _, line in _said(connection, call_id)])])
    connection.execute(delete(call_texts).where(call_texts.c.number == number))


def _add_segment(connection: Connection, call_id: str, segment_id: str) -> None:
    entry = _entry(connection, call_id)
    if entry is None:
        return  # the call has not ended
    number, known = entry
    said = _said(connection, call_id)
    if len(said) == known:
        return  # heard of before
    before = [line for segment, line in said if segment != segment_id]
    _write(connection, _DELETE, [(number, before)])
    _write(connection, _INSERT, [(number, [line for _, line in said])])
    connection.execute(
        update(call_texts).where(call_texts.c.number == number).values(segments=len(said))
    )


def _entry(connection: Connection, call_id: str) -> tuple[int, int] | None:
    row = connection.execute(select(call_texts).where(call_texts.c.call_id == call_id)).first()
    return None if row is None else (row.number, row.segments)


def _said(connection: Connection, call_id: str) -> list[tuple[str, str]]:
    query = (
        select(segments.c.segment_id, segments.c.text)
        .where(segments.c.call_id == call_id)
        .order_by(*_AS_SAID)
    )
    return [(row.segment_id, row.text) for row in connection.execute(query)]


def _write(
    connection: Connection, statement: TextClause, texts: Sequence[tuple[int, Sequence[str]]]
) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(_CREATE)
        rows = [{"number": number, "words": indexed("\n".join(said))} for number, said in texts]
        connection.execute(statement, rows)


def _call_ended(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, CallEnded)  # noqa: S101 - the table below pairs them
    add_call(connection, event.call_id)


def _final(connection: Connection, _seq: int, event: Event) -> None:
    assert isinstance(event, TranscriptFinal)  # noqa: S101 - the table below pairs them
    _add_segment(connection, event.call_id, event.segment_id)


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {
    CallEnded: (_call_ended,),
    TranscriptFinal: (_final,),
}
"""What the journal keeps of the index; these run after those that write `segments`."""
