"""What an agent is guided by: topic, script, the caller's feelings, sentences."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from backbone.events import Delivery, Event
from backbone.media import Role


class TopicDetected(Event, frozen=True, kw_only=True):
    """What the call is about, as far as is known; it may change until it is `stable`.

    `topic` is an id of the pack's topics. `confidence` 0..1 is its share of the evidence.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    topic: str
    confidence: float
    title: str = ""
    title_en: str = ""
    stable: bool = False


class ScriptSlot(msgspec.Struct, frozen=True, kw_only=True):
    """Something a step needs to have said; `value` is as it was said, personal data covered."""

    slot: str
    title: str
    title_en: str
    filled: bool
    value: str = ""


class ScriptStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a script on one call.

    `open` is not its turn yet; `due` should be said now; `missed` was passed over, or its time is
    up. `at` is when it was done and `deadline_s` when it is to be, both on the call's clock.
    `say`, `say_en` is a sentence that does it.
    """

    step: str
    title: str
    title_en: str
    state: Literal["done", "due", "missed", "open"]
    at: float | None = None
    deadline_s: float | None = None
    required: bool = True
    slots: tuple[ScriptSlot, ...] = ()
    say: str = ""
    say_en: str = ""


class ScriptProgress(Event, frozen=True, kw_only=True):
    """How far the agent is in the call's script; `next_step` is empty when nothing is left."""

    delivery: ClassVar[Delivery] = Delivery.LATEST

    call_id: str
    script: str
    topic: str
    steps: tuple[ScriptStep, ...]
    next_step: str
    title: str = ""
    title_en: str = ""

    def latest_key(self) -> object:
        """One per call."""
        return ("script", self.call_id)


class ScriptFinished(Event, frozen=True, kw_only=True):
    """How the script had been followed when the call was over: no step is due or open any more.

    A required step that was not done is `missed`; one that was optional stays `open`.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    script: str
    topic: str
    steps: tuple[ScriptStep, ...]
    title: str = ""
    title_en: str = ""


Scene = Literal[
    "calm",
    "anxious",
    "angry",
    "grieving",
    "helpless",
    "doubting",
    "impatient",
    "afraid",
    "aggrieved",
    "grateful",
]
"""Nine scenes, and `calm` where none is."""

Trend = Literal["improving", "steady", "worsening"]


class EmotionChanged(Event, frozen=True, kw_only=True):
    """How somebody feels by words and voice. `score` is −1 (distressed) to 1 (pleased)."""

    delivery: ClassVar[Delivery] = Delivery.LATEST

    call_id: str
    role: Role
    scene: Scene
    score: float
    trend: Trend

    def latest_key(self) -> object:
        """One per side of a call."""
        return ("emotion", self.call_id, self.role)


class EmotionPoint(msgspec.Struct, frozen=True):
    """A side's score and scene at a time on the call's clock."""

    at_s: float
    score: float
    scene: Scene


class EmotionCourse(Event, frozen=True, kw_only=True):
    """How a side felt over the whole call, told once when it is over.

    `scene` is the one that weighed most, `points` every change in order.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    role: Role
    scene: Scene
    lowest: float
    last: float
    points: tuple[EmotionPoint, ...]


class EmpathySentence(msgspec.Struct, frozen=True):
    """A sentence of the pack's library that an agent may say."""

    id: str
    zh: str
    en: str


class EmpathyOffered(Event, frozen=True, kw_only=True):
    """Sentences shown to the agent because of how the caller feels now."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    scene: Scene
    offer_id: str
    sentences: tuple[EmpathySentence, ...]


class EmpathyUsed(Event, frozen=True, kw_only=True):
    """What became of an offer: `used`, or ignored (`sentence_id` is empty).

    `by` is whoever marked it in the console; empty when it was told from what the agent said,
    which was `similarity` (0..1) like the sentence.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    offer_id: str
    sentence_id: str
    used: bool
    by: str = ""
    similarity: float | None = None
