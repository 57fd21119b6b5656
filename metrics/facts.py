"""What belongs to visits, as sums that the database takes: rings, ratings, alerts, what was heard.

Each sum bears the name of a sum of `metrics.tally.Tally`; from those the KPIs are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    func,
    literal,
)

from backbone.store.schema import (
    alerts,
    calls,
    legs,
    ratings,
    refused_calls,
    ring_attempts,
    segments,
)
from backbone.store.tables.guidance import call_scripts
from backbone.store.tables.work import registers
from metrics.periods import Period

SATISFIED = 4
"""From this value on, a rating on the scale of five says satisfied."""

_MISSED_RINGS = ("no_answer", "busy")


@dataclass(frozen=True)
class Facts:
    """One table's sums, and the queue, agent and time they belong to."""

    table: FromClause
    queue: ColumnElement[str]
    agent: ColumnElement[str]
    at: ColumnElement[float]
    within: ColumnElement[bool]
    sums: dict[str, ColumnElement[Any]]

    def of(self, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        """The query, asked of this table."""
        return query.select_from(self.table)


def facts_of(period: Period, *, speech: bool) -> Iterator[Facts]:
    """All that is counted in a period beside visits and states.

    Args:
        period: rings, ratings and alerts have times of their own; the rest goes by its call's.
        speech: whether to take in the transcripts.
    """
    yield _refused(period)
    yield _rings(period)
    yield _ratings(period)
    yield _alerts(period)
    yield _of_calls(
        period,
        call_scripts.c.call_id,
        {
            "script_required": func.sum(call_scripts.c.required),
            "script_done": func.sum(call_scripts.c.done),
        },
    )
    resolved = registers.c.first_contact_resolved
    yield _of_calls(
        period,
        registers.c.call_id,
        {"coded": func.count(resolved), "resolved": _number_of(resolved.is_(True))},
    )
    yield _of_calls(
        period,
        legs.c.call_id,
        {
            "legs_closed": func.count(legs.c.complete),  # open ones are NULL
            "legs_complete": _number_of(legs.c.complete.is_(True)),
        },
    )
    if speech:
        refused = segments.c.unintelligible
        yield _of_calls(
            period,
            segments.c.call_id,
            {
                "segments": func.count(),
                "unintelligible": _number_of(refused),
                "confidence_sum": func.sum(case((refused, 0.0), else_=segments.c.confidence)),
            },
        )


def _refused(period: Period) -> Facts:
    table = refused_calls.c
    nobody: ColumnElement[str] = literal("")
    return Facts(
        refused_calls,
        table.queue,
        nobody,
        table.at,
        _during(table.at, period),
        {"refused": func.count()},
    )


def _rings(period: Period) -> Facts:
    table = ring_attempts.c
    return Facts(
        ring_attempts,
        table.queue,
        table.agent,
        table.ended_at,
        _during(table.ended_at, period),
        {
            "rings_answered": _number_of(table.result == "answered"),
            "rings_missed": _number_of(table.result.in_(_MISSED_RINGS)),
        },
    )


def _ratings(period: Period) -> Facts:
    table = ratings.c
    of_five = table.scale == "five"
    return Facts(
        ratings,
        table.queue,
        table.agent,
        table.at,
        _during(table.at, period),
        {
            "likes": _number_of(table.scale == "like"),
            "rated": _number_of(of_five),
            "satisfied": _number_of(and_(of_five, table.value >= SATISFIED)),
            "rating_sum": func.sum(case((of_five, table.value), else_=0)),
        },
    )


def _alerts(period: Period) -> Facts:
    table = alerts.c
    after_s = table.acknowledged_at - table.at
    return Facts(
        alerts,
        table.queue,
        table.agent,
        table.at,
        _during(table.at, period),
        {
            "alerts": func.count(),
            "red_lines": _number_of(table.kind == "red_line"),
            "acknowledged": func.count(table.acknowledged_at),
            "acknowledge_sum_s": func.coalesce(
                func.sum(case((after_s < 0.0, 0.0), else_=after_s)), 0.0
            ),
        },
    )


def _of_calls(period: Period, call_id: Column[str], sums: dict[str, ColumnElement[Any]]) -> Facts:
    table = calls.c
    return Facts(
        calls.join(call_id.table, call_id == table.call_id),
        table.queue,
        table.agent,
        table.joined_at,
        _during(table.joined_at, period),
        sums,
    )


def _during(at: ColumnElement[float], period: Period) -> ColumnElement[bool]:
    return and_(at >= period.start, at < period.end)


def _number_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
