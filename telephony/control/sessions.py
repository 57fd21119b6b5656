"""Who listens to which call: the sessions of all supervisors, told to each of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from telephony.control.actions import SpyMode
from telephony.control.events import SupervisionChanged

if TYPE_CHECKING:
    from backbone.bus import Bus
    from backbone.clock import Clock

_MOST_SESSIONS = 200


class ChannelWatch(Protocol):
    """Who wants to know when channels end."""

    def channel_gone(self, system: str, uniqueid: str) -> None:
        """A channel has ended."""
        ...

    def channels_now(self, system: str, uniqueids: Collection[str]) -> None:
        """All channels there are, told after a time in which ends were not heard of."""
        ...


@dataclass(frozen=True, slots=True)
class SpySession:
    """Somebody who listens in, or whose phone rings to do so (`answered` is False)."""

    session_id: str
    call_id: str
    system: str
    username: str
    channel: str
    mode: SpyMode
    answered: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """Nobody listens to a call twice."""
        return self.username, self.call_id


class SpySessions:
    """All sessions of one node; ends them when their channels end."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._sessions: OrderedDict[tuple[str, str], SpySession] = OrderedDict()

    def get(self, username: str, call_id: str) -> SpySession | None:
        """Somebody's session on a call."""
        return self._sessions.get((username, call_id))

    def of(self, username: str) -> list[SpySession]:
        """All of somebody's sessions."""
        return [session for session in self._sessions.values() if session.username == username]

    def holds(self, session: SpySession) -> bool:
        """Whether it goes on, exactly so."""
        return self._sessions.get(session.key) is session

    def channel_gone(self, system: str, uniqueid: str) -> None:
        """A supervisor may have laid down the phone, or the call may be over."""
        for session in list(self._sessions.values()):
            if (session.system, session.session_id) == (system, uniqueid):
                self.over(session)

    def channels_now(self, system: str, uniqueids: Collection[str]) -> None:
        """End the sessions whose channel went while nobody told."""
        for session in list(self._sessions.values()):
            # A phone that was only just asked to ring may not be in the list yet.
            gone = session.answered and session.session_id not in uniqueids
            if session.system == system and gone:
                self.over(session)

    def keep(self, session: SpySession) -> None:
        """Take a session in, or its new mode, and tell its supervisor."""
        self._sessions[session.key] = session
        self._sessions.move_to_end(session.key)
        self._tell(session, over=False)
        if len(self._sessions) > _MOST_SESSIONS:
            self.over(next(iter(self._sessions.values())))

    def over(self, session: SpySession) -> None:
        """A session has ended; tell its supervisor."""
        if self._sessions.get(session.key, session).session_id != session.session_id:
            return  # a newer one of the same supervisor
        if self._sessions.pop(session.key, None) is not None:
            self._tell(session, over=True)

    def _tell(self, session: SpySession, *, over: bool) -> None:
        self._bus.emit(
            SupervisionChanged(
                at=self._clock.time(),
                call_id=session.call_id,
                username=session.username,
                mode=session.mode,
                state="over" if over else "listening" if session.answered else "ringing",
            )
        )
