"""A node: the components of the settings, on one bus and one store, in one task group."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

import agent_console.history.index
import agent_console.work.storage
import asr.storage
import backbone.audit
import qa_engine.guidance_storage
import qa_engine.score_storage
import qa_engine.storage
import qa_engine.versions
import telephony.recording.storage
import telephony.storage
from agent_console.server import ConsoleServer
from asr.recognisers.base import Recogniser
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.errors import UserError
from backbone.events import Event
from backbone.lifecycle import NodeStarted
from backbone.store.engine import open_engine
from backbone.store.journal import Projection, StoreJournal
from backbone.store.projections import merged
from qa_engine.privacy import redact
from tingzhen.components import Components, left_behind
from tingzhen.settings import Settings

_log = structlog.get_logger(__name__)

PROJECTIONS: Mapping[type[Event], Sequence[Projection]] = merged(
    telephony.storage.PROJECTIONS,
    telephony.recording.storage.PROJECTIONS,
    asr.storage.PROJECTIONS,
    qa_engine.storage.PROJECTIONS,
    qa_engine.versions.PROJECTIONS,
    qa_engine.guidance_storage.PROJECTIONS,
    qa_engine.score_storage.PROJECTIONS,
    backbone.audit.PROJECTIONS,
    agent_console.work.storage.PROJECTIONS,
    agent_console.history.index.PROJECTIONS,
)


@dataclass(frozen=True)
class Node:
    """What runs; `console` is None where this node has none."""

    settings: Settings
    clock: Clock
    counters: Counters
    bus: Bus
    engine: Engine
    console: ConsoleServer | None


@contextlib.asynccontextmanager
async def running_node(
    settings: Settings, clock: Clock, recogniser: Recogniser | None
) -> AsyncIterator[Node]:
    """Start the components; stop them, and write what is left, on the way out.

    Args:
        settings: of the node.
        clock: the node's time.
        recogniser: a loaded one; needed when `asr` is among the components.

    Raises:
        UserError: the store cannot be opened, or the console's port is taken.
    """
    counters = Counters()
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        engine = await asyncio.to_thread(open_engine, settings.store_url)
    except (OSError, SQLAlchemyError) as error:
        reason = getattr(error, "orig", None) or error
        raise UserError(
            f"cannot open the store {settings.store_url.render_as_string()}: {reason}"
        ) from error
    journal = StoreJournal(
        engine, counters, PROJECTIONS, redact if settings.qa.mask_stored else None
    )
    bus = Bus(counters, journal)
    journal.start()
    try:
        await bus.start()
        await bus.publish(
            NodeStarted(
                at=clock.time(), version=version("tingzhen"), components=settings.components
            )
        )
        left = await asyncio.to_thread(left_behind, settings, engine, clock.time())
        for leg in left.legs:
            await bus.publish(telephony.storage.orphan_closed(leg, clock.time()))
        async with asyncio.TaskGroup() as tasks:
            components = Components(
                settings, clock, counters, bus, engine, left=left, recogniser=recogniser
            )
            runners = components.make()
            running = [
                tasks.create_task(run, name=name)  # a component that fails stops the node
                for name, run in runners.items()
            ]
            console = components.console
            if console is not None:
                await console.started.wait()
            _log.info("node_started", components=sorted(runners))
            try:
                yield Node(settings, clock, counters, bus, engine, console)
            finally:
                for task in running:
                    task.cancel()
    finally:
        await journal.close()
        engine.dispose()
