"""Tells what one call is about: finals in, the topic out. Pure.

Evidence adds up over the call: each wording of a topic's phrases counts once, a `strong` one of
the caller or of the agent more, and a sentence like an exemplar as much as it is like it. The
topic may change while evidence is thin. A caller may also turn to something else: what was said
since the topic was told counts by itself then, and has to be more once the topic is stable. An
urgent one takes over at any time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from backbone.media import Role
from qa_engine.topics.models import Topic
from qa_engine.topics.nearest import NearestExemplar
from qa_engine.words import Scan, WordHit

ENOUGH = 2.0
"""Evidence that a topic needs before it is told."""
LEAD = 1.5
"""By how much another one must be ahead to take over."""
STABLE_CONFIDENCE = 0.6
STABLE_FINALS = 4
"""So many finals in a row without a change of topic, at that confidence, settle it."""

TURN = 5.0
"""Evidence since the topic was told that shows that the caller has turned to something else."""
TURN_WHEN_STABLE = 8.0
"""The same for a topic that is stable: one question in between is no turn."""

_STRONG = 3.0
_PARTS = ("words", "strong", "agent")
_WEIGHTS: dict[Role, dict[str, float]] = {
    "customer": {"words": 1.0, "strong": _STRONG, "agent": 0.0},
    "agent": {"words": 0.5, "strong": 0.0, "agent": _STRONG},
}
_SOUND_SHARE = 0.6
_LIKE_AT_LEAST = 0.3
_QUEUE = 1.0
_DOUBT = 1.0


def groups(topic: str) -> tuple[str, str, str]:
    """Names of a topic's word groups: of either side, of the caller, of the agent."""
    return f"topic/{topic}/words", f"topic/{topic}/strong", f"topic/{topic}/agent"


@dataclass(frozen=True, slots=True)
class Detected:
    """What a call is about; `confidence` 0..1 is its share of the evidence."""

    topic: str
    confidence: float
    stable: bool


class TopicDetector:
    """One call's topic.

    Args:
        topics: that it may have.
        nearest: their exemplars.
    """

    def __init__(self, topics: Sequence[Topic], nearest: NearestExemplar) -> None:
        self._topics = topics
        self._nearest = nearest
        self._evidence: dict[str, float] = defaultdict(float)
        self._said: set[tuple[str, str]] = set()
        self._urgent = {topic.id for topic in topics if topic.urgent}
        self._groups = {
            name: (topic.id, part)
            for topic in topics
            for part, name in zip(_PARTS, groups(topic.id), strict=True)
        }
        self._unchanged = 0
        self._when_told: dict[str, float] = {}
        self.current: Detected | None = None
        """What was told last."""

    def enter(self, queue: str) -> None:
        """The call came by this queue."""
        for topic in self._topics:
            if queue in topic.queues:
                self._evidence[topic.id] += _QUEUE

    def hear(self, role: Role, scan: Scan) -> Detected | None:
        """Take in what one side said; returns the topic when there is news of it."""
        for name in scan.groups() & self._groups.keys():
            topic, part = self._groups[name]
            self._evidence[topic] += _WEIGHTS[role][part] * sum(
                _SOUND_SHARE if hit.suspected else 1.0 for hit in self._new(name, scan)
            )
        if role == "customer":
            for name, cosine in self._nearest.likeness(scan.text.text).items():
                if cosine >= _LIKE_AT_LEAST:
                    self._evidence[name] += _STRONG * cosine
        return self._decide()

    def _new(self, group: str, scan: Scan) -> Sequence[WordHit]:
        """Wordings that were not said before in this call, by anybody."""
        fresh = []
        for hit in scan.hits(group):
            wording = (group, scan.text.text[hit.start : hit.end])
            if wording not in self._said:
                self._said.add(wording)
                fresh.append(hit)
        return fresh

    def _decide(self) -> Detected | None:
        if not self._evidence:
            return None
        urgent = self._urgent
        ranked = sorted(self._evidence, key=lambda t: (self._evidence[t], t), reverse=True)
        best = next((t for t in ranked if t in urgent and self._evidence[t] >= ENOUGH), ranked[0])
        now = self.current
        if now is None:
            return self._tell(best) if self._evidence[best] >= ENOUGH else None
        if best != now.topic and self._takes_over(best, now, urgent=best in urgent):
            return self._tell(best)
        self._unchanged += 1
        if now.stable or self._unchanged < STABLE_FINALS:
            return None
        confidence = self._confidence(now.topic)
        if confidence < STABLE_CONFIDENCE:
            return None
        self.current = Detected(now.topic, confidence, stable=True)
        return self.current

    def _takes_over(self, best: str, now: Detected, *, urgent: bool) -> bool:
        if urgent:
            return self._evidence[best] >= ENOUGH
        if not now.stable and self._evidence[best] >= self._evidence[now.topic] + LEAD:
            return True
        enough = TURN_WHEN_STABLE if now.stable else TURN
        return self._since_told(best) >= self._since_told(now.topic) + enough

    def _since_told(self, topic: str) -> float:
        return self._evidence[topic] - self._when_told.get(topic, 0.0)

    def _tell(self, topic: str) -> Detected:
        self._unchanged = 0
        self._when_told = dict(self._evidence)
        self.current = Detected(topic, self._confidence(topic), stable=False)
        return self.current

    def _confidence(self, topic: str) -> float:
        rival = max((e for t, e in self._evidence.items() if t != topic), default=0.0)
        own = self._evidence[topic]
        return round(own / (own + rival + _DOUBT), 3)
