"""What the rules found, and where to look and listen.

Speech times (`start`, `end`) are seconds on the call's clock, whose zero is the agent's answer.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from backbone.events import Delivery, Event

Severity = Literal["info", "low", "medium", "high", "critical"]
HitRole = Literal["agent", "customer", "call"]

SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look and listen.

    `text` is the segment as transcribed; `span` the characters [from, to) of it that matched.
    A rule on call events has no segment: `measured` and `limit` say what was compared, in `unit`.
    """

    segment_id: str = ""
    text: str = ""
    span: tuple[int, int] | None = None
    measured: float | None = None
    limit: float | None = None
    unit: str = ""


class Hit(Event, frozen=True, kw_only=True):
    """A rule matched, for better (`greeting_done`) or worse."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    hit_id: str
    call_id: str
    rule: str
    kind: str
    severity: Severity
    role: HitRole
    phrase: str
    start: float
    end: float
    suspected: bool
    evidence: Evidence


class ComplianceStep(Event, frozen=True, kw_only=True):
    """Where a required step of the call stands. `due` is on the call's clock."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    step: str
    title: str
    title_en: str
    state: Literal["pending", "done", "missing"]
    due: float | None
    done_at: float | None = None
