"""Rules by how often they raised an alert, and how often that was right."""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from backbone.store.schema import alerts
from metrics.periods import Period

MOST_RULES = 20


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's alerts in the period and in the one before.

    `correct` and `false_alarms` are those that a person judged.
    """

    rule: str
    title: str
    title_en: str
    severity: str
    alerts: int
    last: int
    correct: int
    false_alarms: int

    @property
    def precision(self) -> float | None:
        """Correct / judged; None when nobody judged one."""
        judged = self.correct + self.false_alarms
        return self.correct / judged if judged else None


def read_rules(
    connection: Connection, period: Period, most: int = MOST_RULES
) -> tuple[RuleRow, ...]:
    """The rules with the most alerts, most first."""
    table = alerts.c
    before = period.previous()
    here = and_(table.at >= period.start, table.at < period.end)

    def count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((and_(*conditions), 1), else_=0))

    rows = connection.execute(
        select(
            table.rule,
            func.max(table.title),
            func.max(table.title_en),
            func.max(table.severity),
            count(here).label("here"),
            count(table.at < period.start),
            count(here, table.verdict == "correct"),
            count(here, table.verdict == "false_alarm"),
        )
        .where(table.at >= before.start, table.at < period.end)
        .group_by(table.rule)
        .having(count(here) > 0)
        .order_by(count(here).desc(), table.rule)
        .limit(most)
    )
    names = RuleRow.__struct_fields__
    return tuple(RuleRow(**dict(zip(names, row, strict=True))) for row in rows)
