"""`scripts.yaml`: the flow of a call by its topic, its steps and what must be said in them."""

from __future__ import annotations

from typing import Literal

import regex
from pydantic import Field, field_validator

from backbone.media import Role
from qa_engine.guidance.base import ID, Strict
from qa_engine.pack.schema import Unless
from qa_engine.privacy import PersonalKind


class Slot(Strict):
    """A piece of information: a time, a place, a department, a number read back."""

    title: str = Field(min_length=1, max_length=32)
    title_en: str = Field(min_length=1, max_length=64)
    by: Literal["agent", "customer", "either"] = Field(
        "either", description="Whose words count; a step's own side still decides for read-backs."
    )
    words: tuple[str, ...] = Field((), description="Phrases that are such a piece of information.")
    pattern: str | None = Field(
        None, max_length=1000, description="Regular expression over normalised text."
    )
    personal: tuple[PersonalKind, ...] = Field(
        (), description="Personal data of these kinds fills it; its value is covered."
    )
    unless: Unless | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                regex.compile(value)
            except regex.error as error:
                raise ValueError(f"is no regular expression: {error}") from None
        return value


class Step(Strict):
    """One step. It is done when its words were said, its slots filled, and enough was spoken."""

    title: str = Field(min_length=1, max_length=32)
    title_en: str = Field(min_length=1, max_length=64)
    by: Role = Field("agent", description="Whose step it is.")
    words: tuple[str, ...] = Field((), description="One of these phrases does it.")
    unless: Unless | None = None
    slots: tuple[str, ...] = Field((), description="All of these must be said.")
    some: int | None = Field(None, ge=1, description="So many of the slots are enough.")
    spoken: int = Field(
        0, ge=0, description="Characters that its side must have said since the step before it."
    )
    with_words: bool = Field(
        default=False, description="Slots count only with the words or after them (read-backs)."
    )
    required: bool = True
    needed_if: tuple[str, ...] = Field(
        (), description="Required only once one of these phrases was said by either side."
    )
    once: str | None = Field(None, description="Counts only when this step is over.")
    before: tuple[str, ...] = Field((), description="Missed when one of these steps is done first.")
    within_s: float | None = Field(
        None,
        gt=0,
        description="Seconds from the answer, from `once`, or from what made it needed.",
    )
    late: bool = Field(default=True, description="May still be done after its time.")
    say: str = Field("", max_length=256, description="A sentence that does it.")
    say_en: str = Field("", max_length=256)


class StepUse(Strict):
    """A shared step in a script, with what is different here; words are added to its own."""

    use: str = Field(description="Name of a step under `steps`.")
    id: str | None = Field(None, pattern=ID, description="Another id in this script.")
    title: str | None = None
    title_en: str | None = None
    words: tuple[str, ...] = ()
    slots: tuple[str, ...] | None = None
    some: int | None = None
    required: bool | None = None
    needed_if: tuple[str, ...] = ()
    once: str | None = None
    within_s: float | None = None
    say: str | None = None
    say_en: str | None = None


class Script(Strict):
    """The flow of calls about one topic."""

    id: str = Field(pattern=ID, max_length=64)
    topic: str = Field("", description="Id of the topic; empty: for calls whose topic is unknown.")
    title: str = Field(min_length=1, max_length=64)
    title_en: str = Field(min_length=1, max_length=64)
    detail: Literal["full", "generic"] = Field(
        description="full: its steps were written for this topic; generic: the steps of any call."
    )
    steps: tuple[str | StepUse, ...] = Field(min_length=1)


class ScriptsFile(Strict):
    """`scripts.yaml`."""

    slots: dict[str, Slot] = Field(default_factory=dict)
    steps: dict[str, Step] = Field(default_factory=dict)
    scripts: tuple[Script, ...] = Field(min_length=1)
