"""Follows one call: events and time in; topic, script, feelings and offers out. Pure."""

from __future__ import annotations

import msgspec

from backbone.events import Event
from qa_engine.emotion.tracker import EmotionTracker, Feeling
from qa_engine.emotion.voice import VoiceBaseline
from qa_engine.empathy.offers import EmpathyOffers, Offer, Use
from qa_engine.events import (
    EmotionChanged,
    EmotionCourse,
    EmpathyOffered,
    EmpathyUsed,
    ScriptFinished,
    ScriptProgress,
    ScriptStep,
    TopicDetected,
)
from qa_engine.guidance.content import Guidance
from qa_engine.scripts.tracker import Heard, ScriptTracker
from qa_engine.state import CallState, Said
from qa_engine.topics.detector import Detected, TopicDetector
from telephony.events import CallConnected

Told = (
    TopicDetected
    | ScriptProgress
    | ScriptFinished
    | EmotionChanged
    | EmotionCourse
    | EmpathyOffered
    | EmpathyUsed
)

WORTH_TELLING = 0.15
"""A change of the score by less, in the same scene, is not told."""
_FADE_EVERY_S = 5.0


class CallGuidance:
    """One call.

    Args:
        guidance: stays in force for this call to its end.
        call_id: the call's.
    """

    def __init__(self, guidance: Guidance, call_id: str) -> None:
        self._guidance = guidance
        self.state = CallState(call_id, guidance.index)
        self._topics = TopicDetector(guidance.topics, guidance.nearest)
        self._heard: list[Heard] = []
        self._script = ScriptTracker(guidance.script(""), guidance.slots)
        self._progress: ScriptProgress | None = None
        self._emotion = EmotionTracker(guidance.scenes)
        self._voice = VoiceBaseline()
        self._felt = self._emotion.feeling
        self._faded_at = 0.0
        self._offers = EmpathyOffers(call_id, guidance.library)
        self._entered = False
        self._closed = False
        self._topic_told = ""

    @property
    def closed(self) -> bool:
        """Whether all is said about this call."""
        return self._closed

    def feed(self, event: Event, now: float) -> list[Told]:
        """Take an event of this call in. `now` is in seconds since the epoch."""
        self.state.now = max(now, self.state.now)
        if self._closed or self._remembers(event):
            return []
        said = self.state.learn(event)
        if self.state.queue and not self._entered:
            self._entered = True
            self._topics.enter(self.state.queue)
        if said is not None:
            return self._hear(said)
        if isinstance(event, CallConnected):
            self._script.tick(self.state.clock)
            return self._tell_progress()
        return []

    def tick(self, now: float) -> list[Told]:
        """Let time pass."""
        self.state.now = max(now, self.state.now)
        if self._closed or self.state.connected_at is None:
            return self.close(now) if self.state.ended and not self._closed else []
        told: list[Told] = []
        clock = self.state.clock
        if self.state.ended is None:
            self._script.tick(clock)
            told += self._tell_progress()
            if clock >= self._faded_at + _FADE_EVERY_S:
                self._faded_at = clock
                told += self._tell_feeling(self._emotion.tick(clock))
        told += [self._used(use) for use in self._offers.tick(clock)]
        if self.state.complete():
            told += self.close(now)
        return told

    def close(self, now: float) -> list[Told]:
        """Say the last word on this call."""
        self.state.now = max(now, self.state.now)
        if self._closed:
            return []
        self._closed = True
        told: list[Told] = [self._used(use) for use in self._offers.close()]
        if self.state.connected_at is None:
            return told
        self._script.close()
        told += self._tell_progress()
        script = self._script.script.script
        told.append(
            ScriptFinished(
                at=self.state.now,
                call_id=self.state.call_id,
                script=script.id,
                topic=self.topic,
                steps=self._script.steps(),
                title=script.title,
                title_en=script.title_en,
            )
        )
        if self._emotion.points:
            told.append(self._course())
        return told

    def current(self) -> list[Told]:
        """Where the call stands, for whoever comes later (after a restart)."""
        if self._closed or self.state.connected_at is None:
            return []
        told: list[Told] = []
        detected = self._topics.current
        if detected is not None and detected.topic != self._topic_told:
            told.append(self._tell_topic(detected))
        self._progress = None
        self._felt = Feeling("calm", 0.0, "steady", 0.0)
        return [*told, *self._tell_progress(), *self._tell_feeling(self._emotion.feeling)]

    @property
    def topic(self) -> str:
        """What the call is about, as far as is known; empty when it is not."""
        return "" if self._topics.current is None else self._topics.current.topic

    @property
    def steps(self) -> tuple[ScriptStep, ...]:
        """The script's steps as they stand."""
        return self._script.steps()

    @property
    def feeling(self) -> Feeling:
        """How the caller feels."""
        return self._emotion.feeling

    def _hear(self, said: Said) -> list[Told]:
        told: list[Told] = []
        final = said.final
        heard = Heard(said.role, final.start, final.end, said.scan)
        self._heard.append(heard)
        before = self.topic
        detected = self._topics.hear(said.role, said.scan)
        if detected is not None:
            told.append(self._tell_topic(detected))
        script = self._guidance.script(self.topic)
        if self.topic != before and script is not self._script.script:
            in_order = sorted(self._heard, key=lambda h: h.start)
            self._script = ScriptTracker(script, self._guidance.slots, in_order)
        else:
            self._script.hear(heard)
        told += self._tell_progress()
        if said.role == "customer":
            told += self._feel(said)
        else:
            told += map(self._used, self._offers.hear(said.scan.text.text, final.start))
        return told

    def _feel(self, said: Said) -> list[Told]:
        final = said.final
        voice = self._voice.hear(
            final.level_db,
            len(said.scan.text.text),
            final.end - final.start,
            self._cut_in(said),
        )
        feeling = self._emotion.hear(said.scan, voice, final.end)
        told = self._tell_feeling(feeling)
        fresh = any(said.scan.hits(group) for group in self._guidance.scene_groups(feeling.scene))
        if fresh:
            offer = self._offers.consider(feeling, self.topic, final.end, self._caller_said)
            if offer is not None:
                told.append(self._tell_offer(offer))
        return told

    def _caller_said(self, group: str) -> bool:
        return any(h.role == "customer" and h.scan.hits(group) for h in self._heard)

    def _cut_in(self, said: Said) -> float:
        """Seconds for which the side spoke while the other one had begun before and went on."""
        start, end = said.final.start, said.final.end
        return sum(
            max(0.0, min(end, other.end) - start)
            for other in self.state.speech
            if other.role != said.role and other.end is not None and other.start < start
        )

    def _tell_topic(self, detected: Detected) -> TopicDetected:
        topic = self._guidance.topic(detected.topic)
        self._topic_told = detected.topic
        return TopicDetected(
            at=self.state.now,
            call_id=self.state.call_id,
            topic=detected.topic,
            confidence=detected.confidence,
            title="" if topic is None else topic.title,
            title_en="" if topic is None else topic.title_en,
            stable=detected.stable,
        )

    def _tell_progress(self) -> list[Told]:
        if self.state.connected_at is None:
            return []
        script = self._script.script.script
        progress = ScriptProgress(
            at=0.0,
            call_id=self.state.call_id,
            script=script.id,
            topic=self.topic,
            steps=self._script.steps(),
            next_step=self._script.next_step(),
            title=script.title,
            title_en=script.title_en,
        )
        if progress == self._progress:
            return []
        self._progress = progress
        return [_dated(progress, self.state.now)]

    def _tell_feeling(self, feeling: Feeling) -> list[Told]:
        felt = self._felt
        same = (feeling.scene, feeling.trend) == (felt.scene, felt.trend)
        if same and abs(feeling.score - felt.score) < WORTH_TELLING:
            return []
        self._felt = feeling
        return [
            EmotionChanged(
                at=self.state.now,
                call_id=self.state.call_id,
                role="customer",
                scene=feeling.scene,
                score=feeling.score,
                trend=feeling.trend,
            )
        ]

    def _course(self) -> EmotionCourse:
        points = tuple(self._emotion.points)
        return EmotionCourse(
            at=self.state.now,
            call_id=self.state.call_id,
            role="customer",
            scene=self._emotion.main_scene(),
            lowest=min(point.score for point in points),
            last=points[-1].score,
            points=points,
        )

    def _tell_offer(self, offer: Offer) -> EmpathyOffered:
        return EmpathyOffered(
            at=self.state.now,
            call_id=self.state.call_id,
            scene=offer.scene,
            offer_id=offer.offer_id,
            sentences=offer.sentences,
        )

    def _remembers(self, event: Event) -> bool:
        """Whether it is something that was told of this call, not something heard of it."""
        match event:
            case TopicDetected():
                self._topic_told = event.topic
            case EmpathyOffered():
                self._known_offer(event)
            case EmpathyUsed():
                self._offers.settle(event.offer_id)
            case _:
                return False
        return True

    def _known_offer(self, event: EmpathyOffered) -> None:
        at = self.state.at(event.at)
        self._offers.restore(Offer(event.offer_id, event.scene, event.sentences, at))

    def _used(self, use: Use) -> EmpathyUsed:
        return EmpathyUsed(
            at=self.state.now,
            call_id=self.state.call_id,
            offer_id=use.offer_id,
            sentence_id=use.sentence_id,
            used=bool(use.sentence_id),
            similarity=use.similarity,
        )


def _dated(progress: ScriptProgress, at: float) -> ScriptProgress:
    # Compared without their time, told with it.
    return msgspec.structs.replace(progress, at=at)
