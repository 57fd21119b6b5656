"""What agents are doing and who is free in the queues, at the moment of the scrape."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from metrics.labels import LabelBound
from telephony.events import AgentPhase, AgentState, QueueState

_PHASES: tuple[AgentPhase, ...] = get_args(AgentPhase)
_MAX_AGENTS = 20_000


class AgentsCollector(Collector):
    """Agents by state, and queues' members; no agent is named."""

    def __init__(self, queues: LabelBound) -> None:
        self._queues = queues
        self._phases: OrderedDict[tuple[str, str], AgentPhase] = OrderedDict()
        self._members: dict[str, dict[str, QueueState]] = {}

    def agent(self, event: AgentState) -> None:
        """Keep what an agent is doing."""
        self._phases[event.system, event.agent] = event.state
        if len(self._phases) > _MAX_AGENTS:
            self._phases.popitem(last=False)

    def queue(self, event: QueueState) -> None:
        """Keep a queue's members."""
        self._members.setdefault(self._queues.value(event.queue), {})[event.system] = event

    def describe(self) -> Iterable[Metric]:
        """Registered without being collected."""
        return []

    def collect(self) -> Iterable[Metric]:
        """A sample per state, and three per queue."""
        agents = GaugeMetricFamily(
            "tingzhen_agents", "Agents by what they are doing.", labels=["state"]
        )
        counted = Counter(self._phases.values())
        for phase in _PHASES:
            agents.add_metric([phase], counted[phase])
        members = GaugeMetricFamily(
            "tingzhen_queue_members",
            "Members of a queue: logged_in and reachable, of these available now, and paused.",
            labels=["queue", "state"],
        )
        for queue, states in self._members.items():
            for state, number in (
                ("logged_in", sum(each.members for each in states.values())),
                ("available", sum(each.available for each in states.values())),
                ("paused", sum(each.paused for each in states.values())),
            ):
                members.add_metric([queue, state], number)
        return [agents, members]
