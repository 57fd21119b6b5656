"""Scorecards: a call's automatic answers, in sections with weights, to one score.

A section's score is the share of its applicable items' points that were earned; the call's score
is the weighted mean of the sections that apply, 0..100. A critical item answered no makes the
whole score 0. What cannot be known (a side that was not heard) is not applicable and weighs
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qa_engine.events import ScoreItem

if TYPE_CHECKING:
    from qa_engine.state import CallState

Answer = Literal["yes", "no", "na", "pending"]

FULL = 100.0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Item(_Strict):
    """One question of a scorecard, answered by what the rules found."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)
    title: str = Field(min_length=1, max_length=256)
    title_en: str = Field(min_length=1, max_length=256)
    points: float = Field(gt=0)
    forbidden: tuple[str, ...] = Field((), description="Kinds, each of which answers no.")
    required: tuple[str, ...] = Field((), description="Kinds, one of which answers yes.")
    applies_after: tuple[str, ...] = Field(
        (), description="Kinds, one of which must have come up, or the item does not apply."
    )
    each: float = Field(
        0.0, ge=0, description="Points lost for each forbidden finding; 0: all at the first."
    )
    critical: bool = Field(False, description="A no makes the whole score 0.")
    suspected: bool = Field(False, description="Findings that are only suspected count too.")

    @model_validator(mode="after")
    def _asks_something(self) -> Item:
        if bool(self.forbidden) == bool(self.required):
            raise ValueError("give either forbidden or required")
        return self


class Section(_Strict):
    """Items that belong together."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)
    title: str = Field(min_length=1, max_length=256)
    title_en: str = Field(min_length=1, max_length=256)
    weight: float = Field(gt=0)
    items: tuple[Item, ...] = Field(min_length=1)


class Scorecard(_Strict):
    """All questions. An edit makes another revision: the pack's version tells which."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)
    title: str = Field(min_length=1, max_length=256)
    title_en: str = Field(min_length=1, max_length=256)
    sections: tuple[Section, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _named_once(self) -> Scorecard:
        ids = Counter(item.id for section in self.sections for item in section.items)
        twice = [name for name, count in ids.items() if count > 1]
        if twice:
            raise ValueError(f"the item {twice[0]} is there twice")
        return self


def answers(card: Scorecard, state: CallState) -> list[ScoreItem]:
    """Answer every item by what was found so far; `pending` until the last word is spoken."""
    certain = Counter(kind for kind, suspected in state.kinds if not suspected)
    all_found = Counter(kind for kind, _ in state.kinds)
    known = state.heard >= {"agent"} and "agent" not in state.lost
    return [
        _answer(section, item, all_found if item.suspected else certain, known=known, state=state)
        for section in card.sections
        for item in section.items
    ]


def _answer(
    section: Section, item: Item, found: Mapping[str, int], *, known: bool, state: CallState
) -> ScoreItem:
    count = sum(found.get(kind, 0) for kind in (*item.forbidden, *item.required))
    answer: Answer
    earned = item.points
    if not known or (item.applies_after and not any(found.get(k) for k in item.applies_after)):
        answer = "na" if state.over or not item.applies_after else "pending"
        earned = 0.0
    elif item.required:
        answer = "yes" if count else "no" if state.over else "pending"
        earned = item.points if count else 0.0
    else:
        answer = "no" if count else "yes"
        earned = item.points - count * (item.each or item.points)
    return ScoreItem(
        section=section.id,
        item=item.id,
        title=item.title,
        title_en=item.title_en,
        answer=answer,
        points=item.points,
        earned=round(max(0.0, earned), 2),
        critical=item.critical,
    )


def total(card: Scorecard, items: Iterable[ScoreItem]) -> float | None:
    """The score, 0..100; None when nothing applies.

    Items that are pending weigh nothing, so a running score tells of what is decided. The same
    sum serves answers that people have changed.
    """
    decided = [item for item in items if item.answer in {"yes", "no"}]
    if any(item.critical and item.answer == "no" for item in decided):
        return 0.0
    weighted, weights = 0.0, 0.0
    for section in card.sections:
        own = [item for item in decided if item.section == section.id]
        points = sum(item.points for item in own)
        if points:
            weighted += section.weight * sum(item.earned for item in own) / points
            weights += section.weight
    return round(FULL * weighted / weights, 1) if weights else None


def changed(before: Sequence[ScoreItem], after: Sequence[ScoreItem]) -> bool:
    """Whether any answer or its points are another one."""
    return [(i.item, i.answer, i.earned) for i in before] != [
        (i.item, i.answer, i.earned) for i in after
    ]
