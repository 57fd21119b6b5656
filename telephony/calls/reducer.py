"""Manager messages in, call events out. Pure: no socket, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backbone.events import Event
from telephony.ami.parser import AmiMessage
from telephony.calls import resync
from telephony.calls.book import Finished, VisitBook
from telephony.calls.direct import DirectCalls
from telephony.calls.lifecycle import Handler, Lifecycle
from telephony.calls.queueing import Queueing, interface_of
from telephony.calls.ratings import Ratings
from telephony.calls.refusals import Refusals
from telephony.calls.talking import Talking
from telephony.calls.times import moment_of, whole_seconds
from telephony.calls.visit import OpenCall


class CallReducer:
    """Keeps the state of every queue visit of one PBX.

    Feed it every message in the order of arrival, call `tick` about once a second, and `begin_gap`
    then `resync` after every connection. It holds only open visits, and numbers of the last
    finished ones.

    Args:
        system: the PBX's name, part of every call id.
        ring_cycle_s: one ring and its pause, see `RING_CYCLE_S`.
        max_open: visits open at once; beyond it the oldest is closed as incomplete.
        grace_s: how long a visit waits for the messages that usually follow.
        wrap_ups: the queues' wrap-up times in seconds, as in queues.conf.
    """

    def __init__(
        self,
        system: str,
        ring_cycle_s: float = 5.0,
        *,
        max_open: int = 10_000,
        grace_s: float = 1.0,
        remember: int = 10_000,
        wrap_ups: Mapping[str, float] | None = None,
    ) -> None:
        self.book = VisitBook(remember=remember)
        self._life = Lifecycle(system, ring_cycle_s, self.book, max_open=max_open, grace_s=grace_s)
        self._life.queue_wrap_ups = dict(wrap_ups or {})
        self._resync = resync.Resync(self._life)
        self.direct = DirectCalls(self._life, self._is_agent)
        parts = (
            Queueing(self._life),
            Talking(self._life),
            Refusals(self._life),
            Ratings(self._life),
            self.direct,
        )
        self._handlers: dict[str, list[Handler]] = {}
        for part in parts:
            for event, handler in part.handlers.items():
                self._handlers.setdefault(event, []).append(handler)

    @property
    def ignored(self) -> int:
        """Messages that were late, doubled or out of order."""
        return self._life.ignored

    def feed(self, message: AmiMessage, arrived: float) -> list[Event]:
        """Take one message.

        Args:
            message: any manager message; what is of no interest is ignored.
            arrived: when it came, in seconds since the epoch on our clock.
        """
        self._life.settle_overdue(arrived)
        handlers = self._handlers.get(message.event)
        # Of the variables set, by far the most frequent event, one matters.
        if handlers is not None and (message.event != "VarSet" or message.may_hold(b"QUEUESTATUS")):
            moment = moment_of(message, arrived)
            self._resync.touch(message)
            for handler in handlers:
                handler(message, moment, arrived)
        return self._life.take()

    def tick(self, now: float) -> list[Event]:
        """End what waited long enough for messages that did not come."""
        self._life.settle_overdue(now)
        return self._life.take()

    def begin_gap(self, reason: str = "ami_gap") -> list[Event]:
        """Messages were or may have been lost; a `resync` follows.

        Every open visit will say so in its record. Call it when a connection begins, before its
        first message is fed.
        """
        self._resync.begin(reason)
        self.direct.begin_gap(reason)
        return self._life.take()

    def resync(self, snapshot: resync.PbxSnapshot, now: float) -> list[Event]:
        """Set the open visits right by what the PBX says is going on."""
        self._resync.apply(snapshot, now)
        if snapshot.members is not None:
            self._life.members = {
                (member.get("Queue"), interface_of(member)): whole_seconds(member.get("Wrapuptime"))
                or 0.0
                for member in snapshot.members
            }
        channels = snapshot.channels
        self.direct.end_gap(
            None if channels is None else {c.get("Uniqueid") for c in channels}, now
        )
        return self._life.take()

    def restore(
        self, open_calls: Iterable[OpenCall], visit_numbers: Mapping[str, int] | None = None
    ) -> None:
        """Take up the visits that an earlier run left open. Call it before anything else.

        Args:
            open_calls: as the store has them.
            visit_numbers: the highest finished visit of recent channels, so that a further visit
                of the same channel gets a number of its own.
        """
        for uniqueid, number in (visit_numbers or {}).items():
            self.book.remember(uniqueid, Finished(number, 0.0, ""))
        for call in open_calls:
            self._resync.restore(call)

    def _is_agent(self, device: str) -> bool:
        return any(interface == device for _, interface in self._life.members)

    def close_all(self, at: float, reason: str) -> list[Event]:
        """End every open visit as incomplete (a recorded stream is over)."""
        for visit in self.book:
            self._life.close_unknown(visit, at, reason)
        return self._life.take()
