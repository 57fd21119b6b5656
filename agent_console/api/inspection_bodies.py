"""What is asked of inspections: draws, answers, appeals and reviews, as a client writes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from agent_console.api.writing import Asked, Moment, Name, Note
from agent_console.work.inspections.draws import SampleKind
from agent_console.work.inspections.scoring import Answer, Given
from qa_engine.events import Severity

DAY_S = 86_400.0
_Names = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=128)], ...], Field()]


class SampleBody(Asked):
    """How to draw: which calls, how many of each agent's, and who score them.

    With the same `seed` and the same calls the draw is the same; unset, one is made up and told.
    """

    kind: SampleKind = "random"
    since: Moment
    until: Moment
    per_agent: int = Field(2, ge=1, le=100)
    most: int = Field(100, ge=1)
    inspectors: tuple[Name, ...] = Field(min_length=1, max_length=50)
    seed: int | None = Field(None, ge=0, lt=2**53)
    queues: _Names = ()
    agents: _Names = ()
    alert_kinds: _Names = ()
    severities: tuple[Severity, ...] = ()
    min_talk_s: float | None = Field(None, ge=0, le=DAY_S)
    max_talk_s: float | None = Field(None, ge=0, le=DAY_S)
    min_score: float | None = Field(None, ge=0, le=100)
    max_score: float | None = Field(None, ge=0, le=100)

    @model_validator(mode="after")
    def _in_order(self) -> SampleBody:
        if self.until <= self.since:
            raise ValueError("a sample's period ends after it begins")
        return self


class AnswerBody(Asked):
    """One answer. `earned` where a no costs only a part; evidence is a segment or a note."""

    item: Name = Field(min_length=1)
    answer: Given
    earned: float | None = Field(None, ge=0, le=1000)
    segment_id: str = Field("", max_length=36)
    note: Note = ""


class AnswersBody(Asked):
    """An inspector's answers so far."""

    answers: tuple[AnswerBody, ...] = Field(max_length=100)

    def given(self) -> tuple[Answer, ...]:
        """As they are kept."""
        return tuple(
            Answer(
                item=one.item,
                answer=one.answer,
                earned=one.earned,
                segment_id=one.segment_id,
                note=one.note,
            )
            for one in self.answers
        )


class MyAnswers(AnswersBody):
    """My answers so far, in place of those of `version` (0: nothing was kept yet)."""

    version: int = Field(0, ge=0)


class Appeal(Asked):
    """Why the agent does not agree."""

    text: Note = Field(min_length=1)


class Review(AnswersBody):
    """The decision, in words, and the answers that it changes."""

    answers: tuple[AnswerBody, ...] = Field((), max_length=100)
    text: Note = Field(min_length=1)
