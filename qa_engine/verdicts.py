"""All that judging a call may tell."""

from __future__ import annotations

from asr.events import FinalWanted
from qa_engine.events import (
    Alert,
    AlertWithdrawn,
    ComplianceStep,
    Hit,
    ProvisionalAlert,
    RunningScore,
    Score,
)

Verdict = (
    Hit
    | Alert
    | ComplianceStep
    | ProvisionalAlert
    | AlertWithdrawn
    | RunningScore
    | Score
    | FinalWanted
)
