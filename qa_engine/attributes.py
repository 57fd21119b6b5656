"""On which calls a rule is in force: queue, topic, agent, seniority, time of day."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator

if TYPE_CHECKING:
    from qa_engine.state import CallState

Seniority = Literal["new", "regular", "senior"]

_HOURS = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)")
_DAY_MIN = 24 * 60


_TimeOfDay = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{_HOURS.pattern}$"})]


class Only(BaseModel):
    """All that is given must be true of the call."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    queues: tuple[str, ...] = ()
    topics: tuple[str, ...] = Field((), description="Topics that were detected in the call.")
    agents: tuple[str, ...] = ()
    seniority: tuple[Seniority, ...] = Field((), description="As `[qa.seniority]` says of agents.")
    hours: tuple[_TimeOfDay, ...] = Field(
        (), description="Local times as 08:00-17:30; 22:00-06:00 goes over midnight."
    )
    utc_offset_hours: float = Field(8.0, ge=-12, le=14, description="Local time; China is 8.")

    @field_validator("hours")
    @classmethod
    def _are_times(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if _HOURS.fullmatch(text) is None or any(
                time.zfill(5) > "24:00" for time in text.split("-")
            ):
                raise ValueError(f"{text} is no time of day as 08:00-17:30")
        return value

    def fits(self, state: CallState) -> bool:
        """Whether the rule is in force on this call, as far as is known now."""
        return (
            (not self.queues or state.queue in self.queues)
            and (not self.agents or state.agent in self.agents)
            and (not self.topics or not state.topics.isdisjoint(self.topics))
            and (not self.seniority or state.seniority in self.seniority)
            and (not self.hours or any(self._within(hours, state.now) for hours in self.hours))
        )

    def earliest(self) -> float:
        """A time at which the rule is in force, in seconds since the epoch: its hours' begin."""
        if not self.hours:
            return 0.0
        minutes = _DAY_MIN + _minutes(self.hours[0])[0]
        return minutes * 60 - self.utc_offset_hours * 3600

    def _within(self, hours: str, now: float) -> bool:
        begin, end = _minutes(hours)
        minute = int(now + self.utc_offset_hours * 3600) // 60 % _DAY_MIN
        return begin <= minute < end if begin < end else minute >= begin or minute < end


def _minutes(hours: str) -> tuple[int, int]:
    """Begin and end of a time of day as 08:00-17:30, in minutes since midnight."""
    (h1, m1), (h2, m2) = (map(int, time.split(":")) for time in hours.split("-"))
    return h1 * 60 + m1, h2 * 60 + m2
