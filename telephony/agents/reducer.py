"""Manager messages and call events in, states of agents and queues out. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from backbone.events import Event
from telephony.agents.agent import Agent, Membership, Phone
from telephony.agents.missed import MissedRings
from telephony.agents.waiting import WaitingLine
from telephony.ami.parser import AmiMessage
from telephony.calls.queueing import interface_of
from telephony.calls.times import moment_of, whole_seconds
from telephony.calls.visit import Visit
from telephony.events import (
    AgentMissedRings,
    AgentPhase,
    AgentSpeechEnds,
    AgentState,
    AgentStateChanged,
    CallConnected,
    CallEnded,
    CallHeld,
    CallJoined,
    CallResumed,
    QueueState,
    RingEnded,
    RingStarted,
)

_FREE: frozenset[AgentPhase] = frozenset({"available"})
_AWAY: frozenset[AgentPhase] = frozenset({"logged_out", "unreachable"})


class AgentReducer:
    """The agents and queues of one PBX.

    Feed it every message with the call events it gave, and `tick` about twice a second: wrap-up
    ends by time alone. Agents and queues that are known stay known, so it grows with the site,
    not with the calls.

    Args:
        system: the PBX's name.
        missed: the rule about unanswered rings.
        wrap_ups: the queues' wrap-up times in seconds, for members who have none of their own.
        max_agents: beyond it new members are not taken in.
    """

    def __init__(
        self,
        system: str,
        missed: MissedRings | None = None,
        *,
        wrap_ups: Mapping[str, float] | None = None,
        max_agents: int = 10_000,
    ) -> None:
        self.system = system
        self.agents: dict[str, Agent] = {}
        self._missed = missed or MissedRings()
        self._wrap_ups = dict(wrap_ups or {})
        self._max_agents = max_agents
        self._lines: defaultdict[str, WaitingLine] = defaultdict(WaitingLine)
        self._talks: dict[str, Agent] = {}
        self._changed_agents: dict[str, Agent] = {}
        self._changed_queues: dict[str, None] = {}
        self._told_agents: dict[str, AgentState] = {}
        self._told_queues: dict[str, QueueState] = {}
        self._events: list[Event] = []
        self._messages: dict[str, Callable[[AmiMessage, float], None]] = {
            "QueueMemberAdded": self._member,
            "QueueMemberStatus": self._member,
            "QueueMemberPause": self._member,
            "QueueMemberRemoved": self._member_removed,
        }
        # Any: each handler takes its own event class, which is the key it stands under.
        self._calls: dict[type[Event], Callable[[Any], None]] = {
            CallJoined: self._joined,
            RingStarted: self._ring_started,
            RingEnded: self._ring_ended,
            CallConnected: self._connected,
            CallHeld: self._held,
            CallResumed: self._resumed,
            AgentSpeechEnds: self._speech_ends,
            CallEnded: self._ended,
        }

    def feed(self, message: AmiMessage, arrived: float, events: Iterable[Event]) -> list[Event]:
        """Take a message and the call events that came of it; return what changed."""
        handler = self._messages.get(message.event)
        at = None
        if handler is not None:
            at = moment_of(message, arrived).at
            handler(message, at)
        for event in events:
            self._take(event)
            at = event.at if at is None else max(at, event.at)
        return self._tell(arrived if at is None else at)

    def calls(self, events: Iterable[Event], now: float) -> list[Event]:
        """Take call events that came of no message (a resync, the passing of time)."""
        for event in events:
            self._take(event)
        return self._tell(now)

    def tick(self, now: float) -> list[Event]:
        """Tell what the passing of time has changed."""
        for agent in self.agents.values():
            if agent.settles_at is not None and agent.settles_at <= now:
                self._touch(agent)
        return self._tell(now)

    def resync(
        self,
        members: Iterable[AmiMessage],
        queues: Iterable[AmiMessage],
        visits: Iterable[Visit],
        now: float,
    ) -> list[Event]:
        """Set memberships and waiting lines right by what the PBX lists after a login.

        Args:
            members: QueueMember messages: who is in which queue, paused or not, and the phones.
            queues: QueueParams messages, so that empty queues are known too.
            visits: those that are under way now.
            now: by our clock.
        """
        under_way = {visit.call_id: visit for visit in visits}
        listed: dict[str, set[str]] = defaultdict(set)
        for member in members:
            self._member(member, now)
            listed[interface_of(member)].add(member.get("Queue"))
        for agent in self.agents.values():
            for queue in set(agent.memberships) - listed[agent.interface]:
                self._leave_queue(agent, queue)
            if agent.call_id and agent.call_id not in under_way:
                self._talk_over(agent, now)
            agent.ringing.clear()
            self._touch(agent)
        for params in queues:
            self._changed_queues[params.get("Queue")] = None
        for queue, line in self._lines.items():
            for call_id in [c for c, _ in line.callers if c not in under_way]:
                line.leave(call_id)
            self._changed_queues[queue] = None
        for visit in under_way.values():
            self._take_up(visit)
        return self._tell(now)

    def _take_up(self, visit: Visit) -> None:
        """Place a visit that an earlier run of the program saw begin."""
        if visit.queued:
            self._lines[visit.queue].join(visit.call_id, 0, visit.joined_at)
            self._changed_queues[visit.queue] = None
        agent = self.agents.get(visit.agent)
        if agent is not None and visit.with_agent and visit.call_id not in self._talks:
            self._talks[visit.call_id] = agent
            agent.call_id, agent.held = visit.call_id, visit.held_since is not None
            self._touch(agent)

    def restore_missed(self, rings: Iterable[tuple[str, float]], now: float) -> None:
        """Begin with the unanswered rings that the store knows."""
        self._missed.restore(rings, now)

    # Members

    def _member(self, message: AmiMessage, at: float) -> None:
        interface, queue = interface_of(message), message.get("Queue")
        agent = self.agents.get(interface)
        if not interface or not queue:
            return
        if agent is None:
            if len(self.agents) >= self._max_agents:
                return
            agent = self.agents[interface] = Agent(interface)
        agent.name = message.get("MemberName") or message.get("Name") or agent.name
        place = agent.memberships.setdefault(queue, Membership())
        place.paused = message.get("Paused") == "1"
        place.reason = message.get("PausedReason") if place.paused else ""
        of_member = whole_seconds(message.get("Wrapuptime"))
        place.wrap_up_s = of_member or self._wrap_ups.get(queue, 0.0)
        phone = _phone(message.get("Status"))
        if phone is not None and phone is not agent.phone:
            agent.phone, agent.phone_since = phone, at
        self._touch(agent)

    def _member_removed(self, message: AmiMessage, _at: float) -> None:
        agent = self.agents.get(interface_of(message))
        if agent is not None:
            self._leave_queue(agent, message.get("Queue"))

    def _leave_queue(self, agent: Agent, queue: str) -> None:
        agent.memberships.pop(queue, None)
        self._changed_queues[queue] = None
        self._touch(agent)

    # Calls

    def _take(self, event: Event) -> None:
        handler = self._calls.get(type(event))
        if handler is not None:
            handler(event)

    def _joined(self, event: CallJoined) -> None:
        self._lines[event.queue].join(event.call_id, event.position, event.at)
        self._changed_queues[event.queue] = None

    def _ring_started(self, event: RingStarted) -> None:
        agent = self.agents.get(event.agent)
        if agent is not None:
            agent.ringing[event.attempt_id] = event.call_id
            self._touch(agent)

    def _ring_ended(self, event: RingEnded) -> None:
        agent = self.agents.get(event.agent)
        if agent is not None:
            if event.result == "answered":
                agent.missed_in_a_row = 0  # and the talk follows within milliseconds
            else:
                agent.ringing.pop(event.attempt_id, None)
            self._touch(agent)
        if event.result not in {"no_answer", "busy"}:
            return
        if agent is not None:
            agent.missed_in_a_row += 1
        count = self._missed.missed(event.agent, event.at)
        if count is not None:
            self._events.append(
                AgentMissedRings(
                    at=event.at,
                    system=self.system,
                    agent=event.agent,
                    missed=count,
                    window_s=self._missed.window_s,
                )
            )

    def _connected(self, event: CallConnected) -> None:
        self._left(event.queue, event.call_id)
        agent = self.agents.get(event.agent)
        if agent is not None:
            self._talks[event.call_id] = agent
            agent.call_id, agent.held = event.call_id, False
            agent.ringing.clear()
            agent.missed_in_a_row = 0
            self._touch(agent)

    def _held(self, event: CallHeld) -> None:
        self._hold(event.call_id, held=True)

    def _resumed(self, event: CallResumed) -> None:
        self._hold(event.call_id, held=False)

    def _hold(self, call_id: str, *, held: bool) -> None:
        agent = self._talks.get(call_id)
        if agent is not None:
            agent.held = held
            self._touch(agent)

    def _speech_ends(self, event: AgentSpeechEnds) -> None:
        agent = self._talks.get(event.call_id)
        if agent is not None:
            self._talk_over(agent, event.at)

    def _ended(self, event: CallEnded) -> None:
        self._left(event.record.queue, event.call_id)
        for attempt in event.record.attempts:
            rung = self.agents.get(attempt.agent)
            if rung is not None and event.call_id in rung.ringing.values():
                rung.ringing = {a: c for a, c in rung.ringing.items() if c != event.call_id}
                self._touch(rung)
        agent = self._talks.get(event.call_id)
        if agent is not None:
            self._talk_over(agent, event.at)

    def _talk_over(self, agent: Agent, at: float) -> None:
        self._talks.pop(agent.call_id, None)
        agent.call_id, agent.held = "", False
        longest = max((place.wrap_up_s for place in agent.memberships.values()), default=0.0)
        agent.wrap_up_until = at + longest if longest else 0.0
        # The phone is still in use for a moment; longer means another call.
        agent.phone_since = max(agent.phone_since, at)
        self._touch(agent)

    def _left(self, queue: str, call_id: str) -> None:
        if queue in self._lines and self._lines[queue].leave(call_id):
            self._changed_queues[queue] = None

    # Telling

    def _touch(self, agent: Agent) -> None:
        self._changed_agents[agent.interface] = agent
        for queue in agent.memberships:
            self._changed_queues[queue] = None

    def _tell(self, now: float) -> list[Event]:
        for agent in self._changed_agents.values():
            self._tell_agent(agent, now)
        for queue in self._changed_queues:
            self._tell_queue(queue, now)
        self._changed_agents.clear()
        self._changed_queues.clear()
        events, self._events = self._events, []
        return events

    def _tell_agent(self, agent: Agent, now: float) -> None:
        if agent.wrap_up_until and agent.wrap_up_until <= now:
            agent.wrap_up_until = 0.0
        state, reason = agent.state(now)
        before = self._told_agents.get(agent.interface)
        same = before is not None and (before.state, before.reason) == (state, reason)
        told = AgentState(
            at=now,
            system=self.system,
            agent=agent.interface,
            name=agent.name,
            state=state,
            since=before.since if same and before is not None else now,
            reason=reason,
            queues=tuple(sorted(agent.memberships)),
            paused_in=agent.paused_in,
            call_id=agent.call_id,
            missed_in_a_row=agent.missed_in_a_row,
            wrap_up_until=agent.wrap_up_until or None,
        )
        if before is not None and told == replace(before, at=now):
            return
        self._told_agents[agent.interface] = told
        self._events.append(told)
        if not same:
            self._events.append(
                AgentStateChanged(
                    at=now,
                    system=self.system,
                    agent=agent.interface,
                    state=state,
                    reason=reason,
                )
            )

    def _tell_queue(self, queue: str, now: float) -> None:
        here = [agent for agent in self.agents.values() if queue in agent.memberships]
        states = [(agent, agent.state(now)[0]) for agent in here]
        reachable = [(agent, state) for agent, state in states if state not in _AWAY]
        line = self._lines[queue]
        told = QueueState(
            at=now,
            system=self.system,
            queue=queue,
            waiting=line.as_told(),
            longest_since=line.longest_since,
            members=len(reachable),
            available=sum(
                state in _FREE and not agent.memberships[queue].paused for agent, state in reachable
            ),
            paused=sum(agent.memberships[queue].paused for agent, _ in reachable),
        )
        before = self._told_queues.get(queue)
        if before is None or told != replace(before, at=now):
            self._told_queues[queue] = told
            self._events.append(told)


def _phone(text: str) -> Phone | None:
    try:
        return Phone(int(text))
    except ValueError:
        return None
