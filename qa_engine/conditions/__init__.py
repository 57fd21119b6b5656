"""Conditions that rules of type `when` are composed of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qa_engine.conditions import models
from qa_engine.conditions.base import Finder, Moment
from qa_engine.conditions.combine import (
    AbsentFinder,
    AllFinder,
    AnchoredFinder,
    AnyFinder,
    NotFinder,
    PickFinder,
)
from qa_engine.conditions.models import AnyCondition, Condition
from qa_engine.conditions.text import RegexFinder, RepeatsFinder, SimilarFinder, WordsFinder
from qa_engine.conditions.voice import FoundFinder, LouderFinder, RateFinder, TalkRatioFinder

__all__ = ["AnyCondition", "Condition", "Finder", "Moment", "build_finder"]

_PLAIN: dict[type[Condition], Callable[[Any], Finder]] = {
    models.WordsCondition: WordsFinder,
    models.RegexCondition: RegexFinder,
    models.SimilarCondition: SimilarFinder,
    models.RepeatsCondition: RepeatsFinder,
    models.RateCondition: RateFinder,
    models.LouderCondition: LouderFinder,
    models.TalkRatioCondition: TalkRatioFinder,
    models.FoundCondition: FoundFinder,
}


def build_finder(condition: Condition) -> Finder:
    """A condition at work on one new call."""
    if type(condition) in _PLAIN:
        return _PLAIN[type(condition)](condition)
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
                [build_finder(part.of) for part in refused],
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
