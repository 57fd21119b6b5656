"""The metrics that events count up: names, help texts, labels, buckets.

Names follow Prometheus' conventions: one prefix, base units, `_total` for counters. Labels hold
queues, outcomes, kinds, reasons and the like; never a call, a caller, an agent or anything said.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

SLA_EDGES = (5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds. A service level at one of these is an exact ratio of counts, no interpolation."""

TALK_EDGES = (10.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1800.0)
LAG_EDGES = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0)
LATENCY_EDGES = (0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 8.0, 15.0)
ACKNOWLEDGE_EDGES = (5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


class Families:
    """All metrics that are counted up by events, registered in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names: set[str] = set()

        def counter(name: str, text: str, *labels: str) -> Counter:
            names.add(name)
            return Counter(f"tingzhen_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"tingzhen_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, edges: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"tingzhen_{name}", text, labels, buckets=edges, registry=registry)

        self.counter_names = names
        """Without prefix and `_total`, as backbone names its counters."""
        self.build = Info("tingzhen_build", "Version of the running program.", registry=registry)

        # Calls
        self.joined = counter("calls_joined", "Queue visits begun.", "queue")
        self.offered = counter(
            "calls_offered",
            "Queue visits decided (answered or left), short abandons taken off.",
            "queue",
        )
        self.answered = counter("calls_answered", "Queue visits that an agent took.", "queue")
        self.ended = counter("calls_ended", "Finished queue visits.", "queue", "outcome")
        self.short_abandoned = counter(
            "calls_short_abandoned", "Abandons below the threshold, not offered calls.", "queue"
        )
        self.in_ring_limit = counter(
            "calls_answered_in_ring_limit", "Answered calls within the ring limit.", "queue"
        )
        self.refused = counter(
            "calls_refused", "Callers whom a queue did not take in.", "queue", "reason"
        )
        self.calls_incomplete = counter(
            "calls_incomplete", "Finished calls whose record lacks something, by reason.", "reason"
        )
        self.ring_attempts = counter(
            "ring_attempts", "Times an agent's phone was rung, by result.", "queue", "result"
        )
        self.ratings = counter(
            "call_ratings",
            "What callers pressed after the call, by scale (like: 1; five: 1 to 5).",
            "queue",
            "scale",
            "value",
        )
        self.rating = histogram(
            "call_rating",
            "Callers' ratings on the scale of five.",
            (1.0, 2.0, 3.0, 4.0, 5.0),
            "queue",
        )
        self.wait = histogram(
            "call_wait_seconds",
            "Time from joining the queue to connect or leaving.",
            SLA_EDGES,
            "queue",
            "outcome",
        )
        self.ring = histogram(
            "call_ring_seconds", "Alerting time of the answering agent's phone.", SLA_EDGES, "queue"
        )
        self.talk = histogram(
            "call_talk_seconds", "Time from connect to the end, hold included.", TALK_EDGES, "queue"
        )

        # Audio
        self.tapped = counter("calls_tapped", "Answered calls whose both sides were heard.")
        self.legs_opened = counter("legs_opened", "Audio legs opened.", "role")
        self.legs_incomplete = counter(
            "legs_incomplete", "Closed audio legs that lack audio, by reason.", "role", "reason"
        )

        # Transcripts
        self.final_lag = histogram(
            "transcript_final_lag_seconds",
            "Real time from the end of speech to its final transcript.",
            LAG_EDGES,
            "role",
        )
        self.unintelligible = counter(
            "transcripts_unintelligible", "Final transcripts refused by every guard.", "role"
        )

        # Quality assurance
        self.alerts = counter("alerts", "Alerts raised.", "kind", "severity")
        self.alerts_open = gauge("alerts_open", "Alerts nobody has acknowledged.", "severity")
        self.acknowledge = histogram(
            "alert_acknowledge_seconds",
            "Time from an alert to its acknowledgement.",
            ACKNOWLEDGE_EDGES,
            "severity",
        )
        self.alert_latency = histogram(
            "alert_latency_seconds",
            "Time from the end of the words to the alert on them.",
            LATENCY_EDGES,
            "stage",
        )
        self.alert_frame = histogram(
            "alert_frame_seconds",
            "Time from the end of the words to the first websocket frame of the alert on them.",
            LATENCY_EDGES,
            "stage",
        )
        self.compliance = counter(
            "compliance_steps", "Required steps of calls that reached a state.", "step", "state"
        )
        self.rules = gauge("rules_in_force", "Rules of a pack that are in force.", "pack")
        self.rules_refused = gauge(
            "rules_refused", "1 while the newest version of a pack is refused.", "pack"
        )

        # First-contact resolution, read from the call store
        self.fcr = gauge(
            "first_contact_resolution_ratio",
            "Answered calls whose caller did not call again within the window.",
            "window",
            "maturity",
        )
        self.fcr_calls = gauge(
            "first_contact_calls",
            "Answered calls that first-contact resolution was taken from.",
            "window",
            "maturity",
        )
        self.fcr_read = gauge(
            "first_contact_read_timestamp_seconds",
            "When the call store was last read for first-contact resolution.",
        )
