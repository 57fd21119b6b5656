"""`when`: a condition, alone or composed of others, holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from backbone.events import Event
from backbone.media import Role
from qa_engine.conditions import AnyCondition, build_finder
from qa_engine.conditions.models import MeansCondition, every
from qa_engine.events import HitRole
from qa_engine.operators.base import BaseRule, Finding, Outcome, Quiet, one_lower

if TYPE_CHECKING:
    from qa_engine.state import CallState, Said


class WhenRule(BaseRule):
    """Finds whatever fulfils a condition."""

    type: Literal["when"]
    find: AnyCondition
    role: HitRole | None = Field(None, description="Whose doing it is; unset: as found.")
    suspected: Literal["lower", "same"] = Field(
        "lower", description="Severity of what only sounds or means alike."
    )

    def groups(self) -> Iterable[str]:
        """Names of the word groups it looks at."""
        return self.find.lists()

    def learns(self) -> frozenset[Role]:
        """See `BaseRule.learns`."""
        learning = (part for part in every(self.find) if isinstance(part, MeansCondition))
        return frozenset().union(*(part.roles() for part in learning))

    def builds_on(self) -> Iterable[str]:
        """Ids of the rules whose findings it looks at."""
        return self.find.rules_named()


class WhenOperator(Quiet):
    """Asks its condition after everything that happens, and while time passes."""

    def __init__(self, rule: WhenRule) -> None:
        self._rule = rule
        self._finder = build_finder(rule.find)
        self._timed = rule.find.timed()

    def feed(self, state: CallState, event: Event, said: Said | None) -> Iterable[Outcome]:
        """See `Operator.feed`."""
        del event
        return self._ask(state) if said is not None else ()

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """See `Operator.tick`."""
        return self._ask(state) if self._timed else ()

    def close(self, state: CallState) -> Iterable[Outcome]:
        """See `Operator.close`."""
        return self._ask(state)

    def _ask(self, state: CallState) -> Iterator[Finding]:
        rule = self._rule
        for moment in self._finder.moments(state):
            lower = moment.suspected and rule.suspected == "lower"
            yield Finding(
                key=moment.key,
                role=rule.role or moment.role,
                phrase=moment.phrase,
                start=moment.start,
                end=moment.end,
                evidence=moment.evidence,
                suspected=moment.suspected,
                absence=moment.absence,
                severity=one_lower(rule.severity) if lower else None,
            )
