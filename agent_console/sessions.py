"""Sessions and websocket tickets: secrets handed out, kept as hashes only.

All live in this process's memory; `session_rows` carries sessions over a restart. Times are
monotonic seconds.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

_MOST_SESSIONS = 2000
_MOST_TOKENS = 2000

T = TypeVar("T")
Via = Literal["password", "link", "oidc"]


@dataclass(slots=True)
class Session:
    """Somebody logged in. `id` is the hash of the cookie and may be passed around.

    `used_at` is monotonic, `opened_at` seconds since the epoch; `via` is how it was opened,
    `device` by which browser.
    """

    id: str
    username: str
    role: str
    used_at: float
    opened_at: float = 0.0
    via: Via = "password"
    device: str = ""


class SessionStore:
    """Who is logged in. A session ends when it was not used for `idle_s`."""

    def __init__(self, idle_s: float, now: Callable[[], float]) -> None:
        self._idle_s = idle_s
        self._now = now
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def open(
        self,
        username: str,
        role: str,
        *,
        opened_at: float = 0.0,
        via: Via = "password",
        device: str = "",
    ) -> tuple[str, Session]:
        """Start a session; returns the cookie's value and the session."""
        if len(self._sessions) >= _MOST_SESSIONS:
            self._sessions.popitem(last=False)  # the one unused for longest
        token = secrets.token_urlsafe(32)
        session = Session(_digest(token), username, role, self._now(), opened_at, via, device)
        self._sessions[session.id] = session
        return token, session

    def restore(self, session: Session, *, idle_s: float) -> None:
        """Bring back a session of an earlier process that was unused for `idle_s`."""
        session.used_at = self._now() - idle_s
        self._sessions[session.id] = session

    def idle(self) -> list[tuple[str, float]]:
        """All living sessions by id, and for how many seconds each has been unused."""
        now = self._now()
        return [(session.id, now - session.used_at) for session in self.all()]

    def all(self) -> list[Session]:
        """All living sessions, the one unused for longest first."""
        oldest = self._now() - self._idle_s
        return [session for session in self._sessions.values() if session.used_at >= oldest]

    def find(self, token: str) -> Session | None:
        """The session of a cookie, if it has not ended."""
        session = self._sessions.get(_digest(token))
        return session if session is not None and self.alive(session.id) else None

    def alive(self, session_id: str) -> bool:
        """Whether a session still stands; asking counts as use."""
        session = self._sessions.get(session_id)
        if session is None:
            return False
        now = self._now()
        if now - session.used_at > self._idle_s:
            del self._sessions[session_id]
            return False
        session.used_at = now
        self._sessions.move_to_end(session_id)
        return True

    def close(self, session_id: str) -> None:
        """End a session."""
        self._sessions.pop(session_id, None)

    def close_user(self, username: str, *, but: str = "") -> list[str]:
        """End a user's sessions, except the one with the id `but`; tells which ended."""
        ended = [s.id for s in self._sessions.values() if s.username == username and s.id != but]
        for session_id in ended:
            del self._sessions[session_id]
        return ended


class OneTimeTokens(Generic[T]):
    """Random tokens, each worth its value once and for `ttl_s` seconds only."""

    def __init__(self, ttl_s: float, now: Callable[[], float]) -> None:
        self._ttl_s = ttl_s
        self._now = now
        self._tokens: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def issue(self, value: T) -> str:
        """Make a token."""
        now = self._now()
        while self._tokens:
            oldest = next(iter(self._tokens))
            if self._tokens[oldest][0] > now and len(self._tokens) < _MOST_TOKENS:
                break
            del self._tokens[oldest]
        token = secrets.token_urlsafe(24)
        self._tokens[_digest(token)] = (now + self._ttl_s, value)
        return token

    def redeem(self, token: str) -> T | None:
        """The value of a token that is still good; it is not good any more afterwards."""
        entry = self._tokens.pop(_digest(token), None)
        if entry is None or entry[0] <= self._now():
            return None
        return entry[1]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
