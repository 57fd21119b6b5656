"""Events to metrics, one by one: no bus, no task, no I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Any, get_args

from prometheus_client import CollectorRegistry, Histogram

from asr.events import AsrHealth, TranscriptFinal
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.events import Event
from backbone.media import LegClosed, LegOpened, Role
from metrics.agents import AgentsCollector
from metrics.collectors import (
    HEALTH_COUNTERS,
    CountersCollector,
    HealthCollector,
    LiveCollector,
    OldestAlertCollector,
)
from metrics.day import DayCollector
from metrics.families import Families
from metrics.first_contact import FirstContact, Resolution
from metrics.history import KpiReport
from metrics.kpi import is_short_abandon
from metrics.labels import LabelBound, WordBound
from metrics.live import LiveCalls, Once
from metrics.settings import MetricsSettings
from metrics.store import OpenAlert, OpenCall
from qa_engine.events import (
    SEVERITIES,
    Alert,
    AlertAcknowledged,
    AlertShown,
    ComplianceStep,
    ProvisionalAlert,
    RulesLoaded,
)
from telephony.events import (
    AgentState,
    CallConnected,
    CallEnded,
    CallJoined,
    CallRated,
    CallRecord,
    CallRefused,
    Outcome,
    PbxHealth,
    QueueState,
    RefusalReason,
    RingEnded,
    RingResult,
    TapHealth,
)

MAX_OPEN_ALERTS = 20_000
_REMEMBERED_ALERTS = 10_000
_MAX_KINDS = 100
_MAX_REASONS = 40

_ROLES: tuple[Role, ...] = get_args(Role)
_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_REFUSALS: tuple[RefusalReason, ...] = get_args(RefusalReason)
_RING_RESULTS: tuple[RingResult, ...] = get_args(RingResult)


class MetricsProjection:
    """All metrics of this node. Not thread-safe: feed and scrape it from one thread.

    Args:
        settings: what the site has set.
        counters: backbone's counters, exported as they are.
        depths: events waiting by subscriber, as `Bus.depths`.
        clock: the system's clock, for waits that are still growing.
        registry: where the metrics are registered; one projection per registry.
        alert_kinds: (kind, severity) pairs the rules can raise, shown with zero from the start.
    """

    def __init__(
        self,
        settings: MetricsSettings,
        counters: Counters,
        depths: Callable[[], Mapping[str, int]],
        clock: Clock,
        registry: CollectorRegistry,
        *,
        alert_kinds: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._settings = settings
        self._families = Families(registry)
        self._live = LiveCalls()
        self._health = HealthCollector()
        self._queues = LabelBound(settings.max_queues)
        self._shown: set[str] = set()
        self._kinds = LabelBound(_MAX_KINDS)
        self._steps = LabelBound(_MAX_KINDS)
        self._packs = LabelBound(_MAX_KINDS)
        self._call_reasons = WordBound(_MAX_REASONS)
        self._leg_reasons = WordBound(_MAX_REASONS)
        self._raised = Once(_REMEMBERED_ALERTS)
        self._refused = Once(_REMEMBERED_ALERTS)
        self._rated = Once(_REMEMBERED_ALERTS)
        self._open_alerts: OrderedDict[str, tuple[str, float]] = OrderedDict()
        registry.register(OldestAlertCollector(self._open_alerts))
        registry.register(LiveCollector(self._live, self._queues, clock))
        registry.register(self._health)
        self._day = DayCollector(self._queues)
        registry.register(self._day)
        agents = AgentsCollector(self._queues)
        registry.register(agents)
        counted = self._families.counter_names | HEALTH_COUNTERS
        registry.register(CountersCollector(counters, depths, counted))
        # Any: each handler takes its own event class, which is the key it stands under.
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            CallJoined: self._call_joined,
            RingEnded: self._ring_ended,
            CallConnected: self._call_connected,
            CallEnded: self._call_ended,
            CallRated: self._call_rated,
            CallRefused: self._call_refused,
            AgentState: agents.agent,
            QueueState: agents.queue,
            LegOpened: self._leg_opened,
            LegClosed: self._leg_closed,
            TranscriptFinal: self._transcript_final,
            Alert: self._alert,
            ProvisionalAlert: self._provisional,
            AlertShown: self._alert_shown,
            AlertAcknowledged: self._acknowledged,
            ComplianceStep: self._compliance_step,
            RulesLoaded: self._rules_loaded,
            AsrHealth: self._health.asr,
            PbxHealth: self._health.pbx,
            TapHealth: self._health.taps,
        }
        self._show_zeroes(alert_kinds)

    @property
    def event_types(self) -> tuple[type[Event], ...]:
        """The event classes that change a metric."""
        return tuple(self._handlers)

    def apply(self, event: Event) -> None:
        """Take an event in; one of another class changes nothing."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def restore(self, calls: Iterable[OpenCall], alerts: Iterable[OpenAlert]) -> None:
        """Set the gauges to what an earlier process left under way, without counting it again."""
        for call in calls:
            self._live.restore(
                call.call_id,
                self._queue(call.queue),
                call.joined_at,
                connected=call.answered_at is not None,
            )
        for alert in sorted(alerts, key=lambda alert: alert.at):
            self._open_alert(alert.alert_id, alert.severity, alert.at)

    def first_contact(self, window_days: int, resolution: Resolution, read_at: float) -> None:
        """Show first-contact resolution for one window; NaN while no call can be judged."""
        pairs: tuple[tuple[str, FirstContact], ...] = (
            ("matured", resolution.matured),
            ("provisional", resolution.provisional),
        )
        for maturity, value in pairs:
            labels = (f"{window_days}d", maturity)
            ratio = value.ratio
            self._families.fcr.labels(*labels).set(float("nan") if ratio is None else ratio)
            self._families.fcr_calls.labels(*labels).set(value.answered)
        self._families.fcr_read.set(read_at)

    def day_totals(self, report: KpiReport) -> None:
        """Show today's totals, read by queue."""
        self._day.show(report)

    # Calls

    def _call_joined(self, event: CallJoined) -> None:
        self._join(event.call_id, event.queue, event.at)

    def _join(self, call_id: str, raw_queue: str, at: float) -> str:
        queue = self._queue(raw_queue)
        if self._live.join(call_id, queue, at):
            self._families.joined.labels(queue).inc()
        return queue

    def _ring_ended(self, event: RingEnded) -> None:
        self._families.ring_attempts.labels(self._queue(event.queue), event.result).inc()

    def _call_connected(self, event: CallConnected) -> None:
        queue = self._join(event.call_id, event.queue, event.at - (event.wait_s or 0.0))
        # Where the answer itself was not seen, nothing can be timed from it.
        answered_at = None if event.resumed else event.heard_at
        if self._live.connect(event.call_id, answered_at):
            self._answered(queue, event)

    def _answered(self, queue: str, call: CallConnected | CallRecord) -> None:
        self._families.offered.labels(queue).inc()
        self._families.answered.labels(queue).inc()
        if call.wait_s is not None:
            self._families.wait.labels(queue, "answered").observe(call.wait_s)
        if call.ring_s is not None:
            self._families.ring.labels(queue).observe(call.ring_s)
        if call.rings is not None and call.rings <= self._settings.ring_limit:
            self._families.in_ring_limit.labels(queue).inc()

    def _call_ended(self, event: CallEnded) -> None:
        record = event.record
        queue = self._join(event.call_id, record.queue, record.joined_at)
        if record.outcome == "answered" and self._live.connect(event.call_id):
            self._answered(queue, record)
        was_connected = self._live.connected(event.call_id)
        if not self._live.end(event.call_id):
            return
        self._families.ended.labels(queue, record.outcome).inc()
        if record.outcome == "answered":
            if record.talk_s is not None:
                self._families.talk.labels(queue).observe(record.talk_s)
        elif not was_connected:  # else it was offered and timed at its answer
            self._left_unanswered(queue, record)
        if not record.complete:
            for reason in record.incomplete_reason.split(","):
                self._families.calls_incomplete.labels(self._call_reasons.value(reason)).inc()

    def _left_unanswered(self, queue: str, record: CallRecord) -> None:
        if is_short_abandon(record.outcome, record.wait_s, self._settings.short_abandon_s):
            self._families.short_abandoned.labels(queue).inc()
        else:
            self._families.offered.labels(queue).inc()
        if record.wait_s is not None:
            self._families.wait.labels(queue, record.outcome).observe(record.wait_s)

    def _call_refused(self, event: CallRefused) -> None:
        if self._refused.first(f"{event.system}/{event.uniqueid}/{event.attempt}"):
            self._families.refused.labels(self._queue(event.queue), event.reason).inc()

    def _call_rated(self, event: CallRated) -> None:
        if not self._rated.first(event.call_id):
            return
        queue = self._queue(event.queue)
        self._families.ratings.labels(queue, event.scale, str(event.value)).inc()
        if event.scale == "five":
            self._families.rating.labels(queue).observe(event.value)

    # Audio and transcripts

    def _leg_opened(self, event: LegOpened) -> None:
        new, both_heard = self._live.open_leg(event.call_id, event.leg_id, event.role)
        if new:
            self._families.legs_opened.labels(event.role).inc()
        if both_heard:
            self._families.tapped.inc()

    def _leg_closed(self, event: LegClosed) -> None:
        self._live.close_leg(event.leg_id)
        if not event.complete:
            reason = self._leg_reasons.value(event.reason)
            self._families.legs_incomplete.labels(event.role, reason).inc()

    def _transcript_final(self, event: TranscriptFinal) -> None:
        self._families.final_lag.labels(event.role).observe(event.lag_s)
        if event.unintelligible:
            self._families.unintelligible.labels(event.role).inc()

    # Quality assurance

    def _alert(self, event: Alert) -> None:
        if event.alert_id in self._open_alerts or not self._raised.first(event.alert_id):
            return
        self._families.alerts.labels(self._kinds.value(event.kind), event.severity).inc()
        self._observe_latency("final", event)
        self._open_alert(event.alert_id, event.severity, event.at)

    def _provisional(self, event: ProvisionalAlert) -> None:
        if self._raised.first(event.alert_id):
            self._observe_latency("partial", event)

    def _observe_latency(self, stage: str, event: Alert | ProvisionalAlert) -> None:
        if event.evidence.segment_id:  # else it is not about words
            self._observe_since(self._families.alert_latency, stage, event, event.end)

    def _alert_shown(self, event: AlertShown) -> None:
        if event.end is not None:
            stage = "partial" if event.provisional else "final"
            self._observe_since(self._families.alert_frame, stage, event, event.end)

    def _observe_since(
        self,
        family: Histogram,
        stage: str,
        event: Alert | ProvisionalAlert | AlertShown,
        end: float,
    ) -> None:
        """Time from the end of words on the call's clock to an event."""
        answered_at = self._live.answered_at(event.call_id)
        if answered_at is not None:
            family.labels(stage).observe(max(0.0, event.at - (answered_at + end)))

    def _open_alert(self, alert_id: str, severity: str, at: float) -> None:
        self._open_alerts[alert_id] = (severity, at)
        self._families.alerts_open.labels(severity).inc()
        if len(self._open_alerts) > MAX_OPEN_ALERTS:
            _, (old_severity, _) = self._open_alerts.popitem(last=False)
            self._families.alerts_open.labels(old_severity).dec()

    def _acknowledged(self, event: AlertAcknowledged) -> None:
        found = self._open_alerts.pop(event.alert_id, None)
        if found is None:
            return
        severity, raised_at = found
        self._families.alerts_open.labels(severity).dec()
        self._families.acknowledge.labels(severity).observe(max(0.0, event.at - raised_at))

    def _compliance_step(self, event: ComplianceStep) -> None:
        self._families.compliance.labels(self._steps.value(event.step), event.state).inc()

    def _rules_loaded(self, event: RulesLoaded) -> None:
        pack = self._packs.value(event.pack)
        self._families.rules_refused.labels(pack).set(1 if event.error else 0)
        if not event.error:
            self._families.rules.labels(pack).set(event.rules)

    # Labels

    def _queue(self, raw: str) -> str:
        """The queue's label; a new one gets its series at zero, so that increases are seen."""
        queue = self._queues.value(raw)
        if queue not in self._shown:  # others admit queues too, and show nothing
            self._shown.add(queue)
            self._show_queue(queue)
        return queue

    def _show_queue(self, queue: str) -> None:
        families = self._families
        for counter in (
            families.joined,
            families.offered,
            families.answered,
            families.short_abandoned,
            families.in_ring_limit,
        ):
            counter.labels(queue)
        for outcome in _OUTCOMES:
            families.ended.labels(queue, outcome)
        for reason in _REFUSALS:
            families.refused.labels(queue, reason)
        for result in _RING_RESULTS:
            families.ring_attempts.labels(queue, result)
        families.wait.labels(queue, "answered")
        families.ring.labels(queue)
        families.talk.labels(queue)

    def _show_zeroes(self, alert_kinds: Iterable[tuple[str, str]]) -> None:
        families = self._families
        for queue in self._settings.queues:
            self._queue(queue)
        for role in _ROLES:
            families.legs_opened.labels(role)
            families.final_lag.labels(role)
            families.unintelligible.labels(role)
        for severity in SEVERITIES:
            families.alerts_open.labels(severity)
            families.acknowledge.labels(severity)
        for stage in ("final", "partial"):
            families.alert_latency.labels(stage)
            families.alert_frame.labels(stage)
        for kind, raised_as in alert_kinds:
            families.alerts.labels(self._kinds.value(kind), raised_as)
        families.build.info({"version": _own_version(), "python": python_version()})


def _own_version() -> str:
    try:
        return version("tingzhen")
    except PackageNotFoundError:
        return "unknown"
