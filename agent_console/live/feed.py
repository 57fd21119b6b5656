"""What the live feed is made of."""

from __future__ import annotations

from agent_console.events import ComplaintOpened, ComplaintOverdue
from asr.events import (
    AsrHealth,
    SpeechStarted,
    SpeechStopped,
    TranscriptFinal,
    TranscriptPartial,
)
from backbone.events import Event
from backbone.media import LegClosed, LegOpened
from qa_engine.events import (
    Alert,
    AlertWithdrawn,
    ComplianceStep,
    EmotionChanged,
    EmpathyOffered,
    EmpathyUsed,
    Hit,
    ProvisionalAlert,
    RuleMuted,
    RulesLoaded,
    RunningScore,
    Score,
    ScriptFinished,
    ScriptProgress,
    TopicDetected,
)
from qa_engine.storage import CHANGES
from telephony.control.events import SupervisionChanged
from telephony.events import (
    AgentMissedRings,
    AgentState,
    CallEvent,
    PbxHealth,
    QueueState,
    TapHealth,
)

LIVE_EVENTS: tuple[type[Event], ...] = (
    CallEvent,
    LegOpened,
    LegClosed,
    SpeechStarted,
    SpeechStopped,
    TranscriptPartial,
    TranscriptFinal,
    Hit,
    ProvisionalAlert,
    AlertWithdrawn,
    Alert,
    *CHANGES,
    RuleMuted,
    ComplianceStep,
    RunningScore,
    Score,
    TopicDetected,
    ScriptProgress,
    ScriptFinished,
    EmotionChanged,
    EmpathyOffered,
    EmpathyUsed,
    PbxHealth,
    TapHealth,
    AsrHealth,
    RulesLoaded,
    AgentState,
    QueueState,
    AgentMissedRings,
    SupervisionChanged,
    ComplaintOpened,
    ComplaintOverdue,
)
"""What the live page is made of."""

HEALTH_EVENTS = (PbxHealth, TapHealth, AsrHealth, RulesLoaded)
