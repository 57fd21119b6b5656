"""What Alertmanager posts, and what may be posted in its place."""

from __future__ import annotations

import contextlib
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from metrics.alertmanager import MAX_BODY, MAX_NOTICES, AlertHook, WebhookError, read_webhook
from metrics.events import ServiceAlert
from metrics.exposition import MetricsApp
from metrics.settings import MetricsSettings

TOKEN = "sesame"


def alert(**more):
    return {
        "status": "firing",
        "labels": {"alertname": "WaitLong", "severity": "warning", "queue": "support"},
        "annotations": {"summary": "有人在等", "summary_en": "Somebody waits"},
        "startsAt": "2026-11-22T02:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "c0ffee",
    } | more


def post(*alerts, **more):
    return json.dumps(
        {"version": "4", "receiver": "tingzhen", "status": "firing", "alerts": alerts} | more
    ).encode()


def test_a_post_becomes_notices():
    begun, over = read_webhook(post(alert(), alert(status="resolved", fingerprint="")))
    assert (begun.key, begun.name, begun.severity) == ("c0ffee", "WaitLong", "warning")
    assert (begun.subject, begun.summary, begun.summary_en) == (
        "support",
        "有人在等",
        "Somebody waits",
    )
    assert begun.firing
    assert (over.key, over.firing) == ("WaitLong/support", False)


def test_an_alert_of_the_whole_site_has_no_subject_and_texts_of_its_own():
    (notice,) = read_webhook(post(alert(labels={"alertname": "DiskLow"}, annotations={})))
    assert (notice.subject, notice.severity, notice.summary) == ("", "", "DiskLow")


def test_a_flood_is_cut_and_a_text_fits_on_one_line():
    notices = read_webhook(post(*[alert(annotations={"summary": "一\n二" * 120})] * 80))
    assert len(notices) == MAX_NOTICES
    assert len(notices[0].summary) == 300
    assert "\n" not in notices[0].summary


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"version": "4"}',
        post(version="3"),
        post({"status": "unheard of", "labels": {}}),
        post({"status": "firing", "labels": {"alertname": 7}}),
        b"\xff\xfe",
        b" " * (MAX_BODY + 1),
        b"[" * 100_000,
    ],
)
def test_what_is_no_post_is_refused(body):
    with pytest.raises(WebhookError):
        read_webhook(body)


@given(st.binary(max_size=200))
def test_bytes_are_notices_or_refused(body):
    with contextlib.suppress(WebhookError):
        assert isinstance(read_webhook(body), list)


async def test_a_post_to_the_hook_is_published_and_anything_else_refused():
    clock, bus, registry = ManualClock(1000.0), Bus(Counters()), CollectorRegistry()
    app = MetricsApp(MetricsSettings(token=TOKEN), registry, AlertHook(bus, clock))
    subscription = bus.subscribe("test", ServiceAlert)

    async def answered(body, token=TOKEN):
        transport = httpx.ASGITransport(app, client=("192.0.2.7", 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
            headers = {"authorization": f"Bearer {token}"}
            return (await client.post("/", content=body, headers=headers)).status_code

    assert await answered(post(alert()), token="wrong") == 401
    assert await answered(b"{}") == 400
    assert await answered(b" " * (MAX_BODY + 1)) == 413
    assert await answered(post(alert(), alert(status="resolved"))) == 204
    begun = (await anext(subscription)).event
    over = (await anext(subscription)).event
    subscription.close()
    assert (begun.name, begun.queue, begun.firing, begun.at) == (
        "WaitLong",
        "support",
        True,
        1000.0,
    )
    assert (over.alert_key, over.firing) == (begun.alert_key, False)


async def test_without_a_hook_nothing_can_be_posted():
    app = MetricsApp(MetricsSettings(), CollectorRegistry())
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
        assert (await client.post("/", content=post(alert()))).status_code == 405
