"""Which calls and legs are under way: the state behind the gauges, and what was counted already.

Pure: fed with what the events say, it holds no metric and no clock. Events may come twice (they
are delivered at least once), and after a restart come again for calls that an earlier process had
counted; every question here is answered so that a call is counted once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from backbone.media import Role

_REMEMBERED_ENDS = 10_000
_BOTH_SIDES: frozenset[Role] = frozenset({"agent", "customer"})


class Once:
    """Remembers the last `limit` ids, to tell a first time from a repetition."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._seen

    def first(self, key: str) -> bool:
        """Remember an id; False when it was remembered already."""
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)
        return True


@dataclass(slots=True)
class LiveCall:
    """A visit under way. `queue` is the label, not the raw name."""

    queue: str
    joined_at: float
    connected: bool = False
    counted_answer: bool = False
    """Whether this process counted the answer: one counted before a restart is not tapped anew."""
    answered_at: float | None = None
    """When the call's clock began, by our own; epoch seconds."""
    heard: set[Role] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue at one instant."""

    in_progress: int
    waiting: int
    oldest_join: float | None
    """When the caller who waits longest joined; None when nobody waits."""


class LiveCalls:
    """Visits and legs under way."""

    def __init__(self) -> None:
        self._calls: dict[str, LiveCall] = {}
        self._ended = Once(_REMEMBERED_ENDS)
        self._legs: dict[str, Role] = {}

    def restore(self, call_id: str, queue: str, joined_at: float, *, connected: bool) -> None:
        """Take in a visit that an earlier process left under way, and counted."""
        self._calls[call_id] = LiveCall(queue, joined_at, connected)

    def join(self, call_id: str, queue: str, at: float) -> bool:
        """A visit begins. False when it is known already."""
        if call_id in self._calls or call_id in self._ended:
            return False
        self._calls[call_id] = LiveCall(queue, at)
        return True

    def connect(self, call_id: str, answered_at: float | None = None) -> bool:
        """An agent took the visit. False when that is known, or the visit is none of ours."""
        call = self._calls.get(call_id)
        if call is None or call.connected:
            return False
        call.connected = call.counted_answer = True
        call.answered_at = answered_at
        return True

    def connected(self, call_id: str) -> bool:
        """Whether an agent has taken this visit, which is still under way."""
        call = self._calls.get(call_id)
        return call is not None and call.connected

    def answered_at(self, call_id: str) -> float | None:
        """When the clock of a visit under way began; None when that is not known."""
        call = self._calls.get(call_id)
        return call.answered_at if call is not None else None

    def end(self, call_id: str) -> bool:
        """The visit is over. False when it was over before."""
        self._calls.pop(call_id, None)
        return self._ended.first(call_id)

    def open_leg(self, call_id: str, leg_id: str, role: Role) -> tuple[bool, bool]:
        """A leg's audio begins.

        Returns:
            Whether the leg is new, and whether with it both sides of an answered call are heard
            for the first time.
        """
        new = leg_id not in self._legs
        self._legs[leg_id] = role
        call = self._calls.get(call_id)
        if call is None or not call.counted_answer or call.heard >= _BOTH_SIDES:
            return new, False
        call.heard.add(role)
        return new, call.heard >= _BOTH_SIDES

    def close_leg(self, leg_id: str) -> None:
        """A leg's audio has ended; one opened before a restart is not known and not missed."""
        self._legs.pop(leg_id, None)

    def queues(self) -> dict[str, QueueState]:
        """The state of each queue that has a call."""
        grouped: dict[str, list[LiveCall]] = {}
        for call in self._calls.values():
            grouped.setdefault(call.queue, []).append(call)
        states = {}
        for queue, calls in grouped.items():
            joins = [call.joined_at for call in calls if not call.connected]
            states[queue] = QueueState(len(calls), len(joins), min(joins, default=None))
        return states

    def legs(self) -> dict[Role, int]:
        """Open legs by role."""
        roles = list(self._legs.values())
        return {"agent": roles.count("agent"), "customer": roles.count("customer")}
