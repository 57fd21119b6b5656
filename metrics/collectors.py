"""Metrics taken at the moment of the scrape: state, health reports, and backbone's counters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from asr.events import AsrHealth
from backbone.clock import Clock
from backbone.counters import Counters
from metrics.labels import LabelBound
from metrics.live import LiveCalls
from telephony.events import PbxHealth, TapHealth


class LiveCollector(Collector):
    """Calls and legs under way. Every queue seen so far has its sample, zero included."""

    def __init__(self, live: LiveCalls, queues: LabelBound, clock: Clock) -> None:
        self._live = live
        self._queues = queues
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Registered without being collected."""
        return []

    def collect(self) -> Iterable[Metric]:
        """One sample per queue, and one per role."""
        now = self._clock.time()
        states = self._live.queues()
        in_progress = GaugeMetricFamily(
            "tingzhen_calls_in_progress", "Queue visits waiting or talking.", labels=["queue"]
        )
        waiting = GaugeMetricFamily(
            "tingzhen_calls_waiting", "Callers waiting in the queue.", labels=["queue"]
        )
        longest = GaugeMetricFamily(
            "tingzhen_calls_longest_wait_seconds",
            "How long the caller who waits longest has waited; 0 when nobody waits.",
            labels=["queue"],
        )
        for queue in dict.fromkeys([*self._queues.admitted(), *states]):
            state = states.get(queue)
            in_progress.add_metric([queue], state.in_progress if state else 0)
            waiting.add_metric([queue], state.waiting if state else 0)
            # The PBX's clock may be ahead of ours.
            oldest = state.oldest_join if state else None
            longest.add_metric([queue], max(0.0, now - oldest) if oldest is not None else 0.0)
        legs = GaugeMetricFamily("tingzhen_legs_open", "Audio legs being heard.", labels=["role"])
        for role, number in self._live.legs().items():
            legs.add_metric([role], number)
        return [in_progress, waiting, longest, legs]


class OldestAlertCollector(Collector):
    """When the oldest alert that nobody has acknowledged was raised, by severity.

    Args:
        open_alerts: severity and time of raising by alert, as it is kept.
    """

    def __init__(self, open_alerts: Mapping[str, tuple[str, float]]) -> None:
        self._open_alerts = open_alerts

    def describe(self) -> Iterable[Metric]:
        """Registered without being collected."""
        return []

    def collect(self) -> Iterable[Metric]:
        """A severity without open alerts has no sample."""
        oldest: dict[str, float] = {}
        for severity, at in self._open_alerts.values():
            oldest[severity] = min(at, oldest.get(severity, at))
        family = GaugeMetricFamily(
            "tingzhen_alerts_oldest_open_timestamp_seconds",
            "When the oldest alert that nobody has acknowledged was raised.",
            labels=["severity"],
        )
        for severity, at in sorted(oldest.items()):
            family.add_metric([severity], at)
        return [family]


_ASR_GAUGES: tuple[tuple[str, str, Callable[[AsrHealth], float]], ...] = (
    ("ready", "1 when the recogniser is loaded.", lambda h: float(h.ready)),
    ("legs", "Audio legs under recognition.", lambda h: h.legs),
    ("lag_seconds", "Age of the oldest final transcript still waiting.", lambda h: h.lag_s),
    (
        "overloaded",
        "1 from when finals come late until all have caught up.",
        lambda h: float(h.overloaded),
    ),
    ("workers", "Worker processes that recognise.", lambda h: h.workers),
    ("queue_depth", "Segments waiting for the recogniser.", lambda h: h.queued),
    (
        "real_time_factor",
        "Decoding time per second of decoded audio, since the start.",
        lambda h: h.decode_s / h.audio_s if h.audio_s else 0.0,
    ),
)
_ASR_COUNTERS: tuple[tuple[str, str, Callable[[AsrHealth], float]], ...] = (
    ("segments", "Speech segments recognised.", lambda h: h.segments),
    ("partials", "Partial transcripts made.", lambda h: h.partials),
    ("partials_skipped", "Partial transcripts given up to keep up.", lambda h: h.partials_skipped),
    ("redecodes", "Segments decoded again by a guard.", lambda h: h.redecodes),
    ("late", "Finals that came late because the node could not keep up.", lambda h: h.late),
    ("ahead", "Finals decoded before the end of speech was certain.", lambda h: h.ahead),
    ("ahead_wasted", "Such decodings in vain: speech went on.", lambda h: h.ahead_wasted),
    ("workers_replaced", "Worker processes that died or hung.", lambda h: h.workers_replaced),
    ("audio_seconds", "Audio decoded.", lambda h: h.audio_s),
    ("decode_seconds", "Time spent decoding.", lambda h: h.decode_s),
)
_LOST_AUDIO = "tap_audio_lost_seconds"


