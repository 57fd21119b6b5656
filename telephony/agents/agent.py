"""One agent: what is known of memberships, phone and call, and the state that follows from it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from telephony.events import AgentPhase


class Phone(enum.IntEnum):
    """A member's device state, as QueueMemberStatus numbers it."""

    UNKNOWN = 0
    FREE = 1
    IN_USE = 2
    BUSY = 3
    INVALID = 4
    UNAVAILABLE = 5
    RINGING = 6
    RING_IN_USE = 7
    ON_HOLD = 8


_PHONE_STATES: dict[Phone, AgentPhase] = {
    Phone.IN_USE: "talking",
    Phone.BUSY: "talking",
    Phone.RING_IN_USE: "talking",
    Phone.RINGING: "ringing",
    Phone.ON_HOLD: "on_hold",
}
_UNREACHABLE = frozenset({Phone.INVALID, Phone.UNAVAILABLE})

PHONE_SETTLES_S = 0.5
"""A phone in use outside of a queue's call counts after so long: at either end of a queue's call
the phone is in use a moment before or after the queue says so."""


@dataclass(slots=True)
class Membership:
    """An agent's place in one queue."""

    paused: bool = False
    reason: str = ""
    wrap_up_s: float = 0.0


@dataclass(slots=True)
class Agent:
    """Everything that decides what one agent is doing. Times in seconds since the epoch."""

    interface: str
    name: str = ""
    memberships: dict[str, Membership] = field(default_factory=dict)
    phone: Phone = Phone.UNKNOWN
    phone_since: float = 0.0
    ringing: dict[str, str] = field(default_factory=dict)
    """Attempts that alert now, and the visit of each."""
    call_id: str = ""
    held: bool = False
    wrap_up_until: float = 0.0
    missed_in_a_row: int = 0

    def state(self, now: float) -> tuple[AgentPhase, str]:
        """What the agent is doing at `now`, and the reason given (of a pause)."""
        if self.call_id:
            return ("on_hold" if self.held else "talking"), ""
        if not self.memberships:
            return "logged_out", ""
        on_the_phone = self._on_the_phone(now)
        if on_the_phone is not None:
            return on_the_phone, ""
        if all(membership.paused for membership in self.memberships.values()):
            return "paused", next((m.reason for m in self.memberships.values() if m.reason), "")
        if self.wrap_up_until > now:
            return "wrap_up", ""
        return "available", ""

    def _on_the_phone(self, now: float) -> AgentPhase | None:
        if self.ringing:
            return "ringing"
        if self.phone in _PHONE_STATES and now - self.phone_since >= PHONE_SETTLES_S:
            return _PHONE_STATES[self.phone]
        return "unreachable" if self.phone in _UNREACHABLE else None

    @property
    def paused_in(self) -> tuple[str, ...]:
        """Queues that offer this agent no call."""
        return tuple(sorted(queue for queue, place in self.memberships.items() if place.paused))

    @property
    def settles_at(self) -> float | None:
        """When the state changes by the mere passing of time; None when it does not."""
        due = [self.wrap_up_until] if self.wrap_up_until else []
        if self.phone in _PHONE_STATES:
            due.append(self.phone_since + PHONE_SETTLES_S)
        return min(due, default=None)
