"""What the numbers themselves tell."""

from __future__ import annotations

from typing import ClassVar, Literal

from backbone.events import Delivery, Event


class ServiceAlert(Event, frozen=True, kw_only=True):
    """One of Prometheus' alerts began or is over: about a queue or the system, never about a call.

    `alert_key` is the same for begin and end, `name` the rule's (AnswerRateLow), `queue` empty
    where it is about no queue. docs/runbooks has a page for each name.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_key: str
    name: str
    severity: Literal["warning", "critical"]
    firing: bool
    queue: str
    summary: str
    summary_en: str
