"""What an operator sets for judging."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from qa_engine.attributes import Seniority
from qa_engine.events import Severity


class EscalationStep(BaseModel):
    """After how long without notice an alert goes to which level."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    severity: Severity = Field(description="Alerts of this severity and graver ones.")
    after_s: float = Field(gt=0, description="Seconds since it was raised, or last assigned.")
    level: int = Field(ge=2, le=9, description="Who is told: 2 is the next above the lead.")


class EscalationSettings(BaseModel):
    """`[qa.escalation]`: what happens to an alert that nobody acknowledges."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="Escalate at all.")
    steps: tuple[EscalationStep, ...] = Field(
        default=(
            EscalationStep(severity="critical", after_s=60.0, level=2),
            EscalationStep(severity="critical", after_s=180.0, level=3),
            EscalationStep(severity="high", after_s=300.0, level=2),
        ),
        description="Red lines and emergencies are critical; of several that fit, the highest.",
    )
    tick_s: float = Field(default=1.0, gt=0, description="Seconds between looks at the clock.")
    forget_s: float = Field(
        default=3600.0,
        gt=0,
        description="Alerts older than that are not taken up again after a restart.",
    )


class QaSettings(BaseModel):
    """`[qa]` in the configuration file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: Path | None = Field(
        default=None, description="Folder of the rule pack; unset: ours, for Chinese hospitals."
    )
    watch_s: float = Field(
        default=2.0, gt=0, description="Seconds between looks at the pack's files for edits."
    )
    tick_s: float = Field(
        default=0.25, gt=0, description="Seconds between looks at the clock for what is overdue."
    )
    late_s: float = Field(
        default=30.0,
        ge=0,
        description="Seconds after a call's end in which transcripts that come late still count.",
    )
    forget_s: float = Field(
        default=4 * 3600.0,
        gt=0,
        description="Seconds without any event after which a call is taken for over.",
    )
    provisional: bool = Field(
        default=True,
        description="Bring finals soon where something is said that a rule would tell, and tell it "
        "provisionally until then. Otherwise alerts come with the end of their sentences.",
    )
    mask_stored: bool = Field(
        default=True,
        description="Cover numbers, names and addresses in what is written to the store. They are "
        "covered in what the console shows either way.",
    )
    seniority: dict[str, Seniority] = Field(
        default_factory=dict,
        description="new, regular or senior, by the agent's interface; regular if not named.",
    )
    guidance: bool = Field(
        default=True,
        description="Follow topic, script and the caller's feelings, and offer sentences.",
    )
    escalation: EscalationSettings = EscalationSettings()
    calls: int = Field(default=5000, ge=1, description="Calls judged at the same time at most.")
