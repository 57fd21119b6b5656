"""`scenes.yaml`: the emotional scenes and what they sound like."""

from __future__ import annotations

from typing import get_args

from pydantic import Field, model_validator

from qa_engine.events import Scene
from qa_engine.guidance.base import Strict
from qa_engine.pack.schema import Unless

SCENES: tuple[Scene, ...] = tuple(s for s in get_args(Scene) if s != "calm")


class SceneWords(Strict):
    """One scene. Words and situations weigh 1, strong words 2, hints 0.3 in company."""

    scene: Scene
    title: str = Field(min_length=1, max_length=32)
    title_en: str = Field(min_length=1, max_length=64)
    about: str = Field(min_length=1, description="What belongs here, for whoever edits it.")
    valence: float = Field(ge=-1, le=1, description="How good or bad one feels in it.")
    arousal: float = Field(
        ge=0, le=1, description="How far a raised voice, haste or interruption speak for it."
    )
    words: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    situations: tuple[str, ...] = Field(
        (),
        description="What befalls one who feels so, though no feeling is named; not by sound.",
    )
    hints: tuple[str, ...] = Field(
        (),
        description="What says little by itself: two at once are needed; not by sound.",
    )
    unless: Unless | None = None


class ScenesFile(Strict):
    """`scenes.yaml`: each of the nine once, and the words that their phrases may name."""

    slots: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Plain words that a phrase of a scene names as <slot>.",
    )
    scenes: tuple[SceneWords, ...]

    @model_validator(mode="after")
    def _all_once(self) -> ScenesFile:
        named = [scene.scene for scene in self.scenes]
        if sorted(named) != sorted(SCENES):
            raise ValueError(f"must hold each of {', '.join(SCENES)} once")
        return self
