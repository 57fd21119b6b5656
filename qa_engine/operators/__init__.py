"""The operators that rules are made of, by the `type` they have in a pack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from qa_engine.operators.base import BaseRule, Operator
from qa_engine.operators.call import CallOperator, CallRule
from qa_engine.operators.response import ResponseOperator, ResponseRule
from qa_engine.operators.speech import (
    DeadAirOperator,
    DeadAirRule,
    FastSpeechOperator,
    FastSpeechRule,
    InterruptionOperator,
    InterruptionRule,
)
from qa_engine.operators.step import StepOperator, StepRule
from qa_engine.operators.when import WhenOperator, WhenRule
from qa_engine.operators.words import WordsOperator, WordsRule

__all__ = ["OPERATORS", "AnyRule", "BaseRule", "Operator", "build"]

AnyRule = Annotated[
    WordsRule
    | StepRule
    | CallRule
    | ResponseRule
    | InterruptionRule
    | DeadAirRule
    | FastSpeechRule
    | WhenRule,
    Field(discriminator="type"),
]

OPERATORS: dict[type[BaseRule], Callable[[Any], Operator]] = {
    WordsRule: WordsOperator,
    StepRule: StepOperator,
    CallRule: CallOperator,
    ResponseRule: ResponseOperator,
    InterruptionRule: InterruptionOperator,
    DeadAirRule: DeadAirOperator,
    FastSpeechRule: FastSpeechOperator,
    WhenRule: WhenOperator,
}


def build(rule: BaseRule) -> Operator:
    """An operator for one rule on one new call."""
    return OPERATORS[type(rule)](rule)
