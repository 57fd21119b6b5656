"""The component that keeps /metrics: listens to the bus, and reads the call store now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import NoReturn

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError

from backbone.bus import Bus, Subscription
from backbone.clock import Clock
from backbone.counters import Counters
from metrics.first_contact import Resolution, first_contact_resolution
from metrics.projection import MAX_OPEN_ALERTS, MetricsProjection
from metrics.settings import MetricsSettings
from metrics.store import MetricsStore

_log = structlog.get_logger(__name__)

_DAY_S = 86_400.0
_OLDEST_OPEN_CALL_S = 4 * 3600.0
"""A visit without an end that began before this is a record nobody closed, not a call."""

_REST_PER_READ = 20
"""Rest so many times as long as the last reading took: it never costs more than 5 % of a core."""


class MetricsProjector:
    """Turns events into Prometheus metrics.

    Args:
        settings: what the site has set.
        bus: where events come from; its queue depths are exported.
        counters: exported as they are.
        clock: the system's clock.
        registry: where the metrics are registered; `metrics.exposition` serves it.
        store: the call store, for gauges after a restart and first-contact resolution; without
            it (offline, tests) both stay empty.
        alert_kinds: (kind, severity) pairs that the rules in force can raise. A counter that
            appears with its first count has no increase for Prometheus to see, so these are
            shown with zero from the start.
    """

    def __init__(
        self,
        settings: MetricsSettings,
        bus: Bus,
        counters: Counters,
        clock: Clock,
        registry: CollectorRegistry,
        *,
        store: MetricsStore | None = None,
        alert_kinds: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._counters = counters
        self._clock = clock
        self._store = store
        self._projection = MetricsProjection(
            settings, counters, bus.depths, clock, registry, alert_kinds=alert_kinds
        )

    async def run(self) -> None:
        """Keep the metrics until cancelled. Start the bus before it."""
        subscription = self._bus.subscribe("metrics", *self._projection.event_types)
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._store is not None:
                    await self._restore(self._store)
                    tasks.create_task(self._read_first_contact(self._store))
                    tasks.create_task(self._read_day(self._store))
                await self._apply(subscription)
        finally:
            subscription.close()

    async def _restore(self, store: MetricsStore) -> None:
        since = self._clock.time() - _OLDEST_OPEN_CALL_S
        try:
            calls = await asyncio.to_thread(store.open_calls, since)
            alerts = await asyncio.to_thread(store.open_alerts, MAX_OPEN_ALERTS)
        except SQLAlchemyError as error:
            # Gauges from zero are worth more than no metrics at all.
            self._counters.add("metrics_store_failures")
            _log.error("metrics_restore_failed", error=type(error).__name__)
            return
        self._projection.restore(calls, alerts)

    async def _apply(self, subscription: Subscription) -> None:
        async for envelope in subscription:
            try:
                self._projection.apply(envelope.event)
            except Exception as error:  # noqa: BLE001 - one event must not end all metrics
                kind = type(envelope.event).__name__
                self._counters.add("metrics_event_failures", event=kind)
                _log.error("metrics_event_failed", event_type=kind, error=type(error).__name__)

    async def _read_first_contact(self, store: MetricsStore) -> NoReturn:
        settings = self._settings.first_contact
        while True:
            now = self._clock.time()
            started = time.monotonic()
            try:
                resolutions = await asyncio.to_thread(self._resolutions, store, now)
            except SQLAlchemyError as error:
                self._counters.add("metrics_store_failures")
                _log.error("first_contact_read_failed", error=type(error).__name__)
            else:
                for window_days, resolution in resolutions.items():
                    self._projection.first_contact(window_days, resolution, now)
            rest = _REST_PER_READ * (time.monotonic() - started)
            await self._clock.sleep(max(settings.refresh_s, rest))

    async def _read_day(self, store: MetricsStore) -> NoReturn:
        while True:
            started = time.monotonic()
            try:
                report = await asyncio.to_thread(store.day_totals, self._clock.time())
            except SQLAlchemyError as error:
                self._counters.add("metrics_store_failures")
                _log.error("day_totals_read_failed", error=type(error).__name__)
            else:
                self._projection.day_totals(report)
            rest = _REST_PER_READ * (time.monotonic() - started)
            await self._clock.sleep(max(self._settings.day_refresh_s, rest))

    def _resolutions(self, store: MetricsStore, now: float) -> dict[int, Resolution]:
        settings = self._settings.first_contact
        period_s = settings.period_days * _DAY_S
        longest_s = max(settings.window_days, default=0) * _DAY_S
        contacts = store.contacts(now - longest_s - period_s)
        return {
            days: first_contact_resolution(
                contacts,
                window_s=days * _DAY_S,
                now=now,
                period_s=period_s,
                ignored=settings.shared_numbers,
            )
            for days in settings.window_days
        }
