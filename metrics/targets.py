"""Service targets, in one place: dashboards, alerting rules and reports take them from here."""

ANSWER_RATE = 0.98
"""Answered / offered (接通率) must not fall below this."""

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

ASR_LAG_S = 5.0
"""Age of the oldest final transcript still waiting, beyond which a live alert comes late."""

EVENT_AGE_S = 300.0
"""Silence of the PBX while a call is in progress, beyond which the connection is doubted."""

MINIMUM_VOLUME = 20
"""Offered calls in the window, below which a ratio is chance and no alert is raised."""
