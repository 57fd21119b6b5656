"""Calls that agents place themselves: out of the house, back to a caller, to one another.

They are in no queue: no visit, no queue's KPI, no line in queue_log. See docs/adr.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from backbone.ids import stable_id
from telephony.ami.parser import AmiMessage
from telephony.calls.book import OWN_CHANNELS
from telephony.calls.lifecycle import Handler, Lifecycle
from telephony.calls.times import Moment
from telephony.events import DirectCallEnded

_MOST_OPEN = 5_000
_UNANSWERED: dict[str, Literal["timeout", "busy", "abandoned"]] = {
    "NOANSWER": "timeout",
    "BUSY": "busy",
    "CANCEL": "abandoned",
}


def device_of(channel: str) -> str:
    """A channel's device, as `PJSIP/1001-0000000a` → `PJSIP/1001`."""
    return channel.rpartition("-")[0] or channel


@dataclass(slots=True)
class _Direct:
    uniqueid: str
    linkedid: str
    agent: str
    number: str
    started_at: float
    called_device: str
    called: set[str] = field(default_factory=set)
    ringing_at: float | None = None
    answered_at: float | None = None
    answered_by: str = ""
    status: str = ""
    ring_s: float | None = None
    hung_up_by: Literal["customer", "agent", ""] = ""
    doubt: str = ""
    ended_at: float = 0.0
    end_seen: bool = True


class DirectCalls:
    """Follows an agent's own calls by the dialling of their channels.

    Args:
        life: where the events go and which visits are open.
        is_agent: whether a device (`PJSIP/1001`) is a member's.
    """

    def __init__(self, life: Lifecycle, is_agent: Callable[[str], bool]) -> None:
        self._life = life
        self._is_agent = is_agent
        self._open: OrderedDict[str, _Direct] = OrderedDict()
        self._called: dict[str, _Direct] = {}
        self._members_unsure = False
        self._withheld: list[_Direct] = []
        self.handlers: dict[str, Handler] = {
            "DialBegin": self._dialled,
            "DialState": self._dial_state,
            "DialEnd": self._dial_ended,
            "HangupRequest": self._hangup_requested,
            "Hangup": self._hung_up,
            "AttendedTransfer": self._consulted,
        }

    def __len__(self) -> int:
        return len(self._open)

    def begin_gap(self, reason: str) -> None:
        """Messages were lost: every open call will say so.

        Who is a member may have changed, too: until `end_gap` every device may be an agent's.
        """
        self._members_unsure = True
        for call in self._open.values():
            call.doubt = reason

    def end_gap(self, channels: set[str] | None, at: float) -> None:
        """The PBX's lists are in: end what is gone, and drop what was no agent's call.

        Args:
            channels: Uniqueids of all channels; None when the PBX does not tell.
            at: now, in seconds since the epoch.
        """
        self._members_unsure = False
        for call in [call for call in self._open.values() if not self._is_agent(call.agent)]:
            self._forget(call)
        withheld, self._withheld = self._withheld, []
        for call in withheld:
            if self._is_agent(call.agent):
                self._tell(call)
        if channels is None:
            return
        for call in [call for call in self._open.values() if call.uniqueid not in channels]:
            call.doubt = call.doubt or "ami_gap"
            self._end(call, at, end_seen=False)

    def _dialled(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        uniqueid, called = message.get("Uniqueid"), message.get("DestUniqueid")
        channel = message.get("Channel")
        if not uniqueid or not called or channel.startswith(("Local/", *OWN_CHANNELS)):
            return
        agent = device_of(channel)
        if not (self._members_unsure or self._is_agent(agent)):
            return
        if self._life.book.of_caller(uniqueid) is not None:
            return
        call = self._open.get(uniqueid)
        if call is None:
            while len(self._open) >= _MOST_OPEN:
                oldest = next(iter(self._open.values()))
                oldest.doubt = "too_many_open"
                self._end(oldest, moment.at, end_seen=False)
            extension = message.get("Exten")
            dialled = extension if extension[:1].isdigit() else message.get("DialString")
            call = _Direct(
                uniqueid,
                message.get("Linkedid"),
                agent,
                dialled,
                moment.at,
                device_of(message.get("DestChannel")),
            )
            self._open[uniqueid] = call
        call.called.add(called)
        self._called[called] = call

    def _dial_state(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        call = self._called.get(message.get("DestUniqueid"))
        if call is None or message.get("DialStatus") != "RINGING":
            return
        if call.ringing_at is None:
            call.ringing_at = moment.at

    def _dial_ended(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        called = message.get("DestUniqueid")
        call = self._called.get(called)
        if call is None or call.answered_at is not None:
            return
        if call.ringing_at is not None:
            call.ring_s = max(0.0, moment.at - call.ringing_at)
        call.status = message.get("DialStatus")
        if call.status == "ANSWER":
            call.answered_at, call.answered_by = moment.at, called

    def _hangup_requested(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        uniqueid = message.get("Uniqueid")
        call = self._open.get(uniqueid)
        if call is not None:
            call.hung_up_by = call.hung_up_by or "agent"
            return
        call = self._called.get(uniqueid)
        if call is not None and call.answered_by == uniqueid:
            call.hung_up_by = call.hung_up_by or "customer"

    def _hung_up(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        uniqueid = message.get("Uniqueid")
        call = self._open.get(uniqueid)
        if call is None:
            called = self._called.get(uniqueid)
            if called is None or called.answered_by != uniqueid:
                return
            call = called
        self._end(call, moment.at)

    def _consulted(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        # The call that precedes an attended transfer belongs to the visit that was transferred.
        call = self._open.get(message.get("SecondTransfererUniqueid"))
        if call is not None and message.get("Result", "Success") == "Success":
            self._forget(call)

    def _forget(self, call: _Direct) -> None:
        self._open.pop(call.uniqueid, None)
        for called in call.called:
            self._called.pop(called, None)

    def _end(self, call: _Direct, at: float, *, end_seen: bool = True) -> None:
        self._forget(call)
        call.ended_at, call.end_seen = at, end_seen
        if not self._members_unsure or self._is_agent(call.agent):
            self._tell(call)
        elif len(self._withheld) < _MOST_OPEN:
            self._withheld.append(call)

    def _tell(self, call: _Direct) -> None:
        talk_s = None
        if call.answered_at is not None and call.end_seen:
            talk_s = max(0.0, call.ended_at - call.answered_at)
        outcome: Literal["answered", "abandoned", "timeout", "busy", "failed"]
        if call.answered_at is not None:
            outcome = "answered"
        elif call.hung_up_by == "agent" or not call.status:
            outcome = "abandoned"
        else:
            outcome = _UNANSWERED.get(call.status, "failed")
        self._life.emit(
            DirectCallEnded(
                at=call.ended_at,
                call_id=stable_id("direct", self._life.system, call.uniqueid, call.started_at),
                system=self._life.system,
                uniqueid=call.uniqueid,
                linkedid=call.linkedid,
                direction="internal" if self._is_agent(call.called_device) else "outbound",
                agent=call.agent,
                number=call.number,
                started_at=call.started_at,
                answered_at=call.answered_at,
                ended_at=call.ended_at,
                ring_s=call.ring_s,
                talk_s=talk_s,
                outcome=outcome,
                hangup_by=call.hung_up_by,
                complete=not call.doubt,
                incomplete_reason=call.doubt,
            )
        )
