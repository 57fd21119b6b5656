"""Today's totals as gauges: read from the call store, so that no restart loses them."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from metrics.figures import Kpis
from metrics.history import KpiReport
from metrics.labels import LabelBound

_BY_QUEUE = (
    ("calls_offered", "offered", "Queue visits offered today, short abandons taken off."),
    ("calls_answered", "answered", "Queue visits answered today."),
    ("calls_abandoned", "abandoned", "Callers who gave up today, short abandons included."),
    ("calls_refused", "refused", "Callers whom a full or empty queue did not take in today."),
    ("answer_rate_ratio", "answer_rate", "Answered / offered today."),
    ("service_level_ratio", "service_level", "Answered within T / offered today."),
    ("abandonment_ratio", "abandonment_rate", "Abandoned / offered today."),
    (
        "speed_of_answer_seconds",
        "average_speed_of_answer_s",
        "Mean wait of the calls answered today.",
    ),
    ("longest_wait_seconds", "longest_wait_s", "Longest wait of today's finished waits."),
    ("ring_sla_ratio", "ring_sla", "Answered calls within the ring limit / answered today."),
    ("handle_time_seconds", "average_handle_time_s", "Mean talk, hold and wrap-up of today."),
    ("callback_ratio", "callback_rate", "Unanswered callers who were called back in time, today."),
    ("satisfaction_ratio", "satisfaction", "Ratings of four and five / ratings of five, today."),
    ("red_lines", "red_lines", "Red lines crossed today."),
)
_OF_SITE = (
    ("occupancy_ratio", "occupancy", "Agents' busy time / busy and idle time, today."),
    (
        "script_compliance_ratio",
        "script_compliance",
        "Required steps of today's calls that were done.",
    ),
    (
        "acknowledge_time_seconds",
        "mean_acknowledge_time_s",
        "Mean time to acknowledge today's alerts.",
    ),
    ("heard_ratio", "heard_share", "Audio legs of today's calls that lack nothing."),
)


class DayCollector(Collector):
    """Today's KPIs: `tingzhen_day_…` by queue, `tingzhen_site_day_…` of all queues together.

    What is unknown (no calls yet) has no sample.
    """

    def __init__(self, queues: LabelBound) -> None:
        self._queues = queues
        self._report: KpiReport | None = None

    def show(self, report: KpiReport) -> None:
        """Take in a reading of the store, made with `by=("queue",)`."""
        self._report = report

    def describe(self) -> Iterable[Metric]:
        """Registered without being collected."""
        return []

    def collect(self) -> Iterable[Metric]:
        """One family per KPI, once the store was read."""
        report = self._report
        if report is None:
            return
        rows = {row.key: row.kpis for row in report.by["queue"]}
        # A queue beyond the bound would be `other`, and two ratios of that name a contradiction.
        shown = {key: kpis for key, kpis in rows.items() if self._queues.value(key) == key}
        for name, field, text in _BY_QUEUE:
            by_queue = GaugeMetricFamily(f"tingzhen_day_{name}", text, labels=["queue"])
            for queue, kpis in shown.items():
                _add(by_queue, [queue], kpis, field)
            yield by_queue
        for name, field, text in (*_BY_QUEUE, *_OF_SITE):
            whole = GaugeMetricFamily(f"tingzhen_site_day_{name}", f"{text} All queues.", labels=[])
            _add(whole, [], report.total, field)
            yield whole
        read = GaugeMetricFamily(
            "tingzhen_day_read_timestamp_seconds", "When today's totals were read.", labels=[]
        )
        read.add_metric([], report.read_at)
        yield read


def _add(family: GaugeMetricFamily, labels: list[str], kpis: Kpis, field: str) -> None:
    value = getattr(kpis, field)
    if value is not None:
        family.add_metric(labels, value)
