"""The installation's own key: it encrypts push addresses and makes pseudonyms of numbers.

It lives in a file beside the database, not in it: whoever gets a copy of the database alone can
neither push to anybody nor tell which card is of which number.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from backbone.errors import UserError

_BYTES = 32
_MODE = 0o600


class SealError(ValueError):
    """What was sealed cannot be opened with this key."""


class Keyring:
    """One key of 32 bytes and what is derived from it."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._fernet = Fernet(base64.urlsafe_b64encode(self.derived(b"seal")))
        self._pseudonyms = self.derived(b"pseudonym")

    @classmethod
    def made_up(cls) -> Keyring:
        """A key that nobody will have after this process."""
        return cls(secrets.token_bytes(_BYTES))

    @classmethod
    def load(cls, path: Path) -> Keyring:
        """The key in a file, which is made when it is not there.

        Raises:
            UserError: the file cannot be read or made, or holds no key.
        """
        try:
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
            except FileExistsError:
                text = path.read_text("ascii").strip()
            else:
                text = base64.b64encode(secrets.token_bytes(_BYTES)).decode()
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(text + "\n")
            key = base64.b64decode(text, validate=True)
        except OSError as error:
            raise UserError(f"{path}: {error.strerror or error}") from error
        except ValueError:
            key = b""
        if len(key) != _BYTES:
            raise UserError(f"{path}: holds no key; move it away and a new one is made")
        return cls(key)

    def seal(self, text: str) -> bytes:
        """Encrypt a secret."""
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """Decrypt a secret.

        Raises:
            SealError: it was sealed with another key, or changed.
        """
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SealError("sealed with another key") from None

    def pseudonym(self, number: str) -> str:
        """What a number is called where it must not stand itself: 32 hexadecimal digits."""
        return hmac.new(self._pseudonyms, number.encode(), hashlib.sha256).hexdigest()[:32]

    def derived(self, purpose: bytes) -> bytes:
        """A key of 32 bytes for one purpose only."""
        return hmac.new(self._key, b"tingzhen " + purpose, hashlib.sha256).digest()
