"""What a browser keeps of a push subscription, and a push service on loopback that has its pushes.

The service speaks HTTPS with a certificate of the test's own authority, as real ones do.
"""

from __future__ import annotations

import base64
import contextlib
import os
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from patience import PATIENCE_S

from agent_console.work.notify.webpush import Subscription

CURVE = ec.SECP256R1()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class Subscriber:
    """A browser's keys, and how it reads a push (RFC 8291)."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(CURVE)
        self.auth = os.urandom(16)

    @property
    def p256dh(self) -> str:
        return b64(point(self.key.public_key()))

    def subscription(self, endpoint: str) -> Subscription:
        return Subscription(endpoint=endpoint, p256dh=self.p256dh, auth=b64(self.auth))

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


@dataclass(frozen=True)
class Received:
    """One push as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes


class BrowserPushService:
    """Takes pushes; answers `status`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 201
        self._arrived = threading.Condition()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with service._arrived:
                    service.received.append(Received(self.path, dict(self.headers.items()), body))
                    service._arrived.notify_all()
                self.send_response(service.status)
                if 300 <= service.status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def endpoint(self) -> str:
        return f"https://localhost:{self.server.server_port}/push/s3cret"

    def wait(self, count: int) -> list[Received]:
        """The pushes, when there are so many. Blocks."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.received) >= count, timeout=PATIENCE_S)
            return list(self.received)


@contextlib.contextmanager
def browser_push_service(folder: Path) -> Iterator[BrowserPushService]:
    """Run one, trusted by this process while it runs."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    service = BrowserPushService()
    service.server.socket = context.wrap_socket(service.server.socket, server_side=True)
    thread = threading.Thread(target=service.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        with mock.patch.dict(os.environ, {"SSL_CERT_FILE": str(folder / "ca.pem")}):
            yield service
    finally:
        service.server.shutdown()
        service.server.server_close()
        thread.join()
