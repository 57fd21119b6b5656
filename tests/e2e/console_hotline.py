"""A console on top of our telephony beside the lab's Asterisk: what its pages show is real."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from console_world import PROJECTIONS, World
from e2e.telephony_rig import Rig, telephony

from backbone.counters import Counters
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal
from telephony.settings import PbxSettings


@contextlib.asynccontextmanager
async def hotline(settings: PbxSettings, folder: Path) -> AsyncIterator[tuple[World, Rig]]:
    """The telephony on a store, and the same bus and store for a console.

    The world goes on when the rig is stopped, so that what has been can be looked at.
    """
    engine = open_engine(sqlite_url(folder / "console.sqlite3"))
    journal = StoreJournal(engine, Counters(), PROJECTIONS)
    journal.start()
    try:
        async with telephony(settings, journal=journal) as rig:
            yield World(engine, rig.bus, rig.clock, rig.counters), rig
    finally:
        await journal.close()
        engine.dispose()
