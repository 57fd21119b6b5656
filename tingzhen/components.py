"""The components of a node, made from its settings: a method for each that can be chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

import telephony.storage
from agent_console.history.tape import CallTaper
from agent_console.server import ConsoleServer
from agent_console.site import Site
from agent_console.work.desk import Desk
from agent_console.work.service import WorkService
from asr.recognisers.base import Recogniser
from asr.service import Transcriber
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from metrics.alertmanager import AlertHook
from metrics.exposition import MetricsApp
from metrics.host import HostCollector
from metrics.projector import MetricsProjector
from metrics.store import SqlMetricsStore
from qa_engine.escalation import EscalationTimer
from qa_engine.guidance.service import GuidanceService
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

Runners = dict[str, Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class LeftBehind:
    """What an earlier run did not see the end of."""

    calls: list[OpenCall]
    legs: list[StoredLeg]
    visits: Mapping[str, Mapping[str, int]]
    """Per PBX, the highest finished visit of each recent channel."""


def left_behind(settings: Settings, engine: Engine, now: float) -> LeftBehind:
    """Read what was under way when the node stopped; blocks."""
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


@dataclass
class Components:
    """Makes the components of one node; `console` and `qa` are there once they were made."""

    settings: Settings
    clock: Clock
    counters: Counters
    bus: Bus
    engine: Engine
    left: LeftBehind
    recogniser: Recogniser | None
    control: Control = field(init=False)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    console: ConsoleServer | None = field(default=None, init=False)
    qa: QaService | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.control = Control(self.bus, self.clock, self.counters)

    def make(self) -> Runners:
        """Make what the settings choose, listeners before those they listen to.

        Raises:
            UserError: reports are asked for and the extra is missing.
            ValueError: recognition is chosen and there is no recogniser.
        """
        makers = {
            "metrics": self._metrics,
            "console": self._console,
            "qa": self._qa,
            "asr": self._asr,
            "telephony": self._telephony,
        }
        if "qa" in self.settings.components:
            # The others ask it for its rules.
            self.qa = QaService(
                self.settings.qa, self.bus, self.clock, self.counters, engine=self.engine
            )
        runners: Runners = {}
        for name, maker in makers.items():
            if name in self.settings.components:
                runners |= maker()
        return runners

    def _metrics(self) -> Runners:
        settings = self.settings
        self.registry.register(HostCollector(settings.data_dir, settings.metrics.certificates))
        projector = MetricsProjector(
            settings.metrics,
            self.bus,
            self.counters,
            self.clock,
            self.registry,
            store=SqlMetricsStore(self.engine, settings.metrics),
            alert_kinds=self.qa.alert_kinds() if self.qa else (),
        )
        runners: Runners = {"metrics": projector.run()}
        if settings.reports.kinds:
            runners["reports"] = self._reports()
        return runners

    def _reports(self) -> Coroutine[Any, Any, None]:
        need_report()
        from metrics.reports.job import ReportJob  # noqa: PLC0415 - needs the extra

        settings = self.settings
        job = ReportJob(
            settings.reports,
            settings.metrics,
            settings.store_url,
            settings.reports_dir,
            clock=self.clock,
            counters=self.counters,
        )
        return job.run()

    def _console(self) -> Runners:
        settings = self.settings
        desk = Desk.build(
            settings.work,
            self.bus,
            self.clock,
            key_file=settings.data_dir / "console.key",
            rules=settings.qa.rules,
        )
        scraped = "metrics" in settings.components
        self.console = ConsoleServer(
            settings.console,
            self.bus,
            self.clock,
            self.counters,
            self.engine,
            metrics_app=MetricsApp(settings.metrics, self.registry, AlertHook(self.bus, self.clock))
            if scraped
            else None,
            control=self.control,
            desk=desk,
            site=Site(
                metrics=settings.metrics,
                escalation=settings.qa.escalation,
                recordings=settings.recordings_dir if settings.recording.enabled else None,
                reports=settings.reports_dir,
                reporting=settings.reports,
                pack=lambda: self.qa.pack if self.qa is not None else None,
            ),
        )
        work = WorkService(desk, self.bus, self.clock, self.counters, self.engine)
        runners: Runners = {"work": work.run(), "console": self.console.run()}
        if settings.console.keep_tapes:
            runners["tape"] = CallTaper(self.bus, self.counters).run()
        return runners

    def _qa(self) -> Runners:
        assert self.qa is not None  # noqa: S101 - made first, by `make`
        settings = self.settings.qa
        runners: Runners = {"qa": self.qa.run()}
        if settings.escalation.enabled:
            runners["escalation"] = EscalationTimer(
                settings.escalation, self.bus, self.clock, self.counters, engine=self.engine
            ).run()
        if settings.guidance:
            runners["guidance"] = GuidanceService(
                settings, self.bus, self.clock, self.counters, self.engine
            ).run()
        return runners

    def _asr(self) -> Runners:
        if self.recogniser is None:
            raise ValueError("the asr component needs a recogniser")
        transcriber = Transcriber(
            self.settings.asr, self.recogniser, self.bus, self.clock, self.counters
        )
        return {"asr": transcriber.run()}

    def _telephony(self) -> Runners:
        settings = self.settings
        runners: Runners = {}
        if settings.recording.enabled:
            recorder = Recorder(
                settings.recording,
                settings.recordings_dir,
                self.bus,
                self.clock,
                self.counters,
                engine=self.engine,
            )
            recorder.restore(self.left.legs)
            runners["recorder"] = recorder.run()
        for pbx in settings.pbx:
            runners[f"pbx:{pbx.system}"] = self._listen_to(pbx)
        return runners

    async def _listen_to(self, pbx: PbxSettings) -> None:
        """Everything that one PBX needs, until cancelled."""
        link = PbxLink(pbx, self.bus, self.clock, self.counters)
        self.control.attach(link, pbx.control)
        link.restore(self.left.calls, self.left.visits.get(pbx.system))
        link.restore_missed(await asyncio.to_thread(self._missed_rings, pbx))
        async with asyncio.TaskGroup() as tasks:
            if pbx.reconcile.queue_log is not None:
                job = ReconcileJob(
                    pbx.reconcile,
                    pbx.system,
                    self.engine,
                    bus=self.bus,
                    clock=self.clock,
                    counters=self.counters,
                )
                tasks.create_task(job.run(), name="reconcile")
            if pbx.taps != "off":
                audio = leg_server(pbx, self.bus, self.clock, self.counters)
                taps = TapService(pbx, self.bus, self.clock, self.counters, audio, pbx=link)
                taps.restore(self.left.calls)
                tasks.create_task(audio.run(), name="legs")
                tasks.create_task(taps.run(), name="taps")
            tasks.create_task(link.run(), name="ami")

    def _missed_rings(self, pbx: PbxSettings) -> list[tuple[str, float]]:
        with self.engine.connect() as connection:
            since = self.clock.time() - pbx.missed_rings_days * 86_400
            return telephony.storage.missed_rings(connection, pbx.system, since)
