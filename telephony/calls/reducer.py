"""Manager messages in, call events out. Pure: no socket, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from telephony.ami.parser import AmiMessage
from telephony.calls import resync
from telephony.calls.book import OWN_CHANNELS, Finished, VisitBook
from telephony.calls.lifecycle import Lifecycle
from telephony.calls.phases import QUEUE_STATUS_OUTCOME, Phase, Step
from telephony.calls.times import Moment, moment_of, rings_of, whole_seconds
from telephony.calls.visit import Attempt, OpenCall, Visit
from telephony.events import CallEvent, HangupBy, RingResult

_KEPT_ATTEMPTS = 256
_RING_RESULTS: dict[str, RingResult] = {
    "ANSWER": "answered",
    "NOANSWER": "no_answer",
    "BUSY": "busy",
    "CANCEL": "cancelled",
    "ABORT": "cancelled",
}


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
    """

    def __init__(
        self,
        system: str,
        ring_cycle_s: float = 5.0,
        *,
        max_open: int = 10_000,
        grace_s: float = 1.0,
        remember: int = 10_000,
    ) -> None:
        self.book = VisitBook(remember=remember)
        self.ignored = 0
        self._life = Lifecycle(system, ring_cycle_s, self.book, max_open=max_open, grace_s=grace_s)
        self._resync = resync.Resync(self._life)
        self._handlers: dict[str, Callable[[AmiMessage, Moment, float], None]] = {
            "QueueCallerJoin": self._joined,
            "QueueCallerLeave": self._left,
            "QueueCallerAbandon": self._abandoned,
            "AgentCalled": self._agent_called,
            "DialState": self._dial_state,
            "DialEnd": self._dial_end,
            "AgentRingNoAnswer": self._ring_no_answer,
            "AgentConnect": self._agent_connected,
            "AgentComplete": self._agent_completed,
            "Hold": self._held,
            "Unhold": self._unheld,
            "MusicOnHoldStart": self._music_started,
            "MusicOnHoldStop": self._music_stopped,
            "BlindTransfer": self._blind_transfer,
            "AttendedTransfer": self._attended_transfer,
            "HangupRequest": self._hangup_requested,
            "SoftHangupRequest": self._soft_hangup_requested,
            "Hangup": self._hung_up,
            "VarSet": self._variable_set,
            "Newexten": self._moved_on,
        }

    def feed(self, message: AmiMessage, arrived: float) -> list[CallEvent]:
        """Take one message.

        Args:
            message: any manager message; what is of no interest is ignored.
            arrived: when it came, in seconds since the epoch on our clock.
        """
        self._life.settle_overdue(arrived)
        handler = self._handlers.get(message.event)
        if handler is not None:
            moment = moment_of(message, arrived)
            self._resync.touch(message)
            handler(message, moment, arrived)
        return self._life.take()

    def tick(self, now: float) -> list[CallEvent]:
        """End what waited long enough for messages that did not come."""
        self._life.settle_overdue(now)
        return self._life.take()

    def begin_gap(self, reason: str = "ami_gap") -> list[CallEvent]:
        """Messages were or may have been lost; a `resync` follows.

        Every open visit will say so in its record. Call it when a connection begins, before its
        first message is fed.
        """
        self._resync.begin(reason)
        return self._life.take()

    def resync(self, snapshot: resync.PbxSnapshot, now: float) -> list[CallEvent]:
        """Set the open visits right by what the PBX says is going on."""
        self._resync.apply(snapshot, now)
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

    def close_all(self, at: float, reason: str) -> list[CallEvent]:
        """End every open visit as incomplete (a recorded stream is over)."""
        for visit in self.book:
            self._life.close_unknown(visit, at, reason)
        return self._life.take()

    # Waiting

    def _joined(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        uniqueid = message.get("Uniqueid")
        if not uniqueid or message.get("Channel").startswith(OWN_CHANNELS):
            return
        before = self.book.of_caller(uniqueid)
        if before is not None:
            if moment.at <= before.joined_at or before.estimated_join:
                self.ignored += 1  # the same join again, or one that a resync knew already
                return
            self._superseded(before, moment.at)
        last = self.book.finished(uniqueid)
        if last is not None and moment.at <= last.ended_at:
            self.ignored += 1
            return
        self._life.open(message, moment)

    def _superseded(self, visit: Visit, at: float) -> None:
        """The caller joins a queue again: the visit before is over."""
        if visit.with_agent:
            ended_at = visit.part_ended_at if visit.part_ended_at is not None else at
            if not visit.transferred:
                visit.doubt("agent_complete_unseen")
            self._life.end_part(visit, ended_at)
        elif visit.phase is Phase.WAITING:
            visit.doubt("leave_unseen")
            visit.left_at = at
            visit.moved_on = True
        self._life.settle(visit)

    def _found_late(
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
        return self._life.open(
            message, moment, joined_at=joined_at, doubt="join_unseen", resumed=True
        )

    def _left(self, message: AmiMessage, moment: Moment, arrived: float) -> None:
        visit = self.book.of_caller(message.get("Uniqueid"))
        if visit is not None and message.get("Queue") == visit.queue:
            self._leave(visit, moment, arrived)

    def _abandoned(self, message: AmiMessage, moment: Moment, arrived: float) -> None:
        visit = self.book.of_caller(message.get("Uniqueid")) or self._found_late(
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
        visit = self.book.of_caller(message.get("Uniqueid"))
        value = message.get("Value")
        if visit is None or not visit.queued or value not in QUEUE_STATUS_OUTCOME:
            return
        visit.queue_status = value
        if visit.phase is Phase.LEAVING:
            self._life.settle(visit)

    def _moved_on(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        visit = self.book.of_caller(message.get("Uniqueid"))
        if visit is None or visit.phase is not Phase.LEAVING or visit.answered_attempt:
            return
        if visit.hangup_asked_at is None:
            visit.moved_on = True
        self._life.settle(visit)

    # Ringing

    def _agent_called(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        visit = self.book.of_caller(message.get("Uniqueid"))
        attempt_id = message.get("DestUniqueid")
        if visit is None or not visit.queued or not attempt_id:
            return
        if self.book.of_attempt(attempt_id) is None:
            self.book.ring(
                visit, Attempt(attempt_id, message.get("Interface"), message.get("MemberName"))
            )
            self.book.trim_attempts(visit, _KEPT_ATTEMPTS)

    def _dial_state(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        found = self.book.of_attempt(message.get("DestUniqueid"))
        if found is None or message.get("DialStatus") != "RINGING":
            return
        visit, attempt = found
        if attempt.ringing_at is None and not attempt.ended:
            visit.by_arrival |= moment.by_arrival
            self._life.ring_starts(visit, attempt, moment.at)

    def _dial_end(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        found = self.book.of_attempt(message.get("DestUniqueid"))
        if found is None or found[1].ended:
            return  # a losing leg gets two
        visit, attempt = found
        result = _RING_RESULTS.get(message.get("DialStatus"), "failed")
        if attempt.missed and result == "cancelled":
            result = "no_answer"
        if result in {"no_answer", "busy"}:
            self._life.missed(visit, attempt.attempt_id, attempt.agent)
        self._life.ring_ends(visit, attempt, moment.at, result)

    def _ring_no_answer(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        visit = self.book.of_caller(message.get("Uniqueid"))
        if visit is None or not visit.queued:
            return
        attempt_id = message.get("DestUniqueid")
        if attempt_id in visit.attempts:
            visit.attempts[attempt_id].missed = True
        self._life.missed(visit, attempt_id, message.get("Interface"))

    # Talking

    def _agent_connected(self, message: AmiMessage, moment: Moment, arrived: float) -> None:
        hold_time = whole_seconds(message.get("HoldTime"))
        visit = self.book.of_caller(message.get("Uniqueid"))
        if visit is None:
            visit = self._found_late(message, moment, hold_time)
        if visit is None or not visit.queued:
            return
        last = self.book.finished(visit.channel_id)
        if last is not None and last.agent_channel_id == message.get("DestUniqueid"):
            self.ignored += 1  # an echo of the visit before this one
            return
        visit.agent = message.get("Interface")
        visit.agent_name = message.get("MemberName")
        visit.agent_channel = message.get("DestChannel")
        visit.by_arrival |= moment.by_arrival
        self._take_ring_time(visit, message.get("DestUniqueid"), moment.at)
        self.book.answer(visit, message.get("DestUniqueid"))
        wait_s = max(0.0, moment.at - visit.joined_at)
        self._life.connect(visit, moment.at, wait_s=wait_s, heard_at=arrived)

    def _take_ring_time(self, visit: Visit, attempt_id: str, at: float) -> None:
        attempt = visit.attempts.get(attempt_id)
        if attempt is None:  # a Local member's channel may have been optimised away
            attempt = next(
                (a for a in visit.attempts.values() if a.answered and a.agent == visit.agent), None
            )
        if attempt is None:
            visit.doubt("ring_unseen")
            return
        if not attempt.ended:
            self._life.ring_ends(visit, attempt, at, "answered")
        visit.ring_s = attempt.ring_s
        visit.rings = rings_of(attempt.ring_s, self._life.ring_cycle_s)

    def _agent_completed(self, message: AmiMessage, moment: Moment, arrived: float) -> None:
        visit = self.book.of_caller(message.get("Uniqueid"))
        talk = whole_seconds(message.get("TalkTime"))
        hold = whole_seconds(message.get("HoldTime"))
        if visit is None:
            visit = self._found_late(message, moment, (talk or 0.0) + (hold or 0.0))
        if visit is None:
            return
        if visit.queued and not self._connected_unseen(visit, message, moment, talk, hold):
            self.ignored += 1
            return
        if not visit.with_agent:
            return
        visit.complete_reason = message.get("Reason")
        visit.by_arrival |= moment.by_arrival
        self._life.end_part(visit, moment.at)
        if visit.caller_gone or visit.transferred:
            self._life.settle(visit)
        else:
            self._life.wait_for_more(visit, arrived)

    def _connected_unseen(
        self,
        visit: Visit,
        message: AmiMessage,
        moment: Moment,
        talk: float | None,
        hold: float | None,
    ) -> bool:
        """The agent's part ends and its beginning was never seen: rebuild it to the second."""
        last = self.book.finished(visit.channel_id)
        if talk is None or (
            last is not None and last.agent_channel_id == message.get("DestUniqueid")
        ):
            return False
        answered_at = moment.at - talk
        if answered_at < visit.joined_at - 1.0:
            return False  # the visit before this one
        visit.doubt("connect_unseen")
        visit.agent = message.get("Interface")
        visit.agent_name = message.get("MemberName")
        self.book.answer(visit, message.get("DestUniqueid"))
        self._life.connect(
            visit, max(answered_at, visit.joined_at), wait_s=hold, heard_at=None, resumed=True
        )
        return True

    def _held(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        visit = self.book.of_agent(message.get("Uniqueid"))
        if visit is not None:
            self._life.hold(visit, moment.at, "hold")

    def _unheld(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        visit = self.book.of_agent(message.get("Uniqueid"))
        if visit is not None:
            self._life.unhold(visit, moment.at, "hold")

    def _music_started(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        visit = self.book.of_caller(message.get("Uniqueid"))
        if visit is not None:
            self._life.hold(visit, moment.at, "music")

    def _music_stopped(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        visit = self.book.of_caller(message.get("Uniqueid"))
        if visit is not None:
            self._life.unhold(visit, moment.at, "music")

    def _blind_transfer(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        if message.get("Result", "Success") != "Success":
            return
        visit = self.book.of_caller(message.get("TransfereeUniqueid")) or self.book.of_agent(
            message.get("TransfererUniqueid")
        )
        if visit is not None:
            self._life.transfer(visit, moment.at, "blind", message.get("Extension"))

    def _attended_transfer(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        if message.get("Result", "Success") != "Success":
            return
        if message.get("DestType") == "Threeway":
            return  # the agent stays in: a conference
        transferee = message.get("TransfereeUniqueid")
        waiting = self.book.of_caller(message.get("SecondTransfererUniqueid"))
        if waiting is not None and waiting.queued and transferee:
            # The agent waited in a queue for the caller and now gives up the place.
            if self.book.of_caller(transferee) is None:
                self.book.rename(waiting, transferee)
            return
        visit = self.book.of_caller(transferee) or self.book.of_agent(
            message.get("OrigTransfererUniqueid")
        )
        if visit is not None:
            to = message.get("TransferTargetCallerIDNum") or message.get("SecondTransfererExten")
            self._life.transfer(visit, moment.at, "attended", to)

    # Hanging up

    def _hangup_requested(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        uniqueid = message.get("Uniqueid")
        visit = self.book.of_caller(uniqueid)
        if visit is not None:
            self._asked(visit, "customer", moment)
        elif (visit := self.book.of_agent(uniqueid)) is not None:
            self._asked(visit, "agent", moment)

    def _soft_hangup_requested(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        uniqueid = message.get("Uniqueid")
        visit = self.book.of_caller(uniqueid) or self.book.of_agent(uniqueid)
        # A Local member's channel is hung up by Asterisk even when it was the agent's doing.
        if visit is not None and not visit.agent_channel.startswith("Local/"):
            self._note_cause(visit, message)
            self._asked(visit, "system", moment)

    def _asked(self, visit: Visit, side: HangupBy, moment: Moment) -> None:
        if visit.phase in {Phase.LEAVING, Phase.COMPLETING} or visit.hung_up_by:
            return
        visit.hung_up_by = side
        if visit.phase is Phase.WAITING:  # later it is the dialplan that hangs up
            visit.hangup_asked_at = moment.at

    def _note_cause(self, visit: Visit, message: AmiMessage) -> None:
        cause = whole_seconds(message.get("Cause"))
        if cause:  # 0 says that none was set
            visit.hangup_cause = int(cause)

    def _hung_up(self, message: AmiMessage, moment: Moment, arrived: float) -> None:
        uniqueid = message.get("Uniqueid")
        visit = self.book.of_caller(uniqueid)
        if visit is not None:
            visit.caller_gone = True
            self._note_cause(visit, message)
            if visit.phase is Phase.WAITING:
                visit.doubt("leave_unseen")
                visit.left_at = moment.at
                visit.hangup_asked_at = visit.hangup_asked_at or moment.at
        elif (visit := self.book.of_agent(uniqueid)) is not None:
            if visit.agent_channel.startswith("Local/") and visit.with_agent:
                return  # optimised away: the agent talks on through the real channel
            self._note_cause(visit, message)
        if visit is None:
            return
        if visit.with_agent:
            if visit.part_ended_at is None:
                visit.part_ended_at = moment.at
            self._life.wait_for_more(visit, arrived)
        else:
            self._life.settle(visit)
