"""What the metrics read from the call store: calls and alerts under way, and contacts for FCR."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sqlalchemy import Engine, select

from backbone.store.schema import alerts, calls
from metrics.first_contact import Contact
from metrics.history import KpiReport, read_kpis
from metrics.periods import period_of, today
from metrics.settings import MetricsSettings


class OpenCall(NamedTuple):
    """A visit that has begun and not ended."""

    call_id: str
    queue: str
    joined_at: float
    answered_at: float | None


class OpenAlert(NamedTuple):
    """An alert nobody has acknowledged; `at` is when it was raised."""

    alert_id: str
    severity: str
    at: float


class MetricsStore(Protocol):
    """Blocking reads; the projector calls them in a thread."""

    def open_calls(self, since: float) -> list[OpenCall]:
        """Visits that joined after `since` (epoch seconds) and have not ended."""
        ...

    def open_alerts(self, limit: int) -> list[OpenAlert]:
        """The newest alerts that nobody has acknowledged."""
        ...

    def contacts(self, since: float) -> list[Contact]:
        """Queue visits that joined after `since`."""
        ...

    def day_totals(self, now: float) -> KpiReport:
        """The KPIs of the local day that `now` is in, by queue."""
        ...


class SqlMetricsStore:
    """The call store of `backbone.store`."""

    def __init__(self, engine: Engine, settings: MetricsSettings) -> None:
        self._engine = engine
        self._settings = settings

    def open_calls(self, since: float) -> list[OpenCall]:
        """Visits that joined after `since` (epoch seconds) and have not ended."""
        query = select(
            calls.c.call_id, calls.c.queue, calls.c.joined_at, calls.c.answered_at
        ).where(calls.c.ended_at.is_(None), calls.c.joined_at > since)
        with self._engine.connect() as connection:
            return [OpenCall(*row) for row in connection.execute(query)]

    def open_alerts(self, limit: int) -> list[OpenAlert]:
        """The newest alerts that nobody has acknowledged."""
        query = (
            select(alerts.c.alert_id, alerts.c.severity, alerts.c.at)
            .where(alerts.c.state == "open")
            .order_by(alerts.c.at.desc())
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [OpenAlert(*row) for row in connection.execute(query)]

    def contacts(self, since: float) -> list[Contact]:
        """Queue visits that joined after `since`."""
        query = select(
            calls.c.caller, calls.c.joined_at, calls.c.outcome, calls.c.system, calls.c.uniqueid
        ).where(calls.c.joined_at > since)
        with self._engine.connect() as connection:
            return [
                Contact(caller, joined_at, outcome == "answered", f"{system}/{uniqueid}")
                for caller, joined_at, outcome, system, uniqueid in connection.execute(query)
            ]

    def day_totals(self, now: float) -> KpiReport:
        """The KPIs of the local day that `now` is in, by queue."""
        zone = self._settings.zone
        period = period_of("day", today(now, zone), zone)
        with self._engine.connect() as connection:
            return read_kpis(
                connection, period, self._settings, now=now, by=("queue",), speech=False
            )
