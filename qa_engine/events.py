"""What the rules found.

Speech times (`start`, `end`) are seconds on the call's clock, whose zero is the agent's answer.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from backbone.events import Delivery, Event
from backbone.media import Role

Severity = Literal["info", "low", "medium", "high", "critical"]
HitRole = Literal["agent", "customer", "call"]
AlertState = Literal["open", "acknowledged", "judged"]
FeedbackVerdict = Literal["correct", "false_alarm"]

SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look and listen.

    `text` is the segment as transcribed; `span` the characters [from, to) of it that matched.
    A rule on call events has no segment: `measured` and `limit` say what was compared, in `unit`.
    """

    segment_id: str = ""
    text: str = ""
    span: tuple[int, int] | None = None
    measured: float | None = None
    limit: float | None = None
    unit: str = ""


class Hit(Event, frozen=True, kw_only=True):
    """A rule matched, for better (`greeting_done`) or worse."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    hit_id: str
    call_id: str
    rule: str
    kind: str
    severity: Severity
    role: HitRole
    phrase: str
    start: float
    end: float
    suspected: bool
    evidence: Evidence


class Alert(Event, frozen=True, kw_only=True):
    """Something a team lead should see now. `at` is when it was emitted.

    `title` and `title_en` name the rule for people, `advice` and `advice_en` say in a line what a
    lead can do; none of them quotes what was said.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    queue: str
    agent: str
    rule: str
    kind: str
    severity: Severity
    role: HitRole
    title: str
    title_en: str
    phrase: str
    start: float
    end: float
    suspected: bool
    evidence: Evidence
    advice: str = ""
    advice_en: str = ""
    confirms: str = ""
    """The provisional alert that this one takes the place of."""


class ProvisionalAlert(Event, frozen=True, kw_only=True):
    """An alert on what is still being said; an `Alert` that `confirms` it follows, or its end.

    Not stored and not numbered: who comes later hears of the alert, if it becomes one.
    """

    delivery: ClassVar[Delivery] = Delivery.LIVE

    alert_id: str
    call_id: str
    queue: str
    agent: str
    rule: str
    kind: str
    severity: Severity
    role: HitRole
    title: str
    title_en: str
    phrase: str
    start: float
    end: float
    evidence: Evidence


class AlertWithdrawn(Event, frozen=True, kw_only=True):
    """What was provisional is not so: the final says otherwise, or none came."""

    delivery: ClassVar[Delivery] = Delivery.LIVE

    alert_id: str
    call_id: str


class AlertAcknowledged(Event, frozen=True, kw_only=True):
    """A person has taken notice of an alert.

    This and the other changes of an alert are written to the audit chain with their rows, by the
    journal; whoever publishes one writes no audit entry of its own. `by` is the user and
    `by_role` what the user was then.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    by: str
    by_role: str = ""


class AlertAssigned(Event, frozen=True, kw_only=True):
    """An alert is now `to`'s to handle; an empty `to` takes it back."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    by: str
    to: str
    by_role: str = ""


class AlertCommented(Event, frozen=True, kw_only=True):
    """Somebody wrote a remark to an alert."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    by: str
    text: str
    by_role: str = ""


class AlertFeedback(Event, frozen=True, kw_only=True):
    """A person has judged whether an alert was right; the last verdict counts."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    by: str
    verdict: FeedbackVerdict
    by_role: str = ""


class AlertEscalated(Event, frozen=True, kw_only=True):
    """An alert goes a level up: 1 is the lead whom it was raised to, 2 the next above, and so on.

    `by` is a user, or `timer` when nobody took notice in time.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    alert_id: str
    call_id: str
    by: str
    level: int
    by_role: str = ""


class RuleMuted(Event, frozen=True, kw_only=True):
    """A rule raises no more alerts on this call, or does again (`muted` false).

    What it finds is still recorded as hits and still counts for the score.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    rule: str
    by: str
    muted: bool = True
    by_role: str = ""


class ComplianceStep(Event, frozen=True, kw_only=True):
    """Where a required step of the call stands. `due` is on the call's clock."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    step: str
    title: str
    title_en: str
    state: Literal["pending", "done", "missing"]
    due: float | None
    done_at: float | None = None


class ScoreItem(msgspec.Struct, frozen=True, kw_only=True):
    """The automatic answer to one question of a scorecard.

    `pending`: not decided yet; `na`: does not apply to this call, or could not be known. `earned`
    of `points` is 0 for both.
    """

    section: str
    item: str
    title: str
    title_en: str
    answer: Literal["yes", "no", "na", "pending"]
    points: float
    earned: float
    critical: bool = False


class RunningScore(Event, frozen=True, kw_only=True):
    """How the call scores so far, 0..100, by what is decided; None while nothing is."""

    delivery: ClassVar[Delivery] = Delivery.LATEST

    call_id: str
    card: str
    revision: str
    score: float | None
    items: tuple[ScoreItem, ...]

    def latest_key(self) -> object:
        """One per call."""
        return ("score", self.call_id)


class Score(Event, frozen=True, kw_only=True):
    """How the call scored automatically, once it was over. `revision` is the pack's version."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    score_id: str
    call_id: str
    queue: str
    agent: str
    card: str
    revision: str
    score: float | None
    items: tuple[ScoreItem, ...]


class RulesLoaded(Event, frozen=True, kw_only=True):
    """A rule pack is in force from now on, or was refused (`error`, the old one stays)."""

    delivery: ClassVar[Delivery] = Delivery.LATEST

    pack: str
    version: str
    rules: int
    error: str = ""


class RulesVersioned(Event, frozen=True, kw_only=True):
    """A pack of this content is in force from now on.

    `digest` is SHA-256 over all its files, `files` of each by name, `rules` of each rule as it
    was understood, by id.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    pack: str
    version: str
    digest: str
    files: dict[str, str]
    rules: dict[str, str]


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
