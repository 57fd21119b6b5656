"""Putting the open visits right after messages were lost.

The manager protocol replays nothing. What the lists say after a login is laid beside the visits
that were open; what happened to a channel since the login was seen as events and outranks them.
"""

from __future__ import annotations

from dataclasses import dataclass

from telephony.ami.parser import AmiMessage
from telephony.calls.book import OWN_CHANNELS
from telephony.calls.lifecycle import Lifecycle
from telephony.calls.phases import QUEUE_STATUS_OUTCOME, Phase, Step
from telephony.calls.times import Moment, whole_seconds
from telephony.calls.visit import OpenCall, Visit
from telephony.events import Outcome

STATUS_VARIABLES = ("QUEUENAME", "MEMBERINTERFACE", "QEHOLDTIME", "QUEUESTATUS")
"""Channel variables that tell, in `Status`, which queue and agent a call has."""

_UNSET = "(null)"
"""What Asterisk prints in `Status` for a variable that a channel does not have."""

_TOUCHING = frozenset(
    {
        "QueueCallerJoin",
        "QueueCallerLeave",
        "QueueCallerAbandon",
        "AgentConnect",
        "AgentComplete",
        "Newchannel",
        "Hangup",
    }
)


@dataclass(frozen=True, slots=True)
class PbxSnapshot:
    """What a PBX answered after a login; None where it refused a list.

    Args:
        started: CoreStatus' start date and time; None when unknown.
        entries: QueueEntry messages of `QueueStatus`.
        channels: CoreShowChannel messages of `CoreShowChannels`.
        statuses: Status messages of `Status` with `STATUS_VARIABLES`.
        members: QueueMember messages of `QueueStatus`.
        queues: QueueParams messages of `QueueStatus`.
    """

    started: str | None
    entries: tuple[AmiMessage, ...] | None
    channels: tuple[AmiMessage, ...] | None
    statuses: tuple[AmiMessage, ...] | None
    members: tuple[AmiMessage, ...] | None = None
    queues: tuple[AmiMessage, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Lists:
    """A snapshot's lists by the Uniqueid of the caller's channel."""

    channels: dict[str, AmiMessage]
    statuses: dict[str, AmiMessage]
    entries: dict[str, AmiMessage]

    @classmethod
    def of(cls, snapshot: PbxSnapshot) -> _Lists:
        return cls(
            {channel.get("Uniqueid"): channel for channel in snapshot.channels or ()},
            {status.get("Uniqueid"): status for status in snapshot.statuses or ()},
            {entry.get("Uniqueid"): entry for entry in snapshot.entries or ()},
        )

    def hears_music(self, caller_id: str, agent_id: str) -> bool:
        """Whether hold music is being played to a caller.

        No list says so, but music is written to the caller's channel as signed linear, while the
        agent's channel, which otherwise is what the caller hears, is read in another format.
        """
        caller, agent = self.statuses.get(caller_id), self.statuses.get(agent_id)
        if caller is None or agent is None:
            return False
        written, read = caller.get("Writeformat"), agent.get("Readformat")
        return written.startswith("slin") and bool(read) and not read.startswith("slin")


def status_variables(status: AmiMessage) -> dict[str, str]:
    """The `Variable: NAME=VALUE` headers of one Status message."""
    variables = {}
    for header in status.getall("Variable"):
        name, equals, value = header.partition("=")
        if equals and value != _UNSET:
            variables[name] = value
    return variables


class Resync:
    """The gap in the messages and its repair."""

    def __init__(self, life: Lifecycle) -> None:
        self._life = life
        self._book = life.book
        self._started: str | None = None
        self._touched: set[str] | None = None

    def begin(self, reason: str) -> None:
        """Mark the open visits, and watch which channels move until the lists are in."""
        self._touched = set()
        for visit in self._book:
            visit.doubt(reason)
            self._book.forget_attempts(visit)
            visit.answered_attempt = False

    def touch(self, message: AmiMessage) -> None:
        """Note that a channel moved while the lists were under way."""
        if self._touched is not None and message.event in _TOUCHING:
            self._touched.add(message.get("Uniqueid"))

    def restore(self, call: OpenCall) -> None:
        """Open a visit as an earlier run of the program left it. It gives no event."""
        visit = Visit(
            system=call.system,
            uniqueid=call.uniqueid,
            linkedid=call.linkedid,
            number=call.visit,
            queue=call.queue,
            caller=call.caller,
            caller_name=call.caller_name,
            channel="",
            joined_at=call.joined_at,
            call_id=call.call_id,
        )
        for reason in filter(None, call.incomplete_reason.split(",")):
            visit.doubt(reason)
        if call.answered_at is not None:
            visit.step(Step.CONNECTED)
            visit.agent = call.agent
            visit.answered_at = call.answered_at
            visit.wait_s = call.wait_s
            visit.ring_s = call.ring_s
            visit.rings = call.rings
        self._book.open(visit)

    def apply(self, snapshot: PbxSnapshot, now: float) -> None:
        """Close what is gone, correct what moved on, open what was unknown."""
        touched = self._touched if self._touched is not None else set()
        self._touched = None
        self._close_if_restarted(snapshot.started, touched, now)
        if snapshot.channels is None:
            return
        lists = _Lists.of(snapshot)
        for visit in self._book:
            if visit.channel_id not in touched:
                self._correct(visit, lists, now)
        unknown = [
            uniqueid
            for uniqueid in (lists.entries | lists.statuses)
            if uniqueid not in touched and self._book.of_caller(uniqueid) is None
        ]
        for uniqueid in unknown:
            if uniqueid in lists.entries:
                self._found_waiting(lists.entries[uniqueid], lists.channels, now)
            elif uniqueid in lists.channels:
                self._found_talking(lists.statuses[uniqueid], lists.channels, now)

    def _close_if_restarted(self, started: str | None, touched: set[str], now: float) -> None:
        before, self._started = self._started, started or self._started
        if before is None or started is None or before == started:
            return
        for visit in self._book:
            if visit.channel_id not in touched:
                self._life.close_unknown(visit, now, "pbx_restarted")

    def _correct(self, visit: Visit, lists: _Lists, now: float) -> None:
        channels = lists.channels
        channel = channels.get(visit.channel_id)
        if channel is None:
            self._life.close_unknown(visit, now, "ami_gap")
            return
        visit.channel = visit.channel or channel.get("Channel")
        waiting = visit.channel_id in lists.entries
        if visit.with_agent:
            partner = _partner(channel, channels, visit.agent)
            if waiting or partner is None:
                self._life.close_unknown(visit, now, "ami_gap")
                return
            self._book.answer(visit, partner.get("Uniqueid"))
            visit.agent_channel = partner.get("Channel")
            if lists.hears_music(visit.channel_id, partner.get("Uniqueid")):
                self._life.hold(visit, now, "music")
            else:
                # An unseen end of a hold would silence the agent's leg for the rest of the call.
                self._life.unhold(visit, now, None)
        elif visit.phase is Phase.WAITING and not waiting:
            status = lists.statuses.get(visit.channel_id)
            variables = status_variables(status) if status is not None else {}
            agent = variables.get("MEMBERINTERFACE", "")
            partner = _partner(channel, channels, agent) if agent else None
            if partner is not None:
                self._answered_unseen(visit, agent, partner, variables, now)
            else:
                self._life.close_unknown(visit, now, "ami_gap", _departed(variables))

    def _answered_unseen(
        self,
        visit: Visit,
        agent: str,
        partner: AmiMessage,
        variables: dict[str, str],
        now: float,
    ) -> None:
        wait_s = whole_seconds(variables.get("QEHOLDTIME", ""))
        visit.agent = agent
        visit.agent_channel = partner.get("Channel")
        self._book.answer(visit, partner.get("Uniqueid"))
        answered_at = now if wait_s is None else min(now, visit.joined_at + wait_s)
        self._life.connect(visit, answered_at, wait_s=wait_s, heard_at=None, resumed=True)

    def _found_waiting(
        self, entry: AmiMessage, channels: dict[str, AmiMessage], now: float
    ) -> None:
        channel = channels.get(entry.get("Uniqueid"))
        if entry.get("Channel").startswith(OWN_CHANNELS):
            return
        waited = whole_seconds(entry.get("Wait")) or 0.0
        self._life.open(
            entry,
            Moment(now, by_arrival=True),
            joined_at=now - waited,
            linkedid=channel.get("Linkedid") if channel is not None else "",
            doubt="joined_before_connect",
            resumed=True,
        )

    def _found_talking(
        self, status: AmiMessage, channels: dict[str, AmiMessage], now: float
    ) -> None:
        variables = status_variables(status)
        queue, agent = variables.get("QUEUENAME", ""), variables.get("MEMBERINTERFACE", "")
        name = status.get("Channel")
        if (
            not queue
            or not agent
            or variables.get("QUEUESTATUS")
            or name.startswith((*OWN_CHANNELS, _device(agent) + "-"))
        ):
            return
        channel = channels[status.get("Uniqueid")]
        partner = _partner(channel, channels, agent)
        if partner is None:
            return
        wait_s = whole_seconds(variables.get("QEHOLDTIME", ""))
        bridged_s = whole_seconds(status.get("Seconds")) or 0.0
        # `Seconds` counts from the channel's answer, mostly by the dialplan before the queue.
        joined_at = now - bridged_s
        answered_at = min(now, joined_at + (wait_s or 0.0))
        seen = AmiMessage(
            [
                ("Uniqueid", status.get("Uniqueid")),
                ("Linkedid", status.get("Linkedid")),
                ("Queue", queue),
                ("CallerIDNum", status.get("CallerIDNum")),
                ("CallerIDName", status.get("CallerIDName")),
                ("Channel", name),
            ]
        )
        visit = self._life.open(
            seen,
            Moment(now, by_arrival=True),
            joined_at=joined_at,
            doubt="joined_before_connect",
            resumed=True,
        )
        visit.agent = agent
        visit.agent_channel = partner.get("Channel")
        self._book.answer(visit, partner.get("Uniqueid"))
        self._life.connect(visit, answered_at, wait_s=wait_s, heard_at=None, resumed=True)


def _departed(variables: dict[str, str]) -> Outcome:
    """How a caller who is still on the PBX left the queue unseen; a key exit sets no status."""
    return QUEUE_STATUS_OUTCOME.get(variables.get("QUEUESTATUS", ""), "exit_key")


def _device(interface: str) -> str:
    """A member's interface without its options, as `Local/12@agents/n` → `Local/12@agents`."""
    technology, slash, rest = interface.partition("/")
    return technology + slash + rest.partition("/")[0]


def _partner(channel: AmiMessage, channels: dict[str, AmiMessage], agent: str) -> AmiMessage | None:
    """The agent's channel in the caller's bridge; None when the agent is not in it."""
    bridge = channel.get("BridgeId")
    if not bridge:
        return None
    others = [
        other
        for other in channels.values()
        if other.get("BridgeId") == bridge and other is not channel
    ]
    device = _device(agent)
    for other in others:
        if other.get("Channel").startswith(device + "-"):
            return other
    # A Local member that was optimised away: whoever is there is the agent.
    if device.startswith("Local/") and others:
        return others[0]
    return None
