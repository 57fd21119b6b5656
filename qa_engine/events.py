"""What the rules found.

Speech times (`start`, `end`) are seconds on the call's clock, whose zero is the agent's answer.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from backbone.events import Delivery, Event

Severity = Literal["info", "low", "medium", "high", "critical"]
HitRole = Literal["agent", "customer", "call"]
AlertState = Literal["open", "acknowledged"]

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


class Alert(Event, frozen=True, kw_only=True):
    """Something a team lead should see now. `at` is when it was emitted.

    `title` and `title_en` name the rule for people, `advice` and `advice_en` say in a line what a
    lead can do; none of them quotes what was said.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    queue: str
    agent: str
    rule: str
    kind: str
    severity: Severity
    role: HitRole
    title: str
    title_en: str
    phrase: str
    start: float
    end: float
    suspected: bool
    evidence: Evidence
    advice: str = ""
    advice_en: str = ""
    confirms: str = ""
    """The provisional alert that this one takes the place of."""


class ProvisionalAlert(Event, frozen=True, kw_only=True):
    """An alert on what is still being said; an `Alert` that `confirms` it follows, or its end.

    Not stored and not numbered: who comes later hears of the alert, if it becomes one.
    """

    delivery: ClassVar[Delivery] = Delivery.LIVE

    alert_id: str
    call_id: str
    queue: str
    agent: str
    rule: str
    kind: str
    severity: Severity
    role: HitRole
    title: str
    title_en: str
    phrase: str
    start: float
    end: float
    evidence: Evidence


class AlertWithdrawn(Event, frozen=True, kw_only=True):
    """What was provisional is not so: the final says otherwise, or none came."""

    delivery: ClassVar[Delivery] = Delivery.LIVE

    alert_id: str
    call_id: str


class AlertAcknowledged(Event, frozen=True, kw_only=True):
    """A person has taken notice of an alert."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    by: str


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


class ScoreItem(msgspec.Struct, frozen=True, kw_only=True):
    """The automatic answer to one question of a scorecard.

    `pending`: not decided yet; `na`: does not apply to this call, or could not be known. `earned`
    of `points` is 0 for both.
    """

    section: str
    item: str
    title: str
    title_en: str
    answer: Literal["yes", "no", "na", "pending"]
    points: float
    earned: float
    critical: bool = False


class RunningScore(Event, frozen=True, kw_only=True):
    """How the call scores so far, 0..100, by what is decided; None while nothing is."""

    delivery: ClassVar[Delivery] = Delivery.LATEST

    call_id: str
    card: str
    revision: str
    score: float | None
    items: tuple[ScoreItem, ...]

    def latest_key(self) -> object:
        """One per call."""
        return ("score", self.call_id)


class Score(Event, frozen=True, kw_only=True):
    """How the call scored automatically, once it was over. `revision` is the pack's version."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    score_id: str
    call_id: str
    queue: str
    agent: str
    card: str
    revision: str
    score: float | None
    items: tuple[ScoreItem, ...]


class RulesLoaded(Event, frozen=True, kw_only=True):
    """A rule pack is in force from now on, or was refused (`error`, the old one stays)."""

    delivery: ClassVar[Delivery] = Delivery.LATEST

    pack: str
    version: str
    rules: int
    error: str = ""
