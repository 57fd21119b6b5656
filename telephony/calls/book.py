"""Which visits are open, which channel belongs to which, and what must not be opened again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from backbone.ids import call_id
from telephony.calls.visit import Attempt, Visit

OWN_CHANNELS = ("Snoop/", "AudioSocket/", "WebSocket/", "UnicastRTP/")
"""Channels that taps and supervisors make; they are never anybody's call."""


class Finished(NamedTuple):
    """What must be remembered of a visit that is over."""

    number: int
    ended_at: float
    agent_channel_id: str
    joined_until: float = 0.0
    """A join up to then is this visit's own, told again."""


class VisitBook:
    """Open visits by the caller's channel, ringing channels by theirs; bounded.

    Finished visits are remembered (number and end only) so that a late or doubled message opens
    no second record; the oldest are forgotten beyond `remember`.
    """

    def __init__(self, *, remember: int = 10_000) -> None:
        self._remember = remember
        self._open: dict[str, Visit] = {}
        self._ringing: dict[str, Visit] = {}
        self._agents: dict[str, Visit] = {}
        self._finished: OrderedDict[str, Finished] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Visit]:
        return iter(list(self._open.values()))

    @property
    def size(self) -> int:
        """All entries kept, open and remembered."""
        return len(self._open) + len(self._ringing) + len(self._agents) + len(self._finished)

    def oldest(self) -> Visit | None:
        """The visit that was opened first."""
        return next(iter(self._open.values()), None)

    def of_caller(self, uniqueid: str) -> Visit | None:
        """The open visit of a caller's channel."""
        return self._open.get(uniqueid)

    def of_agent(self, uniqueid: str) -> Visit | None:
        """The open visit that an agent's channel talks in."""
        return self._agents.get(uniqueid)

    def of_attempt(self, uniqueid: str) -> tuple[Visit, Attempt] | None:
        """The visit and the attempt of a ringing channel."""
        visit = self._ringing.get(uniqueid)
        return (visit, visit.attempts[uniqueid]) if visit is not None else None

    def finished(self, uniqueid: str) -> Finished | None:
        """The last finished visit of a caller's channel."""
        return self._finished.get(uniqueid)

    def last_call_id(self, system: str, uniqueid: str) -> str | None:
        """The call id of the open or the last finished visit of a caller's channel."""
        visit = self._open.get(uniqueid)
        if visit is not None:
            return visit.call_id
        last = self._finished.get(uniqueid)
        return call_id(system, uniqueid, last.number) if last is not None else None

    def next_number(self, uniqueid: str) -> int:
        """Which visit of this channel the next one is, from 1."""
        last = self._finished.get(uniqueid)
        return last.number + 1 if last else 1

    def open(self, visit: Visit) -> None:
        """Take a visit in."""
        self._open[visit.channel_id] = visit

    def ring(self, visit: Visit, attempt: Attempt) -> None:
        """Note that a phone is called for a visit."""
        visit.attempts[attempt.attempt_id] = attempt
        self._ringing[attempt.attempt_id] = visit

    def forget_attempts(self, visit: Visit) -> None:
        """Drop a visit's attempts: nothing more is to come of them."""
        for attempt_id in visit.attempts:
            self._ringing.pop(attempt_id, None)
        visit.attempts.clear()

    def trim_attempts(self, visit: Visit, keep: int) -> None:
        """Drop the oldest attempts of a caller who waits for very long."""
        while len(visit.attempts) > keep:
            attempt_id = next(iter(visit.attempts))
            del visit.attempts[attempt_id]
            self._ringing.pop(attempt_id, None)

    def answer(self, visit: Visit, agent_channel_id: str) -> None:
        """Note the agent's channel."""
        if agent_channel_id:
            visit.agent_channel_id = agent_channel_id
            self._agents[agent_channel_id] = visit

    def rename(self, visit: Visit, channel_id: str) -> None:
        """Another channel took the caller's place."""
        self._open.pop(visit.channel_id, None)
        visit.channel_id = channel_id
        self._open[channel_id] = visit

    def close(self, visit: Visit, ended_at: float) -> None:
        """Forget a visit, but for what keeps it from being opened again."""
        if self._open.get(visit.channel_id) is visit:
            del self._open[visit.channel_id]
        if self._agents.get(visit.agent_channel_id) is visit:
            del self._agents[visit.agent_channel_id]
        self.forget_attempts(visit)
        # The next queue may be joined a moment before the agent's part is told to be over.
        joined_until = ended_at if visit.estimated_join else visit.joined_at
        finished = Finished(visit.number, ended_at, visit.agent_channel_id, joined_until)
        for channel_id in {visit.channel_id, visit.uniqueid}:
            self.remember(channel_id, finished)

    def remember(self, uniqueid: str, finished: Finished) -> None:
        """Keep a finished visit from being opened again."""
        self._finished[uniqueid] = finished
        self._finished.move_to_end(uniqueid)
        while len(self._finished) > self._remember:
            self._finished.popitem(last=False)
