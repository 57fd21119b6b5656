"""A call and an alert as the page sees them: the same shape live and from the store.

Epoch times are seconds; `start`, `end`, `due` and `done_at` are on the call's clock, whose zero
is the agent's answer. Numbers and names are masked before they get here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from sqlalchemy import RowMapping

from agent_console.live.guidance import EmotionView, EmpathyView, ScoreView, ScriptView, TopicView
from asr.events import TranscriptFinal, TranscriptPartial
from backbone.media import LegClosed, LegOpened, Role
from qa_engine.alerts import TRANSITIONS
from qa_engine.events import (
    Alert,
    AlertAcknowledged,
    AlertAssigned,
    AlertCommented,
    AlertEscalated,
    AlertFeedback,
    AlertState,
    ComplianceStep,
    FeedbackVerdict,
    Hit,
    HitRole,
    Severity,
)
from qa_engine.storage import CHANGES, AlertChange
from telephony.events import CallRecord, HangupBy, Outcome, RingResult, RingStarted

CallState = Literal["waiting", "ringing", "talking", "held", "ended"]


@dataclass(slots=True)
class RingView:
    """One agent's phone alerting; `result` is empty while it does."""

    attempt_id: str
    agent: str
    agent_name: str
    started_at: float
    ring_s: float | None = None
    rings: int | None = None
    result: RingResult | Literal[""] = ""

    @classmethod
    def of(cls, event: RingStarted) -> RingView:
        """A phone that has just begun to alert."""
        return cls(event.attempt_id, event.agent, event.agent_name, event.at)


@dataclass(slots=True)
class LegView:
    """One side's audio. `complete` is None while it is open."""

    leg_id: str
    role: Role
    opened_at: float
    offset_s: float
    complete: bool | None = None
    reason: str = ""

    @classmethod
    def of(cls, event: LegOpened) -> LegView:
        """A leg that has just been opened."""
        return cls(event.leg_id, event.role, event.at, event.offset_s)

    def close(self, event: LegClosed) -> None:
        """Its audio has ended."""
        self.complete = event.complete
        self.reason = event.reason


@dataclass(slots=True)
class TurnView:
    """One stretch of speech. `stable` characters of a partial will hardly change any more."""

    segment_id: str
    role: Role
    start: float
    end: float
    text: str
    final: bool
    revision: int
    stable: int
    confidence: float | None = None
    unintelligible: bool = False

    @classmethod
    def of(cls, event: TranscriptPartial | TranscriptFinal) -> TurnView:
        """A turn as a transcript event tells it."""
        turn = cls(
            segment_id=event.segment_id,
            role=event.role,
            start=event.start,
            end=event.end,
            text=event.text,
            final=isinstance(event, TranscriptFinal),
            revision=0,
            stable=len(event.text),
        )
        if isinstance(event, TranscriptFinal):
            turn.confidence = event.confidence
            turn.unintelligible = event.unintelligible
        else:
            turn.revision = event.revision
            turn.stable = event.stable
        return turn


@dataclass(slots=True)
class HitView:
    """A rule's match; `span` are the characters [from, to) of the segment's text."""

    hit_id: str
    rule: str
    kind: str
    severity: Severity
    role: HitRole
    phrase: str
    start: float
    end: float
    suspected: bool
    segment_id: str
    span: tuple[int, int] | None

    @classmethod
    def of(cls, event: Hit) -> HitView:
        """A hit as its event tells it."""
        return cls(
            hit_id=event.hit_id,
            rule=event.rule,
            kind=event.kind,
            severity=event.severity,
            role=event.role,
            phrase=event.phrase,
            start=event.start,
            end=event.end,
            suspected=event.suspected,
            segment_id=event.evidence.segment_id,
            span=event.evidence.span,
        )


@dataclass(slots=True)
class StepView:
    """A required step of the call."""

    step: str
    title: str
    title_en: str
    state: Literal["pending", "done", "missing"]
    due: float | None
    done_at: float | None

    @classmethod
    def of(cls, event: ComplianceStep) -> StepView:
        """A step as its event tells it."""
        return cls(event.step, event.title, event.title_en, event.state, event.due, event.done_at)


