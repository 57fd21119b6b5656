"""A past call as it looked live: its events in their order, with the time of each.

The journal has what counts, the call's tape what was shown on the way to it.
"""

from __future__ import annotations

import contextlib
import heapq
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from agent_console.events import CallTaped
from agent_console.history.tape import unpacked
from agent_console.live.wire import masked
from agent_console.reads import durable_kinds
from backbone.events import decode, kind_of
from backbone.store.schema import journal

_MOST_EVENTS = 20_000


class ReplayEvent(msgspec.Struct, frozen=True):
    """An event as a live page gets it, `offset_s` seconds after the call's first."""

    offset_s: float
    event: dict[str, Any]


def replay_of(connection: Connection, call_id: str) -> list[ReplayEvent]:
    """What happened in a call; empty when nothing is known of it."""
    query = (
        select(journal.c.seq, journal.c.kind, journal.c.payload)
        .where(
            journal.c.call_id == call_id,
            journal.c.kind.in_([*durable_kinds(), kind_of(CallTaped)]),
        )
        .order_by(journal.c.seq)
        .limit(_MOST_EVENTS)
    )
    kept: list[ReplayEvent] = []
    pieces: list[CallTaped] = []
    begin: float | None = None
    latest = 0.0
    for seq, kind, payload in connection.execute(query):
        # An event of another version that this one cannot read must not hide the rest.
        with contextlib.suppress(LookupError, ValueError):
            event = decode(kind, payload)
            if isinstance(event, CallTaped):
                pieces.append(event)
                continue
            begin = event.at if begin is None else begin
            # Their order is the journal's: one that came late is shown late.
            latest = max(latest, event.at - begin)
            shown = {"seq": seq, **msgspec.to_builtins(masked(event))}
            kept.append(ReplayEvent(round(latest, 3), shown))
    if begin is None:
        return []
    passing = [
        ReplayEvent(round(max(0.0, event["at"] - begin), 3), {"seq": 0, **event})
        for event in unpacked(pieces)
    ]
    # Of the same moment, what passes is first: a revision comes before its final.
    return list(heapq.merge(passing, kept, key=attrgetter("offset_s")))
