"""What people write under `find:` in a rule of type `when`: conditions, alone and composed.

Each has an `op`. Text is compared after normalisation: simplified characters, digits, 你 for 您,
no punctuation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, get_args

import regex
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from backbone.media import Role
from qa_engine.sides import Side, roles_of
from qa_engine.text import normalise


class Condition(BaseModel):
    """What every condition has."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False
    )

    def parts(self) -> Iterable[Condition]:
        """The conditions it is composed of."""
        return ()

    def lists(self) -> Iterable[str]:
        """The word lists it looks at, those of its parts included."""
        for part in self.parts():
            yield from part.lists()

    def roles(self) -> frozenset[Role]:
        """Whose speech it is about, that of its parts included; none: only other rules know."""
        return frozenset().union(*(part.roles() for part in self.parts()))

    def timed(self) -> bool:
        """Whether it may come true by time alone, with nothing being said."""
        return any(part.timed() for part in self.parts())

    def rules_named(self) -> Iterable[str]:
        """The other rules it builds on, those of its parts included."""
        for part in self.parts():
            yield from part.rules_named()


def every(condition: Condition) -> Iterator[Condition]:
    """A condition, and all that it is composed of."""
    yield condition
    for part in condition.parts():
        yield from every(part)


class _Sided(Condition):
    role: Side

    def roles(self) -> frozenset[Role]:
        """See `Condition.roles`."""
        return super().roles().union(roles_of(self.role))


class WordsCondition(_Sided):
    """Words of lists in one segment."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["any_of"]}, {"required": ["all_of"]}]}
    )

    op: Literal["words"]
    any_of: tuple[str, ...] = Field((), description="One of these lists is enough.")
    all_of: tuple[str, ...] = Field((), description="Each of these lists, in one segment.")
    at_least: int = Field(1, ge=1, description="So many different words of them.")
    suspected: bool = Field(True, description="Words that only sound alike count too.")

    @model_validator(mode="after")
    def _some(self) -> WordsCondition:
        if not self.any_of and not self.all_of:
            raise ValueError("give any_of or all_of")
        return self

    def lists(self) -> Iterable[str]:
        """See `Condition.lists`."""
        return (*self.any_of, *self.all_of)


class RegexCondition(_Sided):
    """A regular expression over one segment's normalised text."""

    op: Literal["regex"]
    pattern: str = Field(min_length=1, max_length=1000)
    unless: str | None = Field(
        None, min_length=1, max_length=1000, description="Not where this matches too."
    )

    @field_validator("pattern", "unless")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                compiled = regex.compile(value)
            except regex.error as error:
                raise ValueError(f"is no regular expression: {error}") from None
            if compiled.match("") is not None:
                raise ValueError("matches nothing at all, so it would match everywhere")
        return value


