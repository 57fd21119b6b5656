"""What Alertmanager posts to a webhook, as notices that can be pushed to people.

`POST /api/v1/hooks/alertmanager` hands the body to `read_webhook`; the events made of it reach the
notifier, and so the same phones and watches as the desk's alerts. The config that sends it is
docker/alertmanager/alertmanager.yml. A notice names queues and components, never a call or a
person: the rules have no such labels.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from backbone.bus import Bus
from backbone.clock import Clock
from metrics.events import ServiceAlert

MAX_NOTICES = 50
"""Of one post; a flood is one trouble, and the first say which."""

MAX_BODY = 256 * 1024
"""Bytes of a post that are looked at."""

_LONGEST = 300


class ServiceNotice(msgspec.Struct, frozen=True, kw_only=True):
    """One of Prometheus' alerts, begun or over.

    `key` is the same for the same alert's begin and end. `severity` is warning or critical as the
    rules say; `subject` the queue, node or system that it is about, empty for the whole site;
    `queue` that queue, if it is one.
    """

    key: str
    name: str
    severity: str
    firing: bool
    subject: str
    queue: str
    summary: str
    summary_en: str
    runbook: str
    started_at: str


class WebhookError(ValueError):
    """The body is not what Alertmanager sends."""


class _Alert(msgspec.Struct):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    fingerprint: str = ""
    startsAt: str = ""  # noqa: N815 - Alertmanager's own name


class _Post(msgspec.Struct):
    version: str
    alerts: list[_Alert]


_DECODER = msgspec.json.Decoder(_Post)
_SUBJECTS = ("queue", "system", "node", "subscriber", "pack", "certificate", "scheme")


def read_webhook(body: bytes) -> list[ServiceNotice]:
    """The notices of one post (webhook format 4).

    Raises:
        WebhookError: the body is too long, or not such a post.
    """
    if len(body) > MAX_BODY:
        raise WebhookError(f"more than {MAX_BODY} bytes")
    try:
        post = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WebhookError(f"not a post of Alertmanager: {type(error).__name__}") from error
    if post.version != "4":
        raise WebhookError("this version of the webhook format is not known")
    return [_notice(alert) for alert in post.alerts[:MAX_NOTICES]]


def event_of(notice: ServiceNotice, at: float) -> ServiceAlert:
    """The event of a notice that arrived at `at`; a severity of somebody's own is a warning."""
    return ServiceAlert(
        at=at,
        alert_key=notice.key,
        name=notice.name,
        severity="critical" if notice.severity == "critical" else "warning",
        firing=notice.firing,
        queue=notice.queue,
        summary=notice.summary,
        summary_en=notice.summary_en,
    )


def _notice(alert: _Alert) -> ServiceNotice:
    labels, texts = alert.labels, alert.annotations
    name = labels.get("alertname", "")
    subject = next((labels[label] for label in _SUBJECTS if label in labels), "")
    return ServiceNotice(
        key=_short(alert.fingerprint or f"{name}/{subject}"),
        name=_short(name),
        severity=_short(labels.get("severity", "")),
        firing=alert.status == "firing",
        subject=_short(subject),
        queue=_short(labels.get("queue", "")),
        summary=_short(texts.get("summary", name)),
        summary_en=_short(texts.get("summary_en", name)),
        runbook=_short(texts.get("runbook_url", "")),
        started_at=_short(alert.startsAt),
    )


def _short(text: str) -> str:
    """One line that fits on a phone, whatever was posted."""
    return "".join(c if c.isprintable() else " " for c in text[:_LONGEST])


class AlertHook:
    """Publishes what Alertmanager posts, each begin and each end of an alert."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock

    async def __call__(self, body: bytes) -> None:
        """Take one post in.

        Raises:
            WebhookError: it is none.
        """
        for notice in read_webhook(body):
            await self._bus.publish(event_of(notice, self._clock.time()))
