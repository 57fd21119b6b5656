"""Messages about a caller in a queue and the phones that ring for one."""

from __future__ import annotations

import msgspec

from telephony.ami.parser import AmiMessage
from telephony.calls.book import OWN_CHANNELS
from telephony.calls.lifecycle import Handler, Lifecycle
from telephony.calls.phases import QUEUE_STATUS_OUTCOME, Phase, Step
from telephony.calls.times import Moment, whole_seconds
from telephony.calls.visit import Attempt, Visit
from telephony.events import RingResult

_KEPT_ATTEMPTS = 256
_REFUSED = frozenset({"17", "21"})
"""Hangup causes of a phone that refuses: user busy, call rejected."""
_MOST_MEMBERS = 20_000
_RING_RESULTS: dict[str, RingResult] = {
    "ANSWER": "answered",
    "NOANSWER": "no_answer",
    "BUSY": "busy",
    "CANCEL": "cancelled",
    "ABORT": "cancelled",
}


def interface_of(message: AmiMessage) -> str:
    """A member's interface; lists call it Location."""
    return message.get("Interface") or message.get("Location")


class Queueing:
    """Handles the messages from a caller's joining to the end of the wait."""

    def __init__(self, life: Lifecycle) -> None:
        self._life = life
        self._book = life.book
        self.handlers: dict[str, Handler] = {
            "QueueCallerJoin": self._joined,
            "QueueCallerLeave": self._left,
            "QueueCallerAbandon": self._abandoned,
            "AgentCalled": self._agent_called,
            "DialState": self._dial_state,
            "DialEnd": self._dial_end,
            "AgentRingNoAnswer": self._ring_no_answer,
            "VarSet": self._variable_set,
            "Newexten": self._moved_on,
            "Hangup": self._phone_hung_up,
            "Pickup": self._picked_up,
            "QueueMemberAdded": self._member,
            "QueueMemberStatus": self._member,
            "QueueMemberRemoved": self._member_removed,
        }

    # Waiting

    def _joined(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        uniqueid = message.get("Uniqueid")
        if not uniqueid or message.get("Channel").startswith(OWN_CHANNELS):
            return
        before = self._book.of_caller(uniqueid)
        if before is not None:
            if moment.at <= before.joined_at or before.estimated_join:
                self._life.ignored += 1  # the same join again, or one that a resync knew already
                return
            self._superseded(before, moment.at, message.get("Queue"))
        last = self._book.finished(uniqueid)
        if last is not None and moment.at <= last.joined_until:
            self._life.ignored += 1
            return
        self._life.open(message, moment)

    def _superseded(self, visit: Visit, at: float, queue: str) -> None:
        """The caller joins a queue again: the visit before is over."""
        if visit.with_agent:
            ended_at = visit.part_ended_at if visit.part_ended_at is not None else at
            # Queue() tells of an agent's hanging up before it lets the caller go on, and of a
            # transfer by another thread, which the new queue can overtake.
            self._life.transfer(visit, ended_at, "blind", queue)
            self._life.end_part(visit, ended_at)
        elif visit.phase is Phase.WAITING:
            visit.doubt("leave_unseen")
            visit.left_at = at
            visit.moved_on = True
        self._life.settle(visit)

    def _left(self, message: AmiMessage, moment: Moment, arrived: float) -> None:
        visit = self._book.of_caller(message.get("Uniqueid"))
        if visit is not None and message.get("Queue") == visit.queue:
            self._leave(visit, moment, arrived)

    def _abandoned(self, message: AmiMessage, moment: Moment, arrived: float) -> None:
        visit = self._book.of_caller(message.get("Uniqueid")) or self._life.open_late(
            message, moment, whole_seconds(message.get("HoldTime"))
        )
        if visit is not None and visit.queued:
            visit.abandon_seen = True
            self._leave(visit, moment, arrived)

    def _leave(self, visit: Visit, moment: Moment, arrived: float) -> None:
        if not visit.step(Step.LEFT):
            return
        visit.left_at = moment.at
        visit.by_arrival |= moment.by_arrival
        if not visit.answered_attempt:  # else an agent is being told who is calling
            self._life.wait_for_more(visit, arrived)

    def _variable_set(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        if message.get("Variable") != "QUEUESTATUS":
            return
        self._life.queue_status_seen = True
        visit = self._book.of_caller(message.get("Uniqueid"))
        value = message.get("Value")
        if visit is None or not visit.queued or value not in QUEUE_STATUS_OUTCOME:
            return
        visit.queue_status = value
        if visit.phase is Phase.LEAVING:
            self._life.settle(visit)

    def _moved_on(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        visit = self._book.of_caller(message.get("Uniqueid"))
        if visit is None or visit.phase is not Phase.LEAVING or visit.answered_attempt:
            return
        if visit.hangup_asked_at is None:
            visit.moved_on = True
        self._life.settle(visit)

    # Members

    def _member(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        wrap_up_s = whole_seconds(message.get("Wrapuptime"))
        key = (message.get("Queue"), interface_of(message))
        if all(key) and (key in self._life.members or len(self._life.members) < _MOST_MEMBERS):
            self._life.members[key] = wrap_up_s or 0.0

    def _member_removed(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        self._life.members.pop((message.get("Queue"), interface_of(message)), None)

    # Ringing

    def _picked_up(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        found = self._book.of_attempt(message.get("TargetUniqueid"))
        if found is not None:
            found[0].picked_up_by = message.get("Channel").rpartition("-")[0]

    def _agent_called(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        visit = self._book.of_caller(message.get("Uniqueid"))
        attempt_id = message.get("DestUniqueid")
        if visit is None or not visit.queued or not attempt_id:
            return
        if self._book.of_attempt(attempt_id) is None:
            self._book.ring(
                visit, Attempt(attempt_id, message.get("Interface"), message.get("MemberName"))
            )
            self._book.trim_attempts(visit, _KEPT_ATTEMPTS)

    def _dial_state(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        found = self._book.of_attempt(message.get("DestUniqueid"))
        if found is None or message.get("DialStatus") != "RINGING":
            return
        visit, attempt = found
        if attempt.ringing_at is None and not attempt.ended:
            visit.by_arrival |= moment.by_arrival
            self._life.ring_starts(visit, attempt, moment.at)

    def _dial_end(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        found = self._book.of_attempt(message.get("DestUniqueid"))
        if found is None or found[1].ended:
            return  # a losing leg gets two
        visit, attempt = found
        result = _RING_RESULTS.get(message.get("DialStatus"), "failed")
        if attempt.missed and result in {"cancelled", "no_answer"}:
            result = "busy" if attempt.refused else "no_answer"
        if result in {"no_answer", "busy"}:
            self._life.missed(visit, attempt.attempt_id, attempt.agent)
        self._life.ring_ends(visit, attempt, moment.at, result)

    def _ring_no_answer(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        visit = self._book.of_caller(message.get("Uniqueid"))
        if visit is None or not visit.queued:
            return
        attempt_id = message.get("DestUniqueid")
        if attempt_id in visit.attempts:
            visit.attempts[attempt_id].missed = True
        self._life.missed(visit, attempt_id, message.get("Interface"))

    def _phone_hung_up(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        # DialEnd says no answer of a refusal too, and RingTime counts crossed seconds.
        found = self._book.of_attempt(message.get("Uniqueid"))
        if found is None or message.get("Cause") not in _REFUSED:
            return
        visit, attempt = found
        attempt.refused = True
        if attempt.ended:
            _correct_result(visit, attempt.agent)


def _correct_result(visit: Visit, agent: str) -> None:
    """Write down that the agent's last ring was refused: DialEnd, told before, said no answer."""
    for index in reversed(range(len(visit.ring_attempts))):
        attempt = visit.ring_attempts[index]
        if attempt.agent == agent and attempt.result == "no_answer":
            visit.ring_attempts[index] = msgspec.structs.replace(attempt, result="busy")
            return
