"""Alerts: what a lead is told at once, and what becomes of it.

Speech times (`start`, `end`) are seconds on the call's clock, whose zero is the agent's answer.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from backbone.events import Delivery, Event
from qa_engine.events.findings import Evidence, HitRole, Severity

AlertState = Literal["open", "acknowledged", "judged"]
FeedbackVerdict = Literal["correct", "false_alarm"]


class Raised(Event, frozen=True, kw_only=True):
    """What an alert tells, whether it stands or is provisional. `at` is when it was emitted.

    `title` and `title_en` name the rule for people; they do not quote what was said.
    """

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


class Alert(Raised, frozen=True, kw_only=True):
    """Something a team lead should see now.

    `advice` and `advice_en` say in a line what a lead can do, without quoting either.
    `advice_after`, in both: what is left to do once the call is over; empty: that goes by the kind.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    suspected: bool
    advice: str = ""
    advice_en: str = ""
    advice_after: str = ""
    advice_after_en: str = ""
    version: str = ""
    """Of the rule pack that judged the call."""
    confirms: str = ""
    """The provisional alert that this one takes the place of."""


class ProvisionalAlert(Raised, frozen=True, kw_only=True):
    """An alert on what is still being said; an `Alert` that `confirms` it follows, or its end.

    Not stored and not numbered: who comes later hears of the alert, if it becomes one.
    """

    delivery: ClassVar[Delivery] = Delivery.LIVE


class AlertWithdrawn(Event, frozen=True, kw_only=True):
    """What was provisional is not so: the final says otherwise, or none came."""

    delivery: ClassVar[Delivery] = Delivery.LIVE

    alert_id: str
    call_id: str


class AlertShown(Event, frozen=True, kw_only=True):
    """The first frame with an alert has gone out to a browser; `at` is when.

    `end` is that of its words, on the call's clock; None where it is about none.
    """

    delivery: ClassVar[Delivery] = Delivery.LIVE

    alert_id: str
    call_id: str
    provisional: bool
    end: float | None


class AlertAcknowledged(Event, frozen=True, kw_only=True):
    """A person has taken notice of an alert.

    This and the other changes of an alert are written to the audit chain with their rows, by the
    journal; whoever publishes one writes no audit entry of its own. `by` is the user and
    `by_role` what the user was then.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    by: str
    by_role: str = ""


class AlertAssigned(Event, frozen=True, kw_only=True):
    """An alert is now `to`'s to handle; an empty `to` takes it back."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    by: str
    to: str
    by_role: str = ""


class AlertCommented(Event, frozen=True, kw_only=True):
    """Somebody wrote a remark to an alert."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    by: str
    text: str
    by_role: str = ""


class AlertFeedback(Event, frozen=True, kw_only=True):
    """A person has judged whether an alert was right; the last verdict counts."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    by: str
    verdict: FeedbackVerdict
    by_role: str = ""


class AlertEscalated(Event, frozen=True, kw_only=True):
    """An alert goes a level up: 1 is the lead whom it was raised to, 2 the next above, and so on.

    `by` is a user, or `timer` when nobody took notice in time.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    by: str
    level: int
    by_role: str = ""


class RuleMuted(Event, frozen=True, kw_only=True):
    """A rule raises no more alerts on this call, or does again (`muted` false).

    What it finds is still recorded as hits and still counts for the score.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    rule: str
    by: str
    muted: bool = True
    by_role: str = ""
