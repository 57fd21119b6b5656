"""What can happen to a visit, each time with the events it gives."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from backbone.events import Event
from telephony.ami.parser import AmiMessage
from telephony.calls.book import VisitBook
from telephony.calls.phases import Phase, Step, outcome_of_departure
from telephony.calls.times import Moment, rings_of
from telephony.calls.visit import Attempt, Visit
from telephony.events import (
    AgentSpeechEnds,
    CallConnected,
    CallEnded,
    CallHeld,
    CallJoined,
    CallResumed,
    CallTransferred,
    Handover,
    HandoverKind,
    Outcome,
    RingAttempt,
    RingEnded,
    RingResult,
    RingStarted,
)

_PARKING_TOLD_S = 0.1
_MOST_ATTEMPTS = 500
"""Rings written into one record; a caller who waits for hours can have more."""

Handler = Callable[[AmiMessage, Moment, float], None]
"""Takes a message, when it happened, and when it arrived by our clock."""


def known(text: str) -> str:
    """A caller-id field; Asterisk writes `<unknown>` for an empty one."""
    return "" if text == "<unknown>" else text


class Lifecycle:
    """Moves visits through their phases and collects the events; `take` hands these out."""

    def __init__(
        self, system: str, ring_cycle_s: float, book: VisitBook, *, max_open: int, grace_s: float
    ) -> None:
        self.system = system
        self.ring_cycle_s = ring_cycle_s
        self.book = book
        self.queue_status_seen = False
        self.ignored = 0
        self._max_open = max_open
        self._grace_s = grace_s
        self.members: dict[tuple[str, str], float] = {}
        """Each member's own wrap-up time, by queue and interface; 0: it is the queue's."""
        self.queue_wrap_ups: dict[str, float] = {}
        """The queues' wrap-up times, which the manager interface does not tell."""
        self._events: list[Event] = []
        # Each in the order of its times, so the first one is due first.
        self._due: OrderedDict[str, tuple[float, Visit]] = OrderedDict()
        self._handed_on: OrderedDict[str, tuple[float, Visit]] = OrderedDict()

    def emit(self, event: Event) -> None:
        """Have an event handed out that is of no open visit."""
        self._events.append(event)

    def take(self) -> list[Event]:
        """The events collected since the last call."""
        events, self._events = self._events, []
        return events

    # Entering

    def open(
        self,
        message: AmiMessage,
        moment: Moment,
        *,
        joined_at: float | None = None,
        linkedid: str | None = None,
        doubt: str = "",
        resumed: bool = False,
    ) -> Visit:
        """A caller is in a queue, as the caller's side of `message` tells."""
        uniqueid = message.get("Uniqueid")
        while len(self.book) >= self._max_open and (oldest := self.book.oldest()) is not None:
            self.close_unknown(oldest, moment.at, "too_many_open")
        visit = Visit(
            system=self.system,
            uniqueid=uniqueid,
            linkedid=message.get("Linkedid") if linkedid is None else linkedid,
            number=self.book.next_number(uniqueid),
            queue=message.get("Queue"),
            caller=known(message.get("CallerIDNum")),
            caller_name=known(message.get("CallerIDName")),
            channel=message.get("Channel"),
            joined_at=moment.at if joined_at is None else joined_at,
            by_arrival=moment.by_arrival,
            estimated_join=joined_at is not None,
        )
        if doubt:
            visit.doubt(doubt)
        self.book.open(visit)
        position = message.get("Position")
        self._events.append(
            CallJoined(
                at=visit.joined_at,
                call_id=visit.call_id,
                system=visit.system,
                uniqueid=visit.uniqueid,
                linkedid=visit.linkedid,
                visit=visit.number,
                queue=visit.queue,
                caller=visit.caller,
                caller_name=visit.caller_name,
                position=int(position) if position.isascii() and position.isdigit() else 0,
                resumed=resumed,
            )
        )
        return visit

    def open_late(
        self, message: AmiMessage, moment: Moment, before_s: float | None
    ) -> Visit | None:
        """Open a visit whose join was never seen; None when it is an old one's echo."""
        uniqueid = message.get("Uniqueid")
        last = self.book.finished(uniqueid)
        joined_at = moment.at - (before_s or 0.0)
        # Asterisk's whole seconds are truncated: allow for one.
        if not uniqueid or (last is not None and joined_at <= last.ended_at + 1.0):
            self.ignored += 1
            return None
        return self.open(message, moment, joined_at=joined_at, doubt="join_unseen", resumed=True)

    # Ringing

    def ring_starts(self, visit: Visit, attempt: Attempt, at: float) -> None:
        """An agent's phone alerts."""
        attempt.ringing_at = at
        self._events.append(
            RingStarted(
                at=at,
                call_id=visit.call_id,
                queue=visit.queue,
                agent=attempt.agent,
                agent_name=attempt.agent_name,
                attempt_id=attempt.attempt_id,
            )
        )

    def ring_ends(self, visit: Visit, attempt: Attempt, at: float, result: RingResult) -> None:
        """An agent's phone stopped alerting, or was called without alerting."""
        attempt.ended = True
        if attempt.ringing_at is not None:
            attempt.ring_s = max(0.0, at - attempt.ringing_at)
        elif result == "answered":
            attempt.ring_s = 0.0  # picked up at once, as an auto-answering headset does
        if result == "answered":
            attempt.answered = visit.answered_attempt = True
        rings = rings_of(attempt.ring_s, self.ring_cycle_s)
        if len(visit.ring_attempts) < _MOST_ATTEMPTS:
            visit.ring_attempts.append(
                RingAttempt(
                    agent=attempt.agent,
                    started_at=attempt.ringing_at,
                    ring_s=attempt.ring_s,
                    rings=rings,
                    result=result,
                )
            )
        self._events.append(
            RingEnded(
                at=at,
                call_id=visit.call_id,
                queue=visit.queue,
                agent=attempt.agent,
                attempt_id=attempt.attempt_id,
                ring_s=attempt.ring_s,
                rings=rings,
                result=result,
            )
        )

    def missed(self, visit: Visit, attempt_id: str, agent: str) -> None:
        """An agent let it ring, or refused; once for each attempt."""
        if attempt_id not in visit.missed_ids:
            visit.missed_ids.add(attempt_id)
            visit.unanswered.append(agent)

    # Talking

    def connect(
        self,
        visit: Visit,
        at: float,
        *,
        wait_s: float | None,
        heard_at: float | None,
        resumed: bool = False,
    ) -> None:
        """An agent took the call; `visit`'s agent and ring time are set already."""
        if not visit.step(Step.CONNECTED):
            return
        self._due.pop(visit.call_id, None)
        self._handed_on.pop(visit.call_id, None)
        visit.answered_at = at
        visit.wait_s = wait_s
        of_member = self.members.get((visit.queue, visit.agent))
        visit.wrap_up_s = of_member or self.queue_wrap_ups.get(visit.queue)
        # Whatever hold music the queue played is over.
        visit.hold_causes.clear()
        self._events.append(
            CallConnected(
                at=at,
                call_id=visit.call_id,
                system=visit.system,
                uniqueid=visit.channel_id,
                channel=visit.channel,
                queue=visit.queue,
                agent=visit.agent,
                agent_name=visit.agent_name,
                wait_s=wait_s,
                ring_s=visit.ring_s,
                rings=visit.rings,
                resumed=resumed,
                heard_at=heard_at,
            )
        )

    def hold(self, visit: Visit, at: float, cause: str) -> None:
        """The caller is put on hold, or hears hold music, which mostly come together."""
        if not visit.with_agent:
            return
        visit.hold_causes.add(cause)
        if visit.step(Step.HELD):
            visit.held_since = at
            self._events.append(CallHeld(at=at, call_id=visit.call_id))

    def unhold(self, visit: Visit, at: float, cause: str | None) -> None:
        """One cause of a hold is over, or all of them (None)."""
        if cause is not None:
            visit.hold_causes.discard(cause)
            if visit.hold_causes:
                return
        if visit.step(Step.RESUMED):
            held_s = visit.hold_until(at)
            self._events.append(CallResumed(at=at, call_id=visit.call_id, held_s=held_s))

    def transfer(self, visit: Visit, at: float, kind: HandoverKind, to: str) -> None:
        """The agent hands the caller on; once, since the agent's part ends with it."""
        if visit.transferred or not (visit.with_agent or visit.phase is Phase.COMPLETING):
            return
        visit.transferred = True
        visit.handovers.append(Handover(at=at, kind=kind, from_agent=visit.agent, to=to))
        self._events.append(
            CallTransferred(at=at, call_id=visit.call_id, kind=kind, from_agent=visit.agent, to=to)
        )
        if visit.phase is not Phase.COMPLETING:
            visit.part_ended_at = at
        elif not visit.may_be_parked:
            self.settle(visit)

    def park(self, visit: Visit, at: float, space: str) -> None:
        """The caller stands in a parking space: told after the transfer that led there."""
        if visit.phase is not Phase.COMPLETING or not visit.handovers:
            self.transfer(visit, at, "parked", space)
            return
        before = visit.handovers.pop()
        visit.handovers.append(
            Handover(at=before.at, kind="parked", from_agent=visit.agent, to=space)
        )
        self._events.append(
            CallTransferred(
                at=at, call_id=visit.call_id, kind="parked", from_agent=visit.agent, to=space
            )
        )
        self.settle(visit)

    def end_part(self, visit: Visit, at: float) -> bool:
        """The agent's part is over; False when there is none that could be."""
        held = visit.phase is Phase.ON_HOLD
        if visit.answered_at is None or not visit.step(Step.COMPLETED):
            return False
        if held:
            visit.hold_until(at)
        visit.part_ended_at = at
        self._speech_ends(visit, at)
        return True

    def _speech_ends(self, visit: Visit, at: float) -> None:
        if not visit.speech_ended:
            visit.speech_ended = True
            self._events.append(AgentSpeechEnds(at=at, call_id=visit.call_id))

    # Ending

    def wait_for_more(self, visit: Visit, arrived: float) -> None:
        """Settle this visit when nothing more has come within the grace time."""
        self._due.setdefault(visit.call_id, (arrived + self._grace_s, visit))

    def wait_for_parking(self, visit: Visit, arrived: float) -> None:
        """Settle this visit unless its transfer turns out at once to be into a parking lot.

        Not longer: what is heard from here on is no part of this call any more.
        """
        self._handed_on.setdefault(visit.call_id, (arrived + _PARKING_TOLD_S, visit))

    def settle_overdue(self, now: float) -> None:
        """End the visits whose grace time is over. `now` is on the clock of arrivals.

        A busy Asterisk sends no AgentComplete when both channels are gone before it comes to it;
        who asked for the hangup, and when it was, is known all the same.
        """
        for waiting in (self._due, self._handed_on):
            while waiting:
                due, visit = next(iter(waiting.values()))
                if due > now:
                    break
                if visit.with_agent and not visit.hung_up_by:
                    visit.doubt("agent_complete_unseen")
                waiting.pop(visit.call_id)
                self.settle(visit)

    def settle(self, visit: Visit) -> None:
        """End a visit with what is known now."""
        if visit.answered_at is not None:
            ended_at = visit.part_ended_at if visit.part_ended_at is not None else visit.joined_at
            self._end(visit, "answered", ended_at)
            return
        left_at = visit.left_at if visit.left_at is not None else visit.joined_at
        if visit.hangup_asked_at is not None:
            left_at = min(left_at, visit.hangup_asked_at)
        self._end(visit, self._departure(visit), left_at)

    def close_unknown(
        self, visit: Visit, at: float, reason: str, outcome: Outcome | None = None
    ) -> None:
        """End a visit whose end nobody saw: its last duration is unknown."""
        visit.doubt(reason)
        if visit.phase in {Phase.LEAVING, Phase.COMPLETING}:
            self.settle(visit)
            return
        visit.part_end_unknown = True
        fallback: Outcome = "answered" if visit.answered_at is not None else "abandoned"
        self._end(visit, outcome or fallback, at)

    def _departure(self, visit: Visit) -> Outcome:
        asked = visit.hangup_asked_at is not None
        if (
            visit.abandon_seen
            and not asked
            and not visit.queue_status
            and not self.queue_status_seen
        ):
            # Without VarSet a timeout and a redirect look the same; a timeout is the usual one.
            visit.doubt("queue_status_unseen")
            return "timeout"
        return outcome_of_departure(
            queue_status=visit.queue_status,
            abandon_seen=visit.abandon_seen or asked,
            hung_up=asked or (visit.caller_gone and not visit.moved_on),
        )

    def _end(self, visit: Visit, outcome: Outcome, ended_at: float) -> None:
        if not visit.step(Step.SETTLED):
            return
        self._due.pop(visit.call_id, None)
        self._handed_on.pop(visit.call_id, None)
        for attempt in visit.attempts.values():
            if attempt.ringing_at is not None and not attempt.ended:
                self.ring_ends(visit, attempt, max(ended_at, attempt.ringing_at), "cancelled")
        if visit.held_since is not None:
            visit.hold_until(ended_at)
        if visit.answered_at is not None:
            self._speech_ends(visit, ended_at)
        self._events.append(
            CallEnded(at=ended_at, call_id=visit.call_id, record=visit.record(outcome, ended_at))
        )
        self.book.close(visit, ended_at)
