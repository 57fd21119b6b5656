"""Automatic scores in the store."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, select

from backbone.events import Event
from backbone.store.journal import Projection
from backbone.store.rows import replace_row
from backbone.store.tables.scoring import call_scores
from qa_engine.events import Score, ScoreItem


class StoredScore(msgspec.Struct, frozen=True, kw_only=True):
    """How a call scored, 0..100; None where nothing could be decided."""

    call_id: str
    card: str
    revision: str
    score: float | None
    failed: bool
    items: tuple[ScoreItem, ...]
    at: float


def _score(connection: Connection, _seq: int, event: Event) -> None:
    if not isinstance(event, Score):
        raise TypeError(f"not a score: {type(event).__name__}")
    replace_row(
        connection,
        call_scores,
        {
            "call_id": event.call_id,
            "queue": event.queue,
            "agent": event.agent,
            "card": event.card,
            "revision": event.revision,
            "score": event.score,
            "failed": any(item.critical and item.answer == "no" for item in event.items),
            "items": msgspec.json.encode(event.items).decode(),
            "at": event.at,
        },
    )


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {Score: (_score,)}


def scores_of(connection: Connection, call_ids: Iterable[str]) -> dict[str, StoredScore]:
    """The scores of some calls; a call that has none is left out."""
    names = StoredScore.__struct_fields__
    query = select(*(call_scores.c[name] for name in names)).where(
        call_scores.c.call_id.in_(list(call_ids))
    )
    found = {}
    for row in connection.execute(query):
        values = dict(zip(names, row, strict=True))
        values["items"] = msgspec.json.decode(values["items"], type=tuple[ScoreItem, ...])
        found[values["call_id"]] = StoredScore(**values)
    return found
