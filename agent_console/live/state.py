"""The live page's state as a fold over events: pure, no clock, no I/O.

A numbered event that was applied already is ignored, and so is one that comes without a number
and changes nothing, so a replay from the journal may overlap with what is known.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from agent_console.live.feed import HEALTH_EVENTS
from agent_console.live.fold import joined, take_in, unseen
from agent_console.live.views import AlertView, CallView
from backbone.events import Envelope, Event
from qa_engine.events import SEVERITIES, Alert
from qa_engine.privacy import redact
from qa_engine.storage import AlertChange
from telephony.events import AgentState, CallConnected, CallEnded, CallJoined, QueueState

_MOST_HANDLED = 50
MOST_ALERTS = 1000
"""Alerts kept for the page, open and grave ones first; the others are still in the store."""


def _standing(alert: AlertView) -> tuple[bool, int, float]:
    """What needs a person least goes first: handled, then light, then old."""
    return alert.state == "open", SEVERITIES.index(alert.severity), alert.at


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All a page needs to begin: calls by when they joined, alerts by when they were emitted."""

    calls: list[CallView]
    alerts: list[AlertView]


class LiveState:
    """Calls in progress, those that ended lately, open alerts, health."""

    def __init__(self, ended_kept: int = 30) -> None:
        self.seq = 0
        self.calls: OrderedDict[str, CallView] = OrderedDict()
        self.alerts: OrderedDict[str, AlertView] = OrderedDict()
        self.health: dict[object, Event] = {}
        self.agents: dict[object, AgentState] = {}
        self.queues: dict[object, QueueState] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._handled: OrderedDict[str, None] = OrderedDict()
        self._ended_kept = ended_kept

    def load_alerts(self, alerts: Iterable[AlertView]) -> None:
        """Begin with these alerts, oldest first."""
        for alert in alerts:
            self.alerts[alert.alert_id] = alert

    def apply(self, envelope: Envelope) -> None:
        """Take in one event."""
        event = redact(envelope.event)
        if envelope.seq:
            if envelope.seq <= self.seq:
                return
            self.seq = envelope.seq
        if isinstance(event, HEALTH_EVENTS):
            self.health[event.latest_key()] = event
        elif isinstance(event, AgentState):
            self.agents[event.latest_key()] = event
        elif isinstance(event, QueueState):
            self.queues[event.latest_key()] = event
        elif isinstance(event, Alert):
            self.alerts.setdefault(event.alert_id, AlertView.of(event))
            if len(self.alerts) > MOST_ALERTS:
                del self.alerts[min(self.alerts.values(), key=_standing).alert_id]
        elif isinstance(event, AlertChange):
            self._change_alert(event)
        elif isinstance(event, CallJoined):
            self.calls.setdefault(event.call_id, joined(event))
        else:
            self._apply_to_call(event)

    def snapshot(self) -> Snapshot:
        """What is known now. The views are the live ones: encode them before going on."""
        return Snapshot(
            sorted(self.calls.values(), key=lambda call: call.joined_at),
            sorted(self.alerts.values(), key=lambda alert: alert.at),
        )

    def forget_calls_before(self, joined_at: float) -> None:
        """Drop calls that joined before this: their end was never told."""
        for call_id in [c.call_id for c in self.calls.values() if c.joined_at < joined_at]:
            del self.calls[call_id]
            self._ended.pop(call_id, None)

    def _apply_to_call(self, event: Event) -> None:
        call = self.calls.get(getattr(event, "call_id", ""))
        if call is None:
            if not isinstance(event, CallConnected):
                return  # a call that is long over, or one that began before we looked
            call = self.calls[event.call_id] = unseen(event)
        take_in(call, event)
        if isinstance(event, CallEnded):
            self._keep_ended(event.call_id)

    def _change_alert(self, event: AlertChange) -> None:
        alert = self.alerts.get(event.alert_id)
        if alert is None:
            return
        was_open = alert.state == "open"
        alert.change(event)
        if was_open and alert.state != "open":
            self._handled[event.alert_id] = None
            while len(self._handled) > _MOST_HANDLED:
                oldest, _ = self._handled.popitem(last=False)
                self.alerts.pop(oldest, None)

    def _keep_ended(self, call_id: str) -> None:
        self._ended[call_id] = None
        while len(self._ended) > self._ended_kept:
            oldest, _ = self._ended.popitem(last=False)
            self.calls.pop(oldest, None)