@dataclass(slots=True)
class AlertView:
    """An alert and where it stands; `escalation` rises from 1, `comments` are counted."""

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
    segment_id: str
    measured: float | None
    limit: float | None
    unit: str
    at: float
    advice: str = ""
    advice_en: str = ""
    advice_after: str = ""
    advice_after_en: str = ""
    version: str = ""
    state: AlertState = "open"
    acknowledged_by: str | None = None
    acknowledged_at: float | None = None
    assigned_to: str = ""
    assigned_at: float | None = None
    escalation: int = 1
    escalated_at: float | None = None
    verdict: FeedbackVerdict | None = None
    comments: int = 0

    @classmethod
    def of(cls, event: Alert) -> AlertView:
        """A new alert."""
        return cls(
            alert_id=event.alert_id,
            call_id=event.call_id,
            queue=event.queue,
            agent=event.agent,
            rule=event.rule,
            kind=event.kind,
            severity=event.severity,
            role=event.role,
            title=event.title,
            title_en=event.title_en,
            phrase=event.phrase,
            start=event.start,
            end=event.end,
            suspected=event.suspected,
            segment_id=event.evidence.segment_id,
            measured=event.evidence.measured,
            limit=event.evidence.limit,
            unit=event.evidence.unit,
            at=event.at,
            advice=event.advice,
            advice_en=event.advice_en,
            advice_after=event.advice_after,
            advice_after_en=event.advice_after_en,
            version=event.version,
        )

    def mark(self, row: RowMapping) -> None:
        """Take over where it stands from its row."""
        self.state = row["state"]
        self.acknowledged_by = row["acknowledged_by"]
        self.acknowledged_at = row["acknowledged_at"]
        self.assigned_to, self.assigned_at = row["assigned_to"], row["assigned_at"]
        self.escalation = row["level"]
        self.escalated_at = row["escalated_at"]
        self.verdict = row["verdict"]
        self.comments = row["comments"]

    def change(self, event: AlertChange) -> None:
        """Take in what was done to it; what is not possible in its state changes nothing."""
        after = TRANSITIONS.get((self.state, CHANGES[type(event)]))
        if after is None:
            return
        if self.state == "open" and isinstance(event, AlertAcknowledged | AlertFeedback):
            self.acknowledged_by, self.acknowledged_at = event.by, event.at
        match event:
            case AlertAssigned():
                self.assigned_to, self.assigned_at = event.to, event.at if event.to else None
            case AlertFeedback():
                self.verdict = event.verdict
            case AlertEscalated() if event.level > self.escalation:
                self.escalation, self.escalated_at = event.level, event.at
            case AlertCommented():
                self.comments += 1
        self.state = after

    def gentle(self) -> AlertView:
        """The alert without what leads do about it among themselves."""
        return replace(
            self,
            assigned_to="",
            assigned_at=None,
            escalation=1,
            escalated_at=None,
            verdict=None,
            comments=0,
        )


@dataclass(slots=True)
class CallView:
    """One queue visit with all that was heard and found in it.

    `speaking` holds the roles whose voice is heard right now. `complete` is None until the call
    has ended; `incomplete_reason` may say earlier that something is missing.
    """

    call_id: str
    queue: str
    caller: str
    caller_name: str
    joined_at: float
    position: int = 0
    visit: int = 1
    state: CallState = "waiting"
    agent: str = ""
    agent_name: str = ""
    connected_at: float | None = None
    held_at: float | None = None
    ended_at: float | None = None
    wait_s: float | None = None
    ring_s: float | None = None
    rings: int | None = None
    talk_s: float | None = None
    hold_s: float = 0.0
    transfers: int = 0
    transferred_to: str = ""
    outcome: Outcome | None = None
    hangup_by: HangupBy = ""
    complete: bool | None = None
    incomplete_reason: str = ""
    ringing: list[RingView] = field(default_factory=list)
    legs: list[LegView] = field(default_factory=list)
    speaking: list[Role] = field(default_factory=list)
    turns: list[TurnView] = field(default_factory=list)
    hits: list[HitView] = field(default_factory=list)
    steps: list[StepView] = field(default_factory=list)
    score: ScoreView | None = None
    topic: TopicView | None = None
    script: ScriptView | None = None
    emotions: list[EmotionView] = field(default_factory=list)
    empathy: list[EmpathyView] = field(default_factory=list)
    muted_rules: list[str] = field(default_factory=list)

    def parties(self) -> set[str]:
        """Interfaces of the agent who took it and of those whose phones alert."""
        ringing = {ring.agent for ring in self.ringing if not ring.result}
        return (ringing | {self.agent}) - {""}

    def end(self, record: CallRecord) -> None:
        """Take over what the final record says."""
        self.agent = record.agent
        self.connected_at = record.answered_at
        self.held_at = None
        self.ended_at = record.ended_at
        self.wait_s = record.wait_s
        self.ring_s = record.ring_s
        self.rings = record.rings
        self.talk_s = record.talk_s
        self.hold_s = record.hold_s
        self.transfers = record.transfers
        self.outcome = record.outcome
        self.hangup_by = record.hangup_by
        self.complete = record.complete
        self.incomplete_reason = record.incomplete_reason
        self.ringing = []
        self.speaking = []
