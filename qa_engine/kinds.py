"""The kinds of findings that reports and scripted calls name."""

from __future__ import annotations

from typing import Literal

KindClass = Literal["positive", "violation", "risk", "process"]
"""positive: as it should be; violation: the agent's fault; risk: the customer's words need
attention; process: a figure of the call itself."""

KINDS: dict[str, KindClass] = {
    "greeting_done": "positive",
    "closing_done": "positive",
    "appointment_readback_done": "positive",
    "emergency_directed_120": "positive",
    "missing_greeting": "violation",
    "missing_closing": "violation",
    "taboo_phrase": "violation",
    "red_line": "violation",
    "privacy_leak": "violation",
    "interruption": "violation",
    "dead_air": "violation",
    "fast_speech": "violation",
    "phone_diagnosis": "violation",
    "emergency_not_directed": "violation",
    "emergency_left_alone": "violation",
    "appointment_readback_missing": "violation",
    "tout_suspected": "violation",
    "customer_complaint": "risk",
    "customer_anger": "risk",
    "escalation_threat": "risk",
    "self_harm_risk": "risk",
    "medical_emergency": "risk",
    "violence_threat": "risk",
    "many_rings": "process",
    "long_wait": "process",
    "long_call": "process",
    "long_hold": "process",
    "call_abandoned": "process",
}

UNLABELLED = frozenset({"emergency_left_alone"})
"""Kinds that the labels of scripted calls do not know: nothing is right or wrong there."""


def class_of(kind: str, role: str) -> KindClass:
    """The class of a kind by the side that did it; a kind of the user's own is a violation."""
    if kind == "tout_suspected" and role == "customer":
        return "risk"
    return KINDS.get(kind, "violation")
