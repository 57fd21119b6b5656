"""Keeps the hints of the calls that were heard lately: guesses only, never what was said."""

from __future__ import annotations

from collections import OrderedDict
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from agent_console.work import hints
from agent_console.work.hints import Hints
from asr.events import TranscriptFinal
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.store.schema import segments

MOST_CALLS = 2000


class Hearing:
    """The component. Of a call that it did not hear, `hints_of` asks the store.

    The store may hold places and numbers covered, so that it tells less.
    """

    def __init__(self, zone: ZoneInfo, bus: Bus, clock: Clock) -> None:
        self._zone = zone
        self._bus = bus
        self._clock = clock
        self._calls: OrderedDict[str, Hints] = OrderedDict()

    async def run(self) -> None:
        """Listen until cancelled."""
        events = self._bus.subscribe("register_hints", TranscriptFinal)
        try:
            async for envelope in events:
                event = envelope.event
                if isinstance(event, TranscriptFinal):
                    self.heard(event)
        finally:
            events.close()

    def heard(self, event: TranscriptFinal) -> None:
        """Take in one final transcript."""
        known = self._calls.get(event.call_id)
        if known is None:
            known = self._calls[event.call_id] = hints.begin(event.at, self._zone)
            if len(self._calls) > MOST_CALLS:
                self._calls.popitem(last=False)
        known.heard(event.role, event.text, event.segment_id)

    def hints_of(self, connection: Connection, call_id: str) -> Hints:
        """The hints of a call; none for one of which nothing was heard."""
        known = self._calls.get(call_id)
        if known is not None:
            return known
        query = select(segments).where(segments.c.call_id == call_id).order_by(segments.c.end)
        rows = connection.execute(query).all()
        found = hints.begin(rows[0].at if rows else self._clock.time(), self._zone)
        for row in rows:
            found.heard(row.role, row.text, row.segment_id)
        return found
