"""Web Push to browsers (RFC 8030, 8291, 8292): off unless a site allows it.

A browser's subscription is kept like any other address. The installation's VAPID key, by which push
services know it, is derived from its own key. Push services are hosts of the browsers' makers,
outside of the hospital: what goes through them is encrypted for the one browser, yet that something
was pushed, and when, is theirs to see.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Collection
from typing import Annotated
from urllib.parse import urlsplit

import http_ece
import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from agent_console.work.notify.plan import Facts
from agent_console.work.secrets import Keyring
from agent_console.work.settings import NotifySettings

SCHEME = "webpush"

_CURVE = ec.SECP256R1()
# Of P-256; a private key is a number from 1 to one less (SEC 2, 2.4.2).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_SECRET_BYTES = 16  # RFC 8291, 3.2
_TOKEN_S = 12 * 3600
_KEPT_S = 3600
"""For how long a push service keeps what it cannot deliver; an older alert is no news."""
_URGENT = ("critical", "high")
_GONE = (404, 410)  # RFC 8030, 7.3, and what services answer in truth

_Base64 = Annotated[str, StringConstraints(pattern=r"^[\w-]{16,128}={0,2}$")]


def _bytes(text: str) -> bytes:
    bare = text.rstrip("=")
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


def _point(text: str) -> str:
    ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, _bytes(text))
    return text


def _secret(text: str) -> str:
    if len(_bytes(text)) != _SECRET_BYTES:
        raise ValueError(f"an authentication secret has {_SECRET_BYTES} bytes")
    return text


class Subscription(BaseModel):
    """What a browser answers to `pushManager.subscribe`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: Annotated[str, StringConstraints(min_length=12, max_length=1500)]
    p256dh: Annotated[_Base64, AfterValidator(_point)]
    auth: Annotated[_Base64, AfterValidator(_secret)]

    def address(self) -> str:
        """As it is kept: `webpush:` and JSON."""
        return f"{SCHEME}:{self.model_dump_json()}"


def private_key(keyring: Keyring) -> ec.EllipticCurvePrivateKey:
    """The installation's VAPID key, the same at every start."""
    number = int.from_bytes(keyring.derived(b"vapid"), "big")
    return ec.derive_private_key(number % (_ORDER - 1) + 1, _CURVE)


def public_key(keyring: Keyring) -> str:
    """What a browser subscribes with: the uncompressed point in URL-safe base64."""
    point = private_key(keyring).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def parse(address: str, hosts: Collection[str]) -> Subscription | None:
    """The subscription of an address; None when it is none or names a host that is not allowed.

    Args:
        address: as `Subscription.address` made it.
        hosts: hosts, each with all below it.
    """
    try:
        found = Subscription.model_validate_json(address.removeprefix(f"{SCHEME}:"))
        parts = urlsplit(found.endpoint)
        host = parts.hostname or ""
        plain = not (parts.username or parts.password) and found.endpoint.isprintable()
    except (ValidationError, ValueError):
        return None
    known = any(host == one or host.endswith(f".{one}") for one in hosts)
    return found if parts.scheme == "https" and plain and known else None


class GoneError(Exception):
    """The push service knows this subscription no more."""


class WebPush:
    """Pushes to browsers. Blocks; call it in a thread."""

    def __init__(self, settings: NotifySettings, keyring: Keyring) -> None:
        self._settings = settings
        self._vapid = Vapid02(private_key(keyring))
        self._timeout = httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s)

    def send(self, subscription: Subscription, facts: Facts) -> bool:
        """Push one notice; whether the push service took it.

        Raises:
            GoneError: the subscription has expired or was withdrawn.
        """
        parts = urlsplit(subscription.endpoint)
        # Each service gets a token of its own, good for less than the day that RFC 8292 allows.
        claims = {
            "aud": f"https://{parts.netloc}",
            "exp": int(time.time()) + _TOKEN_S,
            "sub": f"mailto:{self._settings.web_push_contact}",
        }
        headers = {
            **self._vapid.sign(claims),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(_KEPT_S),
            "Urgency": "high" if facts.severity in _URGENT else "normal",
        }
        body = encrypt(subscription, msgspec.json.encode(facts))
        # A redirect is not followed: it could lead where the settings do not.
        try:
            answer = httpx.post(
                subscription.endpoint, content=body, headers=headers, timeout=self._timeout
            )
        except httpx.HTTPError:
            return False
        if answer.status_code in _GONE:
            raise GoneError
        return answer.is_success


def encrypt(subscription: Subscription, payload: bytes) -> bytes:
    """A payload that only the subscribed browser can read (RFC 8291)."""
    sealed: bytes = http_ece.encrypt(
        payload,
        private_key=ec.generate_private_key(_CURVE),
        dh=_bytes(subscription.p256dh),
        auth_secret=_bytes(subscription.auth),
        version="aes128gcm",
    )
    return sealed
