"""What a rule pack looks like in YAML. A pack is a directory; its files are read as one."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    field_validator,
)

from backbone.media import Role
from qa_engine.operators import AnyRule
from qa_engine.scorecard import Scorecard

NAME = r"^[a-z][a-z0-9_]*$"

_NAMED = re.compile("<([^<>]*)>")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Unless(_Strict):
    """What makes a word of a list harmless."""

    within: tuple[str, ...] = Field((), description="Longer phrases that hold the word.")
    before: tuple[str, ...] = Field((), description="Words shortly before it, as 不能.")
    after: tuple[str, ...] = Field((), description="Words shortly after it.")
    segment: tuple[str, ...] = Field((), description="Words anywhere in the same segment.")
    reach: int = Field(8, ge=0, le=50, description="How many characters `shortly` is.")


GUARDS = ("within", "before", "after", "segment")
"""The fields of `Unless` that hold phrases."""


class Word(_Strict):
    """One phrase with its own switches."""

    text: str = Field(min_length=1)
    phonetic: Literal["off", "auto", "on"] | None = Field(None, description="None: as its list.")
    unless: Unless | None = Field(None, description="Besides what its list says.")


WORD_TAGS = ("str", "Word")


def _word_tag(value: Any) -> str:
    return WORD_TAGS[isinstance(value, dict | Word)]


_Entry = Annotated[
    Annotated[str, Tag(WORD_TAGS[0])] | Annotated[Word, Tag(WORD_TAGS[1])],
    Discriminator(_word_tag),
]
"""A phrase alone or with switches; what is wrong with it is told once, not of both forms."""


class WordList(_Strict):
    """Phrases that mean the same to a rule."""

    about: str = Field(min_length=1, description="What belongs here, for whoever edits it.")
    phonetic: Literal["off", "auto", "on"] = Field(
        "auto",
        description="Find words by sound too: off, on, or auto for those of three characters "
        "and more.",
    )
    unless: Unless | None = None
    words: tuple[_Entry, ...]

    def named(self) -> set[str]:
        """The other lists that its phrases, and those that make them harmless, fill in."""
        words = [Word(text=word) if isinstance(word, str) else word for word in self.words]
        guards = [one for one in (self.unless, *(word.unless for word in words)) if one]
        texts = [word.text for word in words]
        for guard in guards:
            texts += [*guard.within, *guard.before, *guard.after, *guard.segment]
        return {name for text in texts for name in _NAMED.findall(text)}


class PackFile(_Strict):
    """One file of a pack."""

    pack: str | None = Field(
        None, pattern=r"^[a-z][a-z0-9-]*$", description="The pack's name; once in a pack."
    )
    version: str | None = Field(None, min_length=1, description="For people; once in a pack.")
    title: str | None = None
    title_en: str | None = None
    include: tuple[str, ...] = Field(
        (),
        description="Other packs that are part of this one: a folder beside this file, or the "
        "name of one that comes with the program. Their scorecard counts if this pack has none.",
    )
    without: tuple[str, ...] = Field((), description="Rules of included packs to leave out, by id.")
    lists: dict[str, WordList] = Field(default_factory=dict)
    sentences: dict[Role, dict[str, tuple[str, ...]]] = Field(
        default_factory=dict,
        description="What people say, by side and meaning, for conditions of type `means` to "
        "learn from; `nothing` for what is harmless. Those of all files count together.",
    )
    rules: tuple[AnyRule, ...] = ()
    scorecard: Scorecard | None = Field(None, description="Once in a pack.")

    @field_validator("lists", mode="before")
    @classmethod
    def _no_lists(cls, value: Any) -> Any:
        """A heading with nothing under it."""
        return {} if value is None else value

    @field_validator("rules", mode="before")
    @classmethod
    def _no_rules(cls, value: Any) -> Any:
        """A heading with nothing under it."""
        return () if value is None else value


def json_schema() -> dict[str, Any]:
    """JSON Schema of a pack's file, for editors that check while one types."""
    schema = TypeAdapter(PackFile).json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Tingzhen rule pack"
    return schema
