"""What a site can set about its reports."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from metrics.periods import PeriodKind
from metrics.reports.wording import Language

Format = Literal["pdf", "xlsx", "html"]


class ReportSettings(BaseModel):
    """Reports made by themselves; `tingzhen report` makes one at any time."""

    model_config = ConfigDict(extra="forbid")

    kinds: tuple[PeriodKind, ...] = Field(
        default=(),
        description="Which reports are made: of the day before every day, of the week before on "
        "Mondays, of the month before on the first. Needs the extra `report`.",
    )
    formats: tuple[Format, ...] = Field(default=("pdf", "xlsx"), description="Their formats.")
    languages: tuple[Language, ...] = Field(default=("zh",), description="Their languages.")
    at: str = Field(
        default="06:30",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="When, in the hospital's time zone.",
    )
    directory: Path | None = Field(
        default=None, description="Where they are written; unset: `reports` in data_dir."
    )
    hospital: str = Field(default="", description="The hospital's name, for the title.")
    marks_file: Path | None = Field(
        default=None,
        description="CSV with what supervisors enter by hand: agent, and any of quality, "
        "efficiency, learning, teamwork, innovation (0 to 100).",
    )

    @property
    def minute_of_day(self) -> int:
        """`at` in minutes since midnight."""
        hours, minutes = self.at.split(":")
        return int(hours) * 60 + int(minutes)
