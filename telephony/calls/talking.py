"""Messages about a caller and an agent: connected, held, transferred, hung up."""

from __future__ import annotations

from telephony.ami.parser import AmiMessage
from telephony.calls.lifecycle import Handler, Lifecycle
from telephony.calls.phases import Phase
from telephony.calls.times import Moment, rings_of, whole_seconds
from telephony.calls.visit import Visit
from telephony.events import HangupBy


class Talking:
    """Handles the messages from an agent's answer to the last hangup."""

    def __init__(self, life: Lifecycle) -> None:
        self._life = life
        self._book = life.book
        self.handlers: dict[str, Handler] = {
            "AgentConnect": self._agent_connected,
            "AgentComplete": self._agent_completed,
            "Hold": self._held,
            "Unhold": self._unheld,
            "MusicOnHoldStart": self._music_started,
            "MusicOnHoldStop": self._music_stopped,
            "BlindTransfer": self._blind_transfer,
            "AttendedTransfer": self._attended_transfer,
            "ParkedCall": self._parked,
            "ConfbridgeJoin": self._conference_joined,
            "HangupRequest": self._hangup_requested,
            "SoftHangupRequest": self._soft_hangup_requested,
            "Hangup": self._hung_up,
        }

    # Talking

    def _agent_connected(self, message: AmiMessage, moment: Moment, arrived: float) -> None:
        hold_time = whole_seconds(message.get("HoldTime"))
        visit = self._book.of_caller(message.get("Uniqueid"))
        if visit is None:
            visit = self._life.open_late(message, moment, hold_time)
        if visit is None or not visit.queued:
            return
        last = self._book.finished(visit.channel_id)
        if last is not None and last.agent_channel_id == message.get("DestUniqueid"):
            self._life.ignored += 1  # an echo of the visit before this one
            return
        visit.agent = message.get("Interface")
        visit.agent_name = message.get("MemberName")
        visit.agent_channel = message.get("DestChannel")
        visit.by_arrival |= moment.by_arrival
        self._take_ring_time(visit, message.get("DestUniqueid"), moment.at)
        self._book.answer(visit, message.get("DestUniqueid"))
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
        visit = self._book.of_caller(message.get("Uniqueid"))
        talk = whole_seconds(message.get("TalkTime"))
        hold = whole_seconds(message.get("HoldTime"))
        if visit is None:
            visit = self._life.open_late(message, moment, (talk or 0.0) + (hold or 0.0))
        if visit is None:
            return
        if visit.queued and not self._connected_unseen(visit, message, moment, talk, hold):
            self._life.ignored += 1
            return
        if not visit.with_agent:
            return
        visit.complete_reason = message.get("Reason")
        visit.by_arrival |= moment.by_arrival
        self._life.end_part(visit, moment.at)
        if visit.may_be_parked:
            self._life.wait_for_parking(visit, arrived)
        elif visit.caller_gone or visit.transferred:
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
        last = self._book.finished(visit.channel_id)
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
        self._book.answer(visit, message.get("DestUniqueid"))
        self._life.connect(
            visit, max(answered_at, visit.joined_at), wait_s=hold, heard_at=None, resumed=True
        )
        return True

    def _held(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        visit = self._book.of_agent(message.get("Uniqueid"))
        if visit is not None:
            self._life.hold(visit, moment.at, "hold")

    def _unheld(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        visit = self._book.of_agent(message.get("Uniqueid"))
        if visit is not None:
            self._life.unhold(visit, moment.at, "hold")

    def _music_started(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        visit = self._book.of_caller(message.get("Uniqueid"))
        if visit is not None:
            self._life.hold(visit, moment.at, "music")

    def _music_stopped(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        visit = self._book.of_caller(message.get("Uniqueid"))
        if visit is not None:
            self._life.unhold(visit, moment.at, "music")

    def _blind_transfer(self, message: AmiMessage, moment: Moment, arrived: float) -> None:
        if message.get("Result", "Success") != "Success":
            return
        visit = self._book.of_caller(message.get("TransfereeUniqueid")) or self._book.of_agent(
            message.get("TransfererUniqueid")
        )
        if visit is not None:
            self._life.transfer(visit, moment.at, "blind", message.get("Extension"))
            if visit.phase is Phase.COMPLETING:
                self._life.wait_for_parking(visit, arrived)

    def _attended_transfer(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        if message.get("Result", "Success") != "Success":
            return
        if message.get("DestType") == "Threeway":
            # The agent stays in: a conference.
            joined = self._book.of_agent(message.get("OrigTransfererUniqueid"))
            if joined is not None:
                joined.conference = True
                # The caller is back in the talk; no message ends the hold that the keys began.
                self._life.unhold(joined, moment.at, None)
            return
        transferee = message.get("TransfereeUniqueid")
        waiting = self._book.of_caller(message.get("SecondTransfererUniqueid"))
        if waiting is not None and waiting.queued and transferee:
            # The agent waited in a queue for the caller and now gives up the place.
            if self._book.of_caller(transferee) is None:
                self._book.rename(waiting, transferee)
            return
        visit = self._book.of_caller(transferee) or self._book.of_agent(
            message.get("OrigTransfererUniqueid")
        )
        if visit is not None:
            to = message.get("TransferTargetCallerIDNum") or message.get("SecondTransfererExten")
            self._life.transfer(visit, moment.at, "attended", to)

    def _parked(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        visit = self._book.of_caller(message.get("ParkeeUniqueid"))
        if visit is not None:
            self._life.park(visit, moment.at, message.get("ParkingSpace"))

    def _conference_joined(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        uniqueid = message.get("Uniqueid")
        visit = self._book.of_caller(uniqueid) or self._book.of_agent(uniqueid)
        # A caller who was handed on into a room talks there with others, not with this agent.
        if visit is not None and visit.answered_at is not None and not visit.transferred:
            visit.conference = True

    # Hanging up

    def _hangup_requested(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        uniqueid = message.get("Uniqueid")
        visit = self._book.of_caller(uniqueid)
        if visit is not None:
            self._asked(visit, "customer", moment)
        elif (visit := self._book.of_agent(uniqueid)) is not None and not _is_local(visit):
            self._asked(visit, "agent", moment)

    def _soft_hangup_requested(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        uniqueid = message.get("Uniqueid")
        visit = self._book.of_caller(uniqueid) or self._book.of_agent(uniqueid)
        if visit is not None and not _is_local(visit):
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
        visit = self._book.of_caller(uniqueid)
        if visit is not None:
            visit.caller_gone = True
            self._note_cause(visit, message)
            if visit.phase is Phase.WAITING:
                visit.doubt("leave_unseen")
                visit.left_at = moment.at
                visit.hangup_asked_at = visit.hangup_asked_at or moment.at
        elif (visit := self._book.of_agent(uniqueid)) is not None:
            if _is_local(visit) and visit.with_agent:
                return  # optimised away: the agent talks on through the real channel
            self._note_cause(visit, message)
        if visit is None:
            return
        if visit.with_agent:
            if visit.part_ended_at is None:
                visit.part_ended_at = moment.at
            self._life.wait_for_more(visit, arrived)
        elif visit.caller_gone or not visit.may_be_parked:
            self._life.settle(visit)


def _is_local(visit: Visit) -> bool:
    """Whether the agent was called through a Local channel.

    Asterisk hangs such a channel up by itself, when it optimises it away or when the agent's
    real one ends, so its hangups tell nothing; AgentComplete's Reason does.
    """
    return visit.agent_channel.startswith("Local/")
