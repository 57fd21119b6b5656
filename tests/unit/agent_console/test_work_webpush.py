"""Web Push against a real HTTPS server: what a browser would decrypt is the push, and no more."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agent_console.work.notify.plan import Message
from agent_console.work.notify.push import AddressError, AppriseSender
from agent_console.work.notify.webpush import Subscription, parse, public_key
from agent_console.work.secrets import Keyring
from agent_console.work.settings import NotifySettings

CURVE = ec.SECP256R1()
HOSTS = ("push.example", "localhost")


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class Browser:
    """What a browser keeps of a subscription, and how it reads a push (RFC 8291)."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(CURVE)
        self.auth = b"0123456789abcdef"

    def subscription(self, endpoint: str) -> Subscription:
        p256dh = b64(point(self.key.public_key()))
        return Subscription(endpoint=endpoint, p256dh=p256dh, auth=b64(self.auth))

    def read(self, body: bytes) -> str:
        salt, size = body[:16], body[20]
        theirs, sealed = body[21 : 21 + size], body[21 + size :]
        shared = self.key.exchange(
            ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, theirs)
        )
        info = b"WebPush: info\0" + point(self.key.public_key()) + theirs
        secret = HKDF(SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        return AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0").removesuffix(b"\2").decode()


class PushService:
    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.status = 201
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.received.append((dict(self.headers.items()), body))
                self.send_response(service.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushService]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    service = PushService()
    service.server.socket = context.wrap_socket(service.server.socket, server_side=True)
    threading.Thread(target=service.server.serve_forever, daemon=True).start()
    yield service
    service.server.shutdown()
    service.server.server_close()


def test_a_browser_reads_the_push_and_knows_who_sent_it(service: PushService) -> None:
    keyring, browser = Keyring.made_up(), Browser()
    sender = AppriseSender(NotifySettings(web_push_hosts=HOSTS), keyring)
    endpoint = f"https://localhost:{service.server.server_port}/push/s3cret"
    address = browser.subscription(endpoint).address()
    assert sender.check(address) == "webpush"
    assert sender.send(address, Message("听诊 告警", "kind: red_line\nid: a-1")) is True
    [(headers, body)] = service.received
    said = browser.read(body)
    assert "kind: red_line" in said
    assert "id: a-1" in said
    assert headers["Authorization"].startswith("vapid t=")
    assert headers["Authorization"].endswith(f"k={public_key(keyring)}")
    service.status = 410
    assert sender.send(address, Message("t", "b")) is False


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
    address = Browser().subscription(endpoint).address()
    assert parse(address, HOSTS) is None
    with pytest.raises(AddressError) as refused:
        AppriseSender(NotifySettings(web_push_hosts=HOSTS), Keyring.made_up()).check(address)
    assert "passwd" not in str(refused.value)


def test_hosts_below_an_allowed_one_are_allowed() -> None:
    known = parse(Browser().subscription("https://a.push.example/x1234").address(), HOSTS)
    assert known is not None
    assert known.endpoint == "https://a.push.example/x1234"
    for broken in ("webpush:", "webpush:{}", "webpush:[1]", 'webpush:{"endpoint": 1}'):
        assert parse(broken, HOSTS) is None
