"""What Alertmanager posts, and what may be posted in its place."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.alertmanager import MAX_BODY, MAX_NOTICES, WebhookError, read_webhook


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
