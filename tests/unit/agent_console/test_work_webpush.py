"""Web Push against a real HTTPS server: what a browser would decrypt are the facts, and no more."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_push import (
    CURVE,
    BrowserPushService,
    Subscriber,
    b64,
    browser_push_service,
    unb64,
)
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent_console.work.notify.plan import Facts, Message
from agent_console.work.notify.push import AddressError, AppriseSender
from agent_console.work.notify.webpush import (
    GoneError,
    Subscription,
    encrypt,
    parse,
    public_key,
)
from agent_console.work.secrets import Keyring
from agent_console.work.settings import NotifySettings

HOSTS = ("push.example", "localhost")
SETTINGS = NotifySettings(web_push=True, web_push_hosts=HOSTS)
ALERT = Message("听诊 告警", "in words", Facts("alert", "a-1", "red_line", "critical", 1))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[BrowserPushService]:
    with browser_push_service(tmp_path) as service:
        yield service


def test_a_browser_reads_the_facts_and_no_words(service: BrowserPushService) -> None:
    browser = Subscriber()
    sender = AppriseSender(SETTINGS, Keyring.made_up())
    address = browser.subscription(service.endpoint).address()
    assert sender.check(address) == "webpush"
    assert sender.send(address, ALERT) is True
    [push] = service.received
    assert json.loads(browser.read(push.body)) == {
        "subject": "alert",
        "id": "a-1",
        "kind": "red_line",
        "severity": "critical",
        "level": 1,
    }
    assert push.headers["Content-Encoding"] == "aes128gcm"
    assert push.headers["Urgency"] == "high"
    assert int(push.headers["TTL"]) > 0


def test_the_push_service_can_tell_who_sent_it(service: BrowserPushService) -> None:
    keyring = Keyring.made_up()
    AppriseSender(SETTINGS, keyring).send(
        Subscriber().subscription(service.endpoint).address(), ALERT
    )
    token, _, key = service.received[0].headers["Authorization"].partition(",k=")
    assert key == public_key(keyring)
    signed, _, signature = token.removeprefix("vapid t=").rpartition(".")
    raw = unb64(signature)
    ec.EllipticCurvePublicKey.from_encoded_point(CURVE, unb64(key)).verify(
        encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")),
        signed.encode(),
        ec.ECDSA(SHA256()),
    )
    claims = json.loads(unb64(signed.split(".")[1]))
    assert claims["aud"] == service.endpoint.removesuffix("/push/s3cret")
    assert claims["sub"].startswith("mailto:")
    assert time.time() < claims["exp"] < time.time() + 24 * 3600


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_over_is_told_from_a_service_that_stumbles(
    service: BrowserPushService, status: int
) -> None:
    sender = AppriseSender(SETTINGS, Keyring.made_up())
    address = Subscriber().subscription(service.endpoint).address()
    service.status = 503
    assert sender.send(address, ALERT) is False
    service.status = status
    with pytest.raises(GoneError):
        sender.send(address, ALERT)


def test_a_redirect_is_not_followed(service: BrowserPushService) -> None:
    service.status = 307
    address = Subscriber().subscription(service.endpoint).address()
    assert AppriseSender(SETTINGS, Keyring.made_up()).send(address, ALERT) is False
    assert [push.path for push in service.received] == ["/push/s3cret"]


@given(payload=st.binary(min_size=1, max_size=1000))
def test_what_is_encrypted_is_read_by_this_browser_and_by_no_other(payload: bytes) -> None:
    browser, other = Subscriber(), Subscriber()
    text = b64(payload)
    sealed = encrypt(browser.subscription("https://push.example/x"), text.encode())
    assert browser.read(sealed) == text
    with pytest.raises(Exception):  # noqa: B017, PT011 - InvalidTag, of a library's own
        other.read(sealed)


def test_the_key_is_the_same_at_every_start_and_another_at_every_site() -> None:
    keyring = Keyring(b"k" * 32)
    assert public_key(keyring) == public_key(Keyring(b"k" * 32))
    assert public_key(keyring) != public_key(Keyring(b"l" * 32))
    assert len(base64.urlsafe_b64decode(public_key(keyring) + "=")) == 65


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example/x",
        "https://push.example.evil.org/x",
        "https://evilpush.example/x",
        "https://127.0.0.1/push/x",
        "https://user@push.example/x",
        "https://[::1/xxxxxxxx",
        "file:///etc/passwd",
    ],
)
def test_an_endpoint_of_another_host_is_refused(endpoint: str) -> None:
    address = Subscriber().subscription(endpoint).address()
    assert parse(address, HOSTS) is None
    with pytest.raises(AddressError) as refused:
        AppriseSender(SETTINGS, Keyring.made_up()).check(address)
    assert "passwd" not in str(refused.value)


def test_hosts_below_an_allowed_one_are_allowed() -> None:
    known = parse(Subscriber().subscription("https://a.push.example/x1234").address(), HOSTS)
    assert known is not None
    assert known.endpoint == "https://a.push.example/x1234"
    for broken in ("webpush:", "webpush:{}", "webpush:[1]", 'webpush:{"endpoint": 1}'):
        assert parse(broken, HOSTS) is None


def test_no_browser_is_pushed_to_unless_the_site_allows_it() -> None:
    sender = AppriseSender(NotifySettings(), Keyring.made_up())
    address = Subscriber().subscription("https://fcm.googleapis.com/fcm/send/x").address()
    with pytest.raises(AddressError, match="web_push"):
        sender.check(address)
    with pytest.raises(AddressError, match="web_push"):
        sender.send(address, ALERT)


@pytest.mark.parametrize(
    "broken", [{"p256dh": "A" * 87}, {"p256dh": "x" * 20}, {"auth": "A" * 20}, {"auth": "A" * 44}]
)
def test_keys_that_are_none_are_refused_when_they_come(broken: dict[str, str]) -> None:
    good = Subscriber().subscription("https://push.example/x1").model_dump()
    with pytest.raises(ValidationError):
        Subscription(**{**good, **broken})