class HealthCollector(Collector):
    """The last health report of each recogniser node and each PBX.

    Counts in a report are totals since that node's start, so they are handed on as they are; a
    restarted node's smaller number is a counter reset, which Prometheus understands.
    """

    def __init__(self, max_sources: int = 64) -> None:
        self._nodes = LabelBound(max_sources)
        self._systems = LabelBound(max_sources)
        self._asr: dict[str, AsrHealth] = {}
        self._pbx: dict[str, PbxHealth] = {}
        self._taps: dict[str, TapHealth] = {}

    def asr(self, health: AsrHealth) -> None:
        """Keep a recogniser's report."""
        self._asr[self._nodes.value(health.node)] = health

    def pbx(self, health: PbxHealth) -> None:
        """Keep a PBX connection's report."""
        self._pbx[self._systems.value(health.system)] = health

    def taps(self, health: TapHealth) -> None:
        """Keep a tap connection's report."""
        self._taps[self._systems.value(health.system)] = health

    def describe(self) -> Iterable[Metric]:
        """Registered without being collected."""
        return []

    def collect(self) -> Iterable[Metric]:
        """One sample per source that has reported."""
        for name, text, value in _ASR_GAUGES:
            gauge = GaugeMetricFamily(f"tingzhen_asr_{name}", text, labels=["node"])
            for node, health in self._asr.items():
                gauge.add_metric([node], value(health))
            yield gauge
        for name, text, value in _ASR_COUNTERS:
            counter = CounterMetricFamily(f"tingzhen_asr_{name}", text, labels=["node"])
            for node, health in self._asr.items():
                counter.add_metric([node], value(health))
            yield counter
        yield from self._collect_pbx()

    def _collect_pbx(self) -> Iterable[Metric]:
        up = GaugeMetricFamily(
            "tingzhen_ami_up", "1 while the manager connection is up.", labels=["system"]
        )
        last = GaugeMetricFamily(
            "tingzhen_ami_last_event_timestamp_seconds",
            "Arrival of the last message from the PBX.",
            labels=["system"],
        )
        reconnects = CounterMetricFamily(
            "tingzhen_ami_reconnects", "Manager connections made anew.", labels=["system"]
        )
        for system, health in self._pbx.items():
            up.add_metric([system], float(health.up))
            reconnects.add_metric([system], health.reconnects)
            if health.last_event_at is not None:
                last.add_metric([system], health.last_event_at)
        tap_up = GaugeMetricFamily(
            "tingzhen_tap_up", "1 while audio can be asked for.", labels=["system"]
        )
        tap_legs = GaugeMetricFamily(
            "tingzhen_tap_legs", "Audio legs that the PBX sends.", labels=["system"]
        )
        lost = CounterMetricFamily(
            f"tingzhen_{_LOST_AUDIO}",
            "Audio that the PBX threw away instead of sending it.",
            labels=["system"],
        )
        for system, tap in self._taps.items():
            tap_up.add_metric([system], float(tap.up))
            tap_legs.add_metric([system], tap.legs)
            lost.add_metric([system], tap.lost_s)
        return [up, last, reconnects, tap_up, tap_legs, lost]


HEALTH_COUNTERS = frozenset(
    {*(f"asr_{name}" for name, _, _ in _ASR_COUNTERS), "ami_reconnects", _LOST_AUDIO}
)
"""What the health reports count, named as backbone's counters are."""

_ALWAYS_SHOWN = (
    "alerts_escalated",
    "ami_dropped",
    "journal_failures",
    "journal_lost",
    "leg_pauses",
    "legs_behind",
    "notify_dropped",
    "notify_failed",
    "notify_sent",
    "projection_failures",
    "recorder_failures",
    "recordings_incomplete",
    "recordings_stored",
    "taps_failed",
    "taps_lost",
)
_BUS_DELIVERIES = ("durable", "latest", "live")


class CountersCollector(Collector):
    """All of backbone's counters, `name` as `tingzhen_<name>_total`, and the bus' queue depths.

    A counter that appears with its first count has no increase for Prometheus to see, so those
    that alerts stand on are shown with zero from the start. `shown_elsewhere` are names that
    events or health reports count already: the same family twice would be added up twice.
    """

    def __init__(
        self,
        counters: Counters,
        depths: Callable[[], Mapping[str, int]],
        shown_elsewhere: Collection[str] = (),
    ) -> None:
        self._counters = counters
        self._depths = depths
        self._shown_elsewhere = frozenset(shown_elsewhere)

    def describe(self) -> Iterable[Metric]:
        """Registered without being collected."""
        return []

    def collect(self) -> Iterable[Metric]:
        """One family per counter name."""
        depths = self._depths()
        values: dict[str, dict[tuple[tuple[str, str], ...], int]] = {
            name: {(): 0} for name in _ALWAYS_SHOWN
        }
        dropped = values.setdefault("bus_dropped", {})
        overflows = values.setdefault("bus_overflows", {})
        for subscriber in depths:
            overflows[("subscriber", subscriber),] = 0
            for delivery in _BUS_DELIVERIES:
                dropped[("delivery", delivery), ("subscriber", subscriber)] = 0
        for key, value in self._counters.snapshot().items():
            if key.name in self._shown_elsewhere:
                continue
            family = values.setdefault(key.name, {})
            # An unlabelled zero stands in only until a labelled count takes its place.
            if key.labels and family.get(()) == 0:
                del family[()]
            family[key.labels] = value
        for name, samples in sorted(values.items()):
            counter = CounterMetricFamily(
                f"tingzhen_{name}", f"Count of {name.replace('_', ' ')}, since the start."
            )
            for labels, value in samples.items():
                counter.add_sample(f"tingzhen_{name}_total", dict(labels), value)
            yield counter
        depth = GaugeMetricFamily(
            "tingzhen_bus_queue_depth",
            "Events waiting in memory for a subscriber.",
            labels=["subscriber"],
        )
        for subscriber, waiting in depths.items():
            depth.add_metric([subscriber], waiting)
        yield depth
