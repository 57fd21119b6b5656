"""What a report says, without how it looks: one record, read from the store.

    report = read_report(connection, period, settings, now=clock.time(), marks=marks)

Reading blocks (call it in a thread) and streams. Personal data is covered here, so that no form
of the report can show it: callers' numbers are not read, and quotations are masked.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection

from metrics import targets
from metrics.board import Row, Team
from metrics.figures import Kpis
from metrics.history import KpiReport, read_kpis
from metrics.periods import Period
from metrics.reports.results import AgentMarks, AgentResult, agent_results, read_scores
from metrics.reports.rules import RuleRow, read_rules
from metrics.reports.voices import Quotation, TopicRow, read_quotations, read_topics
from metrics.settings import MetricsSettings

BEST_AND_WORST = 3


class TargetRow(msgspec.Struct, frozen=True, kw_only=True):
    """A KPI beside its target and its value in the period before.

    `kept` is None where the value is unknown.
    """

    target: targets.Target
    value: float | None
    last: float | None
    kept: bool | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A period's report; `last` are the KPIs of the period before it.

    `best_hours` and `worst_hours` are hours of the day with at least
    `metrics.targets.MINIMUM_VOLUME` offered calls, by answer rate and then by wait.
    """

    kpis: KpiReport
    last: KpiReport
    made_at: float
    targets: tuple[TargetRow, ...]
    best_hours: tuple[Row, ...]
    worst_hours: tuple[Row, ...]
    topics: tuple[TopicRow, ...]
    rules: tuple[RuleRow, ...]
    agents: tuple[AgentResult, ...]
    quotations: tuple[Quotation, ...]

    @property
    def total(self) -> Kpis:
        """The period's KPIs over everything."""
        return self.kpis.total


def read_report(
    connection: Connection,
    period: Period,
    settings: MetricsSettings,
    *,
    now: float,
    marks: Mapping[str, AgentMarks] | None = None,
    teams: Mapping[str, Team] | None = None,
) -> Report:
    """Read a report.

    Args:
        connection: of the store.
        period: a day, a week or a month.
        settings: conventions of counting.
        now: epoch seconds.
        marks: what supervisors entered by hand, by agent.
        teams: by name, where the report is to show teams.
    """
    kpis = read_kpis(
        connection,
        period,
        settings,
        now=now,
        by=("queue", "team", "agent", "day", "hour_of_day"),
        teams=teams,
        speech=False,  # the largest table, for two figures that no report shows
    )
    last = read_kpis(connection, period.previous(), settings, now=now, by=("day",), speech=False)
    hours = _ranked_hours(kpis.by["hour_of_day"])
    topics = read_topics(connection, period)
    return Report(
        kpis=kpis,
        last=last,
        made_at=now,
        targets=tuple(
            _against(target, kpis.total, last.total) for target in targets.TARGETS.values()
        ),
        best_hours=tuple(hours[:BEST_AND_WORST]),
        worst_hours=tuple(reversed(hours[BEST_AND_WORST:][-BEST_AND_WORST:])),
        topics=topics,
        rules=read_rules(connection, period),
        agents=agent_results(kpis.by["agent"], read_scores(connection, period), marks or {}),
        quotations=read_quotations(connection, period),
    )


def _against(target: targets.Target, now: Kpis, before: Kpis) -> TargetRow:
    value = getattr(now, target.kpi)
    last = getattr(before, target.kpi) if before.joined else None
    return TargetRow(
        target=target,
        value=value,
        last=last,
        kept=target.met(value),
    )


def _ranked_hours(rows: tuple[Row, ...]) -> list[Row]:
    """The hours with enough calls to judge, the best first."""
    judged = [row for row in rows if row.kpis.offered >= targets.MINIMUM_VOLUME]
    return sorted(
        judged,
        key=lambda row: (-(row.kpis.answer_rate or 0.0), row.kpis.average_speed_of_answer_s or 0.0),
    )
