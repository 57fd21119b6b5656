"""Alerts that nobody takes notice of go up, level by level, until somebody does.

`Escalations` is pure: events and a time in, levels that are due out. `EscalationTimer` is the
component around it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.events import Event
from qa_engine.events import (
    SEVERITIES,
    Alert,
    AlertAcknowledged,
    AlertAssigned,
    AlertEscalated,
    AlertFeedback,
    Severity,
)
from qa_engine.settings import EscalationSettings
from qa_engine.storage import StoredAlert, open_alerts

_log = structlog.get_logger(__name__)

TIMER = "timer"
"""Who escalates when no person does."""

_WATCHED = 10_000
_LISTENS_TO = (Alert, AlertAcknowledged, AlertAssigned, AlertEscalated, AlertFeedback)


@dataclass(slots=True)
class _Waiting:
    call_id: str
    severity: Severity
    since: float
    """When it was raised, or last handed to somebody else."""
    level: int = 1


class Escalations:
    """Open alerts by id, and how long each has waited."""

    def __init__(self, settings: EscalationSettings) -> None:
        self._steps = sorted(settings.steps, key=lambda step: step.level)
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._seen: OrderedDict[str, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many alerts may still be escalated."""
        return len(self._waiting)

    def restore(self, stored: StoredAlert) -> None:
        """Take up an alert that was open when an earlier run ended."""
        alert = stored.alert
        since = max(alert.at, stored.assigned_at or 0.0)
        self._watch(alert.alert_id, _Waiting(alert.call_id, alert.severity, since, stored.level))

    def learn(self, event: Event) -> None:
        """Take an event in; seeing one again changes nothing."""
        match event:
            case Alert():
                self._watch(event.alert_id, _Waiting(event.call_id, event.severity, event.at))
            case AlertAcknowledged() | AlertFeedback():
                self._waiting.pop(event.alert_id, None)
                self._remember(event.alert_id)
            case AlertAssigned() if event.to and event.alert_id in self._waiting:
                waiting = self._waiting[event.alert_id]
                waiting.since = max(waiting.since, event.at)
            case AlertEscalated() if event.alert_id in self._waiting:
                waiting = self._waiting[event.alert_id]
                waiting.level = max(waiting.level, event.level)
            case _:
                pass

    def due(self, now: float) -> Iterator[AlertEscalated]:
        """What must go up now; the caller's to publish, and learnt already."""
        for alert_id, waiting in list(self._waiting.items()):
            level = self._level(waiting, now)
            if level > waiting.level:
                waiting.level = level
                yield AlertEscalated(
                    at=now, alert_id=alert_id, call_id=waiting.call_id, by=TIMER, level=level
                )
            if waiting.level >= self._highest(waiting.severity):
                del self._waiting[alert_id]  # there is nobody above

    def _watch(self, alert_id: str, waiting: _Waiting) -> None:
        if alert_id in self._seen or waiting.level >= self._highest(waiting.severity):
            return
        self._remember(alert_id)
        self._waiting[alert_id] = waiting
        if len(self._waiting) > _WATCHED:
            self._waiting.popitem(last=False)

    def _remember(self, alert_id: str) -> None:
        self._seen[alert_id] = None
        if len(self._seen) > 2 * _WATCHED:
            self._seen.popitem(last=False)

    def _highest(self, severity: Severity) -> int:
        return max((s.level for s in self._steps if _reaches(s.severity, severity)), default=1)

    def _level(self, waiting: _Waiting, now: float) -> int:
        waited = now - waiting.since
        levels = (
            step.level
            for step in self._steps
            if _reaches(step.severity, waiting.severity) and waited >= step.after_s
        )
        return max(levels, default=1)


def _reaches(least: Severity, severity: Severity) -> bool:
    return SEVERITIES.index(severity) >= SEVERITIES.index(least)


class EscalationTimer:
    """Escalates while it runs; alerts left open by an earlier run are taken up again.

    Counter: `alerts_escalated{level}`.
    """

    def __init__(
        self,
        settings: EscalationSettings,
        bus: Bus,
        clock: Clock,
        counters: Counters,
        *,
        engine: Engine,
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._engine = engine
        self._escalations = Escalations(settings)
        # From the first moment, so that nothing between construction and run() is missed.
        self._events = bus.subscribe("escalation", *_LISTENS_TO, maxsize=10_000)

    async def run(self) -> None:
        """Watch until cancelled."""
        since = self._clock.time() - self._settings.forget_s
        for stored in await asyncio.to_thread(self._left_open, since):
            self._escalations.restore(stored)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._tick())

    def _left_open(self, since: float) -> list[StoredAlert]:
        with self._engine.connect() as connection:
            return open_alerts(connection, limit=_WATCHED, since=since)

    async def _listen(self) -> None:
        async for envelope in self._events:
            self._escalations.learn(envelope.event)

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._settings.tick_s)
            for event in self._escalations.due(self._clock.time()):
                self._counters.add("alerts_escalated", level=str(event.level))
                _log.info("alert_escalated", alert_id=event.alert_id, level=event.level)
                await self._bus.publish(event)
