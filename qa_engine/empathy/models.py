"""`empathy.yaml`: the library of sentences, filed by scene."""

from __future__ import annotations

from pydantic import Field

from qa_engine.events import Scene
from qa_engine.guidance.base import ID, Strict


class Sentence(Strict):
    """A sentence to say on the telephone."""

    id: str = Field(pattern=ID, max_length=64)
    zh: str = Field(min_length=4, max_length=80)
    en: str = Field(min_length=4, max_length=240)
    if_heard: tuple[str, ...] = Field(
        (), description="Only when the caller said one of these; empty: whatever was said."
    )
    topics: tuple[str, ...] = Field(
        (), description="Topics that it was written for; empty: it fits any call."
    )


class SceneSentences(Strict):
    """The sentences of one scene."""

    scene: Scene
    sentences: tuple[Sentence, ...] = Field(min_length=3)


class EmpathyFile(Strict):
    """`empathy.yaml`."""

    library: tuple[SceneSentences, ...]
