"""A node: the components of the settings, on one bus and one store, in one task group."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import structlog
from prometheus_client import CollectorRegistry
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
from agent_console.site import Site
from agent_console.work.desk import Desk
from agent_console.work.service import WorkService
from asr.recognisers.base import Recogniser
from asr.service import Transcriber
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.errors import UserError
from backbone.events import Event
from backbone.lifecycle import NodeStarted
from backbone.store.engine import open_engine
from backbone.store.journal import Projection, StoreJournal
from backbone.store.projections import merged
from metrics.alertmanager import AlertHook
from metrics.exposition import MetricsApp
from metrics.host import HostCollector
from metrics.projector import MetricsProjector
from metrics.store import SqlMetricsStore
from qa_engine.escalation import EscalationTimer
from qa_engine.guidance.service import GuidanceService
from qa_engine.privacy import redact
from qa_engine.service import QaService
from telephony.calls.visit import OpenCall
from telephony.control.service import Control
from telephony.link import PbxLink
from telephony.reconcile_job import ReconcileJob
from telephony.recording.recorder import Recorder
from telephony.settings import PbxSettings
from telephony.storage import StoredLeg
from telephony.taps.service import TapService
from telephony.taps.transport import leg_server
from tingzhen.extras import need_report
from tingzhen.settings import Settings

_LONGEST_CALL_S = 86_400.0
"""A channel older than this is not expected to come back into a queue."""

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
        left = await asyncio.to_thread(_left_behind, settings, engine, clock.time())
        for leg in left.legs:
            await bus.publish(telephony.storage.orphan_closed(leg, clock.time()))
        async with asyncio.TaskGroup() as tasks:
            node, runners = _build(settings, clock, recogniser, counters, bus, engine, left)
            running = [
                tasks.create_task(run, name=name)  # a component that fails stops the node
                for name, run in runners.items()
            ]
            if node.console is not None:
                await node.console.started.wait()
            _log.info("node_started", components=sorted(runners))
            try:
                yield node
            finally:
                for task in running:
                    task.cancel()
    finally:
        await journal.close()
        engine.dispose()


def _reports(settings: Settings, clock: Clock, counters: Counters) -> Coroutine[Any, Any, None]:
    need_report()
    from metrics.reports.job import ReportJob  # noqa: PLC0415 - needs the extra

    job = ReportJob(
        settings.reports,
        settings.metrics,
        settings.store_url,
        settings.reports_dir,
        clock=clock,
        counters=counters,
    )
    return job.run()


@dataclass(frozen=True)
class LeftBehind:
    """What an earlier run did not see the end of."""

    calls: list[OpenCall]
    legs: list[StoredLeg]
    visits: Mapping[str, Mapping[str, int]]
    """Per PBX, the highest finished visit of each recent channel."""


def _left_behind(settings: Settings, engine: Engine, now: float) -> LeftBehind:
    systems = [pbx.system for pbx in settings.pbx]
    with engine.connect() as connection:
        return LeftBehind(
            calls=telephony.storage.open_calls(connection),
            legs=telephony.storage.open_legs(connection),
            visits={
                system: telephony.storage.visit_numbers(connection, system, now - _LONGEST_CALL_S)
                for system in systems
            },
        )


async def _listen_to(
    settings: PbxSettings,
    bus: Bus,
    clock: Clock,
    counters: Counters,
    *,
    engine: Engine,
    left: LeftBehind,
    control: Control,
) -> None:
    """Everything that one PBX needs, until cancelled."""
    link = PbxLink(settings, bus, clock, counters)
    control.attach(link, settings.control)
    link.restore(left.calls, left.visits.get(settings.system))
    link.restore_missed(await asyncio.to_thread(_missed_rings, engine, settings, clock.time()))
    async with asyncio.TaskGroup() as tasks:
        if settings.reconcile.queue_log is not None:
            job = ReconcileJob(
                settings.reconcile,
                settings.system,
                engine,
                bus=bus,
                clock=clock,
                counters=counters,
            )
            tasks.create_task(job.run(), name="reconcile")
        if settings.taps != "off":
            audio = leg_server(settings, bus, clock, counters)
            taps = TapService(settings, bus, clock, counters, audio, pbx=link)
            taps.restore(left.calls)
            tasks.create_task(audio.run(), name="legs")
            tasks.create_task(taps.run(), name="taps")
        tasks.create_task(link.run(), name="ami")


def _missed_rings(engine: Engine, settings: PbxSettings, now: float) -> list[tuple[str, float]]:
    with engine.connect() as connection:
        since = now - settings.missed_rings_days * 86_400
        return telephony.storage.missed_rings(connection, settings.system, since)


def _build(  # noqa: C901, PLR0917 - a branch for each component, the parts of a node
    settings: Settings,
    clock: Clock,
    recogniser: Recogniser | None,
    counters: Counters,
    bus: Bus,
    engine: Engine,
    left: LeftBehind,
) -> tuple[Node, dict[str, Coroutine[Any, Any, None]]]:
    """Make the components, listeners before those they listen to."""
    runners: dict[str, Coroutine[Any, Any, None]] = {}
    registry = CollectorRegistry()
    console = None
    control = Control(bus, clock, counters)
    qa = None
    if "qa" in settings.components:
        qa = QaService(settings.qa, bus, clock, counters, engine=engine)
    if "metrics" in settings.components:
        registry.register(HostCollector(settings.data_dir, settings.metrics.certificates))
        runners["metrics"] = MetricsProjector(
            settings.metrics,
            bus,
            counters,
            clock,
            registry,
            store=SqlMetricsStore(engine, settings.metrics),
            alert_kinds=qa.alert_kinds() if qa else (),
        ).run()
    if settings.reports.kinds and "metrics" in settings.components:
        runners["reports"] = _reports(settings, clock, counters)
    if "console" in settings.components:
        desk = Desk.build(
            settings.work,
            bus,
            clock,
            key_file=settings.data_dir / "console.key",
            rules=settings.qa.rules,
        )
        runners["work"] = WorkService(desk, bus, clock, counters, engine).run()
        console = ConsoleServer(
            settings.console,
            bus,
            clock,
            counters,
            engine,
            metrics_app=(
                MetricsApp(settings.metrics, registry, AlertHook(bus, clock))
                if "metrics" in settings.components
                else None
            ),
            control=control,
            desk=desk,
            site=Site(
                metrics=settings.metrics,
                escalation=settings.qa.escalation,
                recordings=settings.recordings_dir if settings.recording.enabled else None,
                reports=settings.reports_dir,
                pack=lambda: qa.pack if qa is not None else None,
            ),
        )
        runners["console"] = console.run()
    if qa is not None:
        runners["qa"] = qa.run()
        if settings.qa.escalation.enabled:
            timer = EscalationTimer(settings.qa.escalation, bus, clock, counters, engine=engine)
            runners["escalation"] = timer.run()
        if settings.qa.guidance:
            guidance = GuidanceService(settings.qa, bus, clock, counters, engine)
            runners["guidance"] = guidance.run()
    if "asr" in settings.components:
        if recogniser is None:
            raise ValueError("the asr component needs a recogniser")
        runners["asr"] = Transcriber(settings.asr, recogniser, bus, clock, counters).run()
    if "telephony" in settings.components and settings.recording.enabled:
        recorder = Recorder(
            settings.recording, settings.recordings_dir, bus, clock, counters, engine=engine
        )
        recorder.restore(left.legs)
        runners["recorder"] = recorder.run()
    if "telephony" in settings.components:
        for pbx in settings.pbx:
            runners[f"pbx:{pbx.system}"] = _listen_to(
                pbx, bus, clock, counters, engine=engine, left=left, control=control
            )
    return Node(settings, clock, counters, bus, engine, console), runners
