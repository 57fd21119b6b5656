"""Conditions that rules of type `when` are composed of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backbone.media import Role
from qa_engine.conditions import models
from qa_engine.conditions.base import Finder, Moment
from qa_engine.conditions.combine import (
    AbsentFinder,
    AllFinder,
    AnchoredFinder,
    AnyFinder,
    NotFinder,
    PickFinder,
    Refused,
)
from qa_engine.conditions.models import AnyCondition, Condition
from qa_engine.conditions.text import (
    MeansFinder,
    RegexFinder,
    RepeatsFinder,
    SimilarFinder,
    WordsFinder,
)
from qa_engine.conditions.voice import FoundFinder, LouderFinder, RateFinder, TalkRatioFinder

__all__ = ["AnyCondition", "Condition", "Finder", "Moment", "build_finder"]

_PLAIN: dict[type[Condition], Callable[[Any], Finder]] = {
    models.WordsCondition: WordsFinder,
    models.RegexCondition: RegexFinder,
    models.SimilarCondition: SimilarFinder,
    models.MeansCondition: MeansFinder,
    models.FoundCondition: FoundFinder,
}
_OF_ONE_SIDE: dict[type[Condition], Callable[[Any, Role], Finder]] = {
    models.RepeatsCondition: RepeatsFinder,
    models.RateCondition: RateFinder,
    models.LouderCondition: LouderFinder,
    models.TalkRatioCondition: TalkRatioFinder,
}
"""Conditions that compare a side with itself; `either` is one of the two."""


def build_finder(condition: Condition) -> Finder:
    """A condition at work on one new call."""
    kind = type(condition)
    if kind in _PLAIN:
        return _PLAIN[kind](condition)
    if kind in _OF_ONE_SIDE:
        finders = [_OF_ONE_SIDE[kind](condition, role) for role in sorted(condition.roles())]
        return finders[0] if len(finders) == 1 else AnyFinder(finders)
    return _composed(condition)


def _composed(condition: Condition) -> Finder:
    made: Finder
    match condition:
        case models.AllCondition():
            refused = [part for part in condition.of if isinstance(part, models.NotCondition)]
            asked = [part for part in condition.of if not isinstance(part, models.NotCondition)]
            made = AllFinder(
                condition,
                [build_finder(part) for part in asked],
                [Refused(build_finder(part.of), part.roles()) for part in refused],
            )
        case models.AnyOfCondition():
            made = AnyFinder([build_finder(part) for part in condition.of])
        case models.NotCondition():
            made = NotFinder(condition, build_finder(condition.of))
        case models.PickCondition():
            made = PickFinder(condition, build_finder(condition.of))
        case models.AnchoredCondition():
            made = AnchoredFinder(
                condition, build_finder(condition.anchor), build_finder(condition.of)
            )
        case models.AbsentCondition():
            after = None if condition.after is None else build_finder(condition.after)
            made = AbsentFinder(condition, build_finder(condition.of), after)
        case _:
            raise TypeError(f"no finder for {type(condition).__name__}")
    return made
