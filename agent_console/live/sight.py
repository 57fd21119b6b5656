"""What one user may see of the live events: pure, fed with the events in their order.

A call comes into sight when it enters a queue of the user's scope, or rings at or is answered by
an agent of it, and may go out of sight again when another agent answers. What is not known to be
in sight is not shown.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from dataclasses import dataclass, field

import msgspec

from agent_console.events import ComplaintOpened, ComplaintOverdue
from agent_console.live.feed import HEALTH_EVENTS
from agent_console.live.state import LiveState, Snapshot
from agent_console.live.views import AlertView, CallView
from agent_console.permissions import PERMISSIONS, Role
from agent_console.scope import Scope
from backbone.events import Envelope, Event
from qa_engine.events import (
    Alert,
    AlertAssigned,
    AlertCommented,
    AlertEscalated,
    AlertFeedback,
    RuleMuted,
)
from telephony.events import (
    AgentMissedRings,
    AgentState,
    AgentStateChanged,
    CallConnected,
    CallEnded,
    CallJoined,
    QueueState,
    RingEnded,
    RingStarted,
)

_MOST_CALLS = 5000
_ANSWER_COMPLAINTS = PERMISSIONS["PATCH /complaints/{}"].roles
_AMONG_LEADS = (AlertAssigned, AlertCommented, AlertEscalated, AlertFeedback, RuleMuted)
"""What those above an agent do about the agent's alerts."""


class Seen(enum.Enum):
    """What becomes of an event."""

    NO = "no"
    YES = "yes"
    APPEARS = "appears"
    """It brought its call into sight: show the whole call."""
    VANISHES = "vanishes"
    """It took its call out of sight."""


@dataclass(slots=True)
class _Known:
    queue: str
    agent: str = ""
    ringing: dict[str, str] = field(default_factory=dict)
    shown_up_to: int = 0
    """Numbered events up to this one were part of what was shown of the call."""

    def parties(self) -> set[str]:
        return {*self.ringing.values(), self.agent} - {""}


class Sight:
    """One client's view. Feed `judge` every event of the client's stream, in order."""

    def __init__(self, role: Role, scope: Scope) -> None:
        self._role = role
        self._scope = scope
        self._calls: OrderedDict[str, _Known] = OrderedDict()
        self._my_queues: frozenset[str] = frozenset()

    @property
    def narrow(self) -> bool:
        """Whether anything is hidden at all."""
        return not self._scope.everything

    def begin(self, state: LiveState) -> Snapshot:
        """Start from what is known now; returns what of it may be seen."""
        snapshot = state.snapshot()
        if not self.narrow:
            return snapshot
        for call in snapshot.calls:
            self._keep(call.call_id, _known(call, state.seq))
        for agent in state.agents.values():
            self.agent(agent)
        return Snapshot(
            [call for call in snapshot.calls if self._visible(call.call_id)],
            [self.alert(a) for a in snapshot.alerts if self._sees_alert(a)],
        )

    def agent(self, event: AgentState) -> AgentState | None:
        """An agent's state, if it may be seen."""
        if self._role == "agent":
            if event.agent in self._scope.agents:
                self._my_queues = frozenset(event.queues)
                return event
            return None
        mine = any(queue in self._scope.queues for queue in event.queues)
        return event if self._scope.sees("", {event.agent}) or mine else None

    def queue(self, event: QueueState) -> QueueState | None:
        """A queue's state, if it may be seen; agents are not told which calls wait."""
        if self._role != "agent":
            return event if self._scope.sees(event.queue, ()) else None
        if event.queue not in self._my_queues:
            return None
        anonymous = tuple(msgspec.structs.replace(caller, call_id="") for caller in event.waiting)
        return msgspec.structs.replace(event, waiting=anonymous)

    def alert(self, view: AlertView) -> AlertView:
        """An alert as this user may see it; of an agent's own, not what leads say of it."""
        return view.gentle() if self._role == "agent" else view

    def call_alerts(self, state: LiveState, call_id: str) -> list[AlertView]:
        """The alerts of a call that has come into sight."""
        return [self.alert(a) for a in state.alerts.values() if a.call_id == call_id]

    def shown(self, call_id: str, seq: int) -> None:
        """Remember that a call was shown whole, with all numbered events up to `seq`."""
        known = self._calls.get(call_id)
        if known is not None:
            known.shown_up_to = seq

    def judge(self, envelope: Envelope) -> tuple[Seen, Event]:
        """Say what becomes of an event, and give it as this user may see it."""
        event = envelope.event
        if isinstance(event, ComplaintOpened | ComplaintOverdue):
            mine = self._role in _ANSWER_COMPLAINTS
            seen = mine and self._scope.sees(event.queue, {event.agent})
            return Seen.YES if seen else Seen.NO, event
        if not self.narrow or isinstance(event, HEALTH_EVENTS):
            return Seen.YES, event
        if isinstance(event, AgentState | QueueState):
            shown = self.agent(event) if isinstance(event, AgentState) else self.queue(event)
            return (Seen.NO, event) if shown is None else (Seen.YES, shown)
        if isinstance(event, AgentMissedRings | AgentStateChanged):
            return (Seen.YES if event.agent in self._scope.agents else Seen.NO), event
        if self._role == "agent" and isinstance(event, _AMONG_LEADS):
            return Seen.NO, event
        return self._judge_of_call(envelope), event

    def _judge_of_call(self, envelope: Envelope) -> Seen:
        event = envelope.event
        call_id = getattr(event, "call_id", "")
        before = self._visible(call_id)
        self._follow(call_id, event)
        after = self._visible(call_id)
        if isinstance(event, Alert) and not after:
            # It may come long after its call was forgotten here.
            return Seen.YES if self._scope.sees(event.queue, {event.agent}) else Seen.NO
        if before and after:
            known = self._calls[call_id]
            return Seen.NO if 0 < envelope.seq <= known.shown_up_to else Seen.YES
        if after:
            return Seen.YES if isinstance(event, CallJoined) else Seen.APPEARS
        return Seen.VANISHES if before else Seen.NO

    def _follow(self, call_id: str, event: Event) -> None:
        if isinstance(event, CallJoined | CallConnected) and call_id not in self._calls:
            self._keep(call_id, _Known(event.queue))
        known = self._calls.get(call_id)
        if known is None:
            return
        match event:
            case RingStarted():
                known.ringing[event.attempt_id] = event.agent
            case RingEnded():
                if event.result != "answered":  # who answered is in sight until connected
                    known.ringing.pop(event.attempt_id, None)
            case CallConnected():
                known.agent = event.agent
                known.ringing.clear()
            case CallEnded():
                known.agent = event.record.agent
                known.ringing.clear()

    def _visible(self, call_id: str) -> bool:
        known = self._calls.get(call_id)
        return known is not None and self._scope.sees(known.queue, known.parties())

    def _sees_alert(self, alert: AlertView) -> bool:
        return self._visible(alert.call_id) or self._scope.sees(alert.queue, {alert.agent})

    def _keep(self, call_id: str, known: _Known) -> None:
        self._calls[call_id] = known
        if len(self._calls) > _MOST_CALLS:
            self._calls.popitem(last=False)


def _known(call: CallView, seq: int) -> _Known:
    ringing = {ring.attempt_id: ring.agent for ring in call.ringing if not ring.result}
    return _Known(call.queue, call.agent, ringing, seq)
