"""How a call scores, what it is about, how its script goes, how its parties feel: as shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backbone.media import Role
from qa_engine.events import (
    EmotionChanged,
    EmpathyOffered,
    RunningScore,
    Scene,
    Score,
    ScriptFinished,
    ScriptProgress,
    ScriptSlot,
    ScriptStep,
    TopicDetected,
    Trend,
)


@dataclass(slots=True)
class ScoreItemView:
    """The automatic answer to one question; `earned` of `points`."""

    section: str
    item: str
    title: str
    title_en: str
    answer: Literal["yes", "no", "na", "pending"]
    points: float
    earned: float
    critical: bool


@dataclass(slots=True)
class ScoreView:
    """How the call scores by what is decided, 0..100; None while nothing is."""

    card: str
    revision: str
    score: float | None
    final: bool
    items: list[ScoreItemView]

    @classmethod
    def of(cls, event: RunningScore | Score) -> ScoreView:
        """The score as an event tells it."""
        items = [
            ScoreItemView(
                item.section,
                item.item,
                item.title,
                item.title_en,
                item.answer,
                item.points,
                item.earned,
                item.critical,
            )
            for item in event.items
        ]
        return cls(event.card, event.revision, event.score, isinstance(event, Score), items)


@dataclass(slots=True)
class TopicView:
    """What the call is about; it may change until it is `stable`."""

    topic: str
    title: str
    title_en: str
    confidence: float
    stable: bool

    @classmethod
    def of(cls, event: TopicDetected) -> TopicView:
        """The topic as its event tells it."""
        return cls(event.topic, event.title, event.title_en, event.confidence, event.stable)


@dataclass(slots=True)
class ScriptSlotView:
    """Something a step needs to have said."""

    slot: str
    title: str
    title_en: str
    filled: bool
    value: str

    @classmethod
    def of(cls, slot: ScriptSlot) -> ScriptSlotView:
        """A slot as its event tells it."""
        return cls(slot.slot, slot.title, slot.title_en, slot.filled, slot.value)


@dataclass(slots=True)
class ScriptStepView:
    """One step of the script; `at` and `deadline_s` on the call's clock."""

    step: str
    title: str
    title_en: str
    state: Literal["done", "due", "missed", "open"]
    at: float | None
    deadline_s: float | None
    required: bool
    say: str
    say_en: str
    slots: list[ScriptSlotView]

    @classmethod
    def of(cls, step: ScriptStep) -> ScriptStepView:
        """A step as its event tells it."""
        return cls(
            step.step,
            step.title,
            step.title_en,
            step.state,
            step.at,
            step.deadline_s,
            step.required,
            step.say,
            step.say_en,
            [ScriptSlotView.of(slot) for slot in step.slots],
        )


@dataclass(slots=True)
class ScriptView:
    """The script that the agent should follow, and how far the agent is."""

    script: str
    topic: str
    title: str
    title_en: str
    next_step: str
    finished: bool
    steps: list[ScriptStepView]

    @classmethod
    def of(cls, event: ScriptProgress | ScriptFinished) -> ScriptView:
        """The script as an event tells it."""
        return cls(
            event.script,
            event.topic,
            event.title,
            event.title_en,
            event.next_step if isinstance(event, ScriptProgress) else "",
            isinstance(event, ScriptFinished),
            [ScriptStepView.of(step) for step in event.steps],
        )


@dataclass(slots=True)
class EmotionView:
    """How one side feels now: `score` from −1 (distressed) to 1 (pleased)."""

    role: Role
    scene: Scene
    score: float
    trend: Trend

    @classmethod
    def of(cls, event: EmotionChanged) -> EmotionView:
        """A feeling as its event tells it."""
        return cls(event.role, event.scene, event.score, event.trend)


@dataclass(slots=True)
class SentenceView:
    """A sentence that the agent may say."""

    id: str
    zh: str
    en: str


@dataclass(slots=True)
class EmpathyView:
    """Sentences offered to the agent; `used` is None until it is known."""

    offer_id: str
    scene: Scene
    at: float
    sentences: list[SentenceView]
    used: bool | None = None
    sentence_id: str = ""

    @classmethod
    def of(cls, event: EmpathyOffered) -> EmpathyView:
        """An offer that has just been made."""
        sentences = [SentenceView(s.id, s.zh, s.en) for s in event.sentences]
        return cls(event.offer_id, event.scene, event.at, sentences)
