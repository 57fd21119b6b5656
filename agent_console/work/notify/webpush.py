"""Web Push to browsers (RFC 8030, 8291, 8292), by Apprise.

A browser's subscription is kept like any other address. The installation's VAPID key, by which push
services know it, is derived from its own key. Browsers name hosts of their makers, so a hospital
whose console reaches no outside host cannot use this.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from agent_console.work.secrets import Keyring

SCHEME = "webpush"

_CURVE = ec.SECP256R1()
# Of P-256; a private key is a number from 1 to one less (SEC 2, 2.4.2).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_Base64 = Annotated[str, StringConstraints(pattern=r"^[\w-]{16,128}={0,2}$")]


class Subscription(BaseModel):
    """What a browser answers to `pushManager.subscribe`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: Annotated[str, StringConstraints(min_length=12, max_length=1500)]
    p256dh: _Base64
    auth: _Base64

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


def apprise_url(subscription: Subscription, keyring: Keyring, contact: str, folder: Path) -> str:
    """An Apprise URL for one subscription, whose files stand in `folder`.

    Apprise reads key and subscription from files; they are needed as long as it sends.
    """
    key, known = folder / "key.pem", folder / "subscription.json"
    key.write_bytes(
        private_key(keyring).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    body = Keys(p256dh=subscription.p256dh, auth=subscription.auth)
    entry = Entry(endpoint=subscription.endpoint, keys=body)
    known.write_text(f'{{"{contact}": {entry.model_dump_json()}}}', "utf-8")
    return f"vapid://{contact}/?keyfile={quote(str(key))}&subfile={quote(str(known))}"


class Keys(BaseModel):
    """Keys as a browser writes them."""

    p256dh: str
    auth: str


class Entry(BaseModel):
    """A subscription as a browser writes it."""

    endpoint: str
    keys: Keys
