"""Service targets, in one place: dashboards, alerting rules and reports take them from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ANSWER_RATE = 0.98
"""Answered / offered (接通率) must not fall below this."""

ANSWER_RATE_EMERGENCY = 0.95
"""Below this the emergency seats are called in (启用应急坐席)."""

SERVICE_LEVEL = 0.80
"""Offered calls answered within the answer speed; the usual 80 % of call centres."""

ABANDONMENT = 0.05
"""Offered callers who give up; above it, they wait too long."""

ABANDONMENT_SPIKE = 0.15
"""Abandonment in a quarter of an hour that somebody must look at now."""

LONGEST_WAIT_S = 60.0
"""Nobody should wait longer than this for an agent, in seconds."""

ACKNOWLEDGE_S = 120.0
"""A red alert that nobody has acknowledged by then is nobody's; seconds."""

SCRIPT_COMPLIANCE = 0.95
"""Required steps of a call that are done."""

SATISFACTION = 0.95
"""Ratings of four and five."""

RED_LINES = 0.0
"""Red lines crossed: none is tolerated."""

CALLBACK_RATE = 0.90
"""Unanswered callers who are called back in time."""

DISK_FREE = 0.10
"""Free share of the data's disk, below which recordings and records are at risk."""

CERTIFICATE_DAYS = 14.0
"""Days before a certificate ends that somebody must renew it."""

ALERT_LATENCY_S = 3.0
"""From the end of the words to the alert: 95 of 100 alerts are there by then; seconds."""

ALERT_FRAME_S = 2.0
"""The same to the alert's first websocket frame, on finals; seconds."""

ANSWER_SPEED_S = 15.0
"""Average speed of answer, and the wait that a service level is measured at; seconds."""

RING_LIMIT = 3
"""An agent's phone rings at most so often before it is answered (铃响三声内)."""

RING_SLA = 0.95
"""Share of answered calls that keep the ring limit."""

FIRST_CONTACT_RESOLUTION = 0.90
"""Callers who need not call again within the window."""

TAPPED = 0.95
"""Answered calls whose both sides are heard; below it, alerts are missed unnoticed."""

TAP_AUDIO_LOST = 0.01
"""Share of the legs' audio that the PBX loses before sending it; above it, words are missing."""

ASR_LAG_S = 5.0
"""Age of the oldest final transcript still waiting, beyond which a live alert comes late."""

EVENT_AGE_S = 300.0
"""Silence of the PBX while a call is in progress, beyond which the connection is doubted."""

MINIMUM_VOLUME = 20
"""Offered calls in the window, below which a ratio is chance and no alert is raised."""

MINIMUM_SPIKE_VOLUME = 10
"""The same for a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a KPI of `metrics.figures.Kpis` should be: at least or at most `value`."""

    kpi: str
    direction: Literal["at_least", "at_most"]
    value: float

    def met(self, value: float | None) -> bool | None:
        """Whether a value keeps it; None when the value is unknown."""
        if value is None:
            return None
        return value >= self.value if self.direction == "at_least" else value <= self.value


TARGETS: dict[str, Target] = {
    target.kpi: target
    for target in (
        Target("answer_rate", "at_least", ANSWER_RATE),
        Target("service_level", "at_least", SERVICE_LEVEL),
        Target("average_speed_of_answer_s", "at_most", ANSWER_SPEED_S),
        Target("longest_wait_s", "at_most", LONGEST_WAIT_S),
        Target("ring_sla", "at_least", RING_SLA),
        Target("abandonment_rate", "at_most", ABANDONMENT),
        Target("callback_rate", "at_least", CALLBACK_RATE),
        Target("first_contact_resolution", "at_least", FIRST_CONTACT_RESOLUTION),
        Target("first_contact_by_disposition", "at_least", FIRST_CONTACT_RESOLUTION),
        Target("satisfaction", "at_least", SATISFACTION),
        Target("script_compliance", "at_least", SCRIPT_COMPLIANCE),
        Target("red_lines", "at_most", RED_LINES),
        Target("mean_acknowledge_time_s", "at_most", ACKNOWLEDGE_S),
        Target("heard_share", "at_least", TAPPED),
    )
}
"""The targets by KPI; one that is not here has none."""
