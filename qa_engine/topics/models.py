"""`topics.yaml`: what calls can be about, and how that is told."""

from __future__ import annotations

from pydantic import Field

from qa_engine.guidance.base import ID, Strict
from qa_engine.pack.schema import Unless


class Topic(Strict):
    """One thing that people call about."""

    id: str = Field(pattern=ID, max_length=64)
    title: str = Field(min_length=1, max_length=64, description="For people, in Chinese.")
    title_en: str = Field(min_length=1, max_length=64, description="The same in English.")
    words: tuple[str, ...] = Field((), description="Phrases that point to it, whoever says them.")
    strong: tuple[str, ...] = Field((), description="Phrases of the caller that all but settle it.")
    agent: tuple[str, ...] = Field((), description="Phrases of the agent that all but settle it.")
    unless: Unless | None = Field(None, description="What makes these phrases say nothing.")
    exemplars: tuple[str, ...] = Field(
        (), description="Whole sentences of callers; the like of them count."
    )
    queues: tuple[str, ...] = Field((), description="Queues whose calls are mostly about it.")
    urgent: bool = Field(
        default=False, description="Takes over at any time, even from a topic that was settled."
    )


class TopicsFile(Strict):
    """`topics.yaml`."""

    topics: tuple[Topic, ...] = Field(min_length=1)