class SimilarCondition(_Sided):
    """A sentence that means what one of some examples means."""

    op: Literal["similar"]
    to: tuple[str, ...] = Field(min_length=1, description="Several wordings of the same.")
    threshold: float = Field(0.6, gt=0, le=1, description="How alike, from 0 to 1.")
    slots: tuple[str, ...] = Field((), description="Word lists, each of which must be there.")
    unless: tuple[str, ...] = Field((), description="Word lists, none of which may be there.")

    @field_validator("to")
    @classmethod
    def _say_something(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if not normalise(text).text:
                raise ValueError(f"`{text}`: nothing is left of it to compare with")
        return value

    def lists(self) -> Iterable[str]:
        """See `Condition.lists`."""
        return (*self.slots, *self.unless)


class MeansCondition(_Sided):
    """What the sentences of the pack that have a meaning teach: something of their like."""

    op: Literal["means"]
    what: str = Field(min_length=1, description="A meaning that the pack has sentences of.")
    share: float = Field(0.5, gt=0, le=1, description="How surely, of 1 for all meanings.")
    unless: tuple[str, ...] = Field((), description="Word lists, none of which may be there.")

    def lists(self) -> Iterable[str]:
        """See `Condition.lists`."""
        return self.unless


class RepeatsCondition(_Sided):
    """A side says the same again."""

    op: Literal["repeats"]
    similarity: float = Field(0.6, gt=0, le=1)
    times: int = Field(2, ge=2, description="Said so often, the last time included.")
    look_back: int = Field(6, ge=1, le=50, description="Among so many of its segments before.")
    characters: int = Field(6, ge=1, description="Shorter segments are not compared.")


class RateCondition(_Sided):
    """How fast a side speaks on average, over all that it has said."""

    op: Literal["rate"]
    above: float = Field(gt=0, description="Characters a minute.")
    characters: int = Field(60, ge=1, description="Told once so much has been said.")


class LouderCondition(_Sided):
    """A side is suddenly louder than in its segments before."""

    op: Literal["louder"]
    by_db: float = Field(8.0, gt=0)
    look_back: int = Field(3, ge=1, le=50, description="Compared with the mean of so many.")


class TalkRatioCondition(_Sided):
    """One side's share of all speech."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["above"]}, {"required": ["below"]}]}
    )

    op: Literal["talk_ratio"]
    above: float | None = Field(None, gt=0, lt=1)
    below: float | None = Field(None, gt=0, lt=1)
    after_s: float = Field(60.0, gt=0, description="Told once so much speech has been heard.")

    @model_validator(mode="after")
    def _one(self) -> TalkRatioCondition:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either above or below")
        return self

    def timed(self) -> bool:
        """See `Condition.timed`."""
        return True


class FoundCondition(Condition):
    """Another rule has found something: silence, interruption, a figure of the call, anything."""

    op: Literal["found"]
    rules: tuple[str, ...] = Field(min_length=1, description="Rules, any of them.")

    def rules_named(self) -> Iterable[str]:
        """See `Condition.rules_named`."""
        return self.rules

    def timed(self) -> bool:
        """See `Condition.timed`."""
        return True


class _Near(Condition):
    within_s: float | None = Field(None, gt=0, description="At most so many seconds between.")
    within_sentences: int | None = Field(
        None, ge=0, description="At most so many segments on; 0 is the same one."
    )


class AllCondition(_Near):
    """All of several; a `not` among them must be absent from the same stretch."""

    op: Literal["all"]
    of: tuple[AnyCondition, ...] = Field(min_length=2)
    ordered: bool = Field(False, description="One after the other as written.")
    within_characters: int | None = Field(
        None, ge=0, description="In one segment, at most so many characters apart."
    )

    @model_validator(mode="after")
    def _something_positive(self) -> AllCondition:
        if all(isinstance(part, NotCondition) for part in self.of):
            raise ValueError("needs something that is said, besides what is not")
        return self

    def parts(self) -> Iterable[Condition]:
        """See `Condition.parts`."""
        return self.of


class AnyOfCondition(Condition):
    """One of several."""

    op: Literal["any"]
    of: tuple[AnyCondition, ...] = Field(min_length=1)

    def parts(self) -> Iterable[Condition]:
        """See `Condition.parts`."""
        return self.of


class NotCondition(Condition):
    """Inside `all`: not in that stretch. By itself: not in the whole call, told at its end."""

    op: Literal["not"]
    of: AnyCondition

    def parts(self) -> Iterable[Condition]:
        """See `Condition.parts`."""
        return (self.of,)

    def timed(self) -> bool:
        """See `Condition.timed`."""
        return True


class PickCondition(Condition):
    """The first, the last, or the k-th (from 1) of what is found. The last is told at the end."""

    op: Literal["pick"]
    which: Literal["first", "last"] | Annotated[int, Field(ge=1)]
    of: AnyCondition

    def parts(self) -> Iterable[Condition]:
        """See `Condition.parts`."""
        return (self.of,)


class AnchoredCondition(_Near):
    """What is found before or after an anchor."""

    op: Literal["before", "after"]
    anchor: AnyCondition
    of: AnyCondition

    def parts(self) -> Iterable[Condition]:
        """See `Condition.parts`."""
        return (self.anchor, self.of)


class AbsentCondition(_Sided):
    """What is not said by a deadline: so long after the answer, or after each anchor."""

    op: Literal["absent"]
    of: AnyCondition
    within_s: float = Field(gt=0)
    after: AnyCondition | None = Field(None, description="The anchor; unset: the answer.")
    role: Side = Field("agent", description="Whose silence it is.")

    def parts(self) -> Iterable[Condition]:
        """See `Condition.parts`."""
        return (self.of,) if self.after is None else (self.of, self.after)

    def timed(self) -> bool:
        """See `Condition.timed`."""
        return True


AnyCondition = Annotated[
    WordsCondition
    | RegexCondition
    | SimilarCondition
    | MeansCondition
    | RepeatsCondition
    | RateCondition
    | LouderCondition
    | TalkRatioCondition
    | FoundCondition
    | AllCondition
    | AnyOfCondition
    | NotCondition
    | PickCondition
    | AnchoredCondition
    | AbsentCondition,
    Field(discriminator="op"),
]

OPS = frozenset(
    op
    for condition in get_args(get_args(AnyCondition)[0])
    for op in get_args(condition.model_fields["op"].annotation)
)
"""What may stand behind `op`."""

_models: tuple[type[BaseModel], ...] = (
    AllCondition,
    AnyOfCondition,
    NotCondition,
    PickCondition,
    AnchoredCondition,
    AbsentCondition,
)
_names: dict[str, Any] = {"AnyCondition": AnyCondition}
for _model in _models:
    _model.model_rebuild(_types_namespace=_names)
