"""What the console shows of the node's other parts: their settings, and the rules in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from metrics.reports.settings import ReportSettings
from metrics.settings import MetricsSettings
from qa_engine.pack import Pack
from qa_engine.settings import EscalationSettings


@dataclass(frozen=True, slots=True)
class Site:
    """A node without the other parts has the defaults.

    `recordings` and `reports` are folders, None where there are none; `reporting` says how reports
    are made that somebody asks for. `pack` gives the rules that
    are in force on this node, None where none judges.
    """

    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    escalation: EscalationSettings = field(default_factory=EscalationSettings)
    recordings: Path | None = None
    reports: Path | None = None
    reporting: ReportSettings = field(default_factory=ReportSettings)
    pack: Callable[[], Pack | None] = lambda: None
