"""What managers look at: the numbers against their targets, the rules, the audit chain."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import Connection, func, select

import metrics.board
from agent_console import teams
from agent_console.access import Context, Who
from agent_console.api.parameters import Cursor, Limit, Name, Since, Until
from agent_console.paging import BadCursorError, Page, page
from agent_console.problems import Problem
from agent_console.scope import Scope
from backbone import audit as chain
from backbone.store.schema import audit
from backbone.store.tables.scoring import call_scores
from metrics.figures import Kpis
from metrics.history import read_kpis
from metrics.periods import PeriodKind, period_of, today
from metrics.targets import TARGETS
from qa_engine.events import Severity
from qa_engine.storage import RuleCount, rule_counts

router = APIRouter(tags=["oversight"])

Dimension = Literal["queue", "agent", "team", "hour", "hour_of_day", "weekday", "day"]


class TargetView(BaseModel):
    """What a figure should be, and whether the whole period keeps it (null: not known)."""

    direction: Literal["at_least", "at_most"]
    value: float
    met: bool | None


class KpiRow(BaseModel):
    """The figures of one queue, agent, team or time."""

    key: str
    kpis: dict[str, float | None]


class KpiView(BaseModel):
    """A period's figures: ratios 0..1, durations in seconds, null where nothing is known."""

    period: PeriodKind
    label: str
    start: float
    end: float
    time_zone: str
    read_at: float
    total: dict[str, float | None]
    targets: dict[str, TargetView]
    by: Dimension
    rows: list[KpiRow]


class RuleView(BaseModel):
    """A rule, what it raised, and what people said of that; `precision` of what was judged."""

    rule: str
    kind: str
    severity: Severity
    title: str
    title_en: str
    enabled: bool
    alerts: int
    suspected: int
    acknowledged: int
    correct: int
    false_alarm: int
    precision: float | None


class RulesView(BaseModel):
    """The rules in force; one that is not in force any more but raised alerts comes last."""

    pack: str
    version: str
    title: str
    title_en: str
    rules: list[RuleView]


class RulesVersion(BaseModel):
    """A version of the pack by what it scored; times in epoch seconds."""

    version: str
    calls: int
    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry of the audit chain."""

    number: int
    at: float
    who: str
    role: str
    action: str
    system: str
    target: str
    call_id: str
    done: bool
    answer: str
    hash: str


class Verdict(BaseModel):
    """What a check of the chain found; `broken` is the number of the first bad row."""

    whole: bool
    rows: int
    head: str
    broken: int | None
    reason: str


@router.get("/kpi")
async def get_kpi(
    who: Who,
    context: Context,
    *,
    period: PeriodKind = "day",
    on: Annotated[date | None, Query(description="A day of it; unset: today.")] = None,
    by: Dimension = "queue",
) -> KpiView:
    """The day, week or month against its targets; of the user's teams, where there are some."""
    settings = context.site.metrics
    now = context.clock.time()
    day = on or today(now, settings.zone)
    try:
        wanted = period_of(period, day, settings.zone)
    except (ValueError, OverflowError):
        raise Problem(422, "invalid_request", "There are no numbers for such a day.") from None

    def read() -> KpiView:
        with context.engine.connect() as connection:
            report = read_kpis(
                connection,
                wanted,
                settings,
                now=now,
                by=(by,),
                teams=_teams(connection, who.user.teams),
                scope=_narrowed(who.scope),
            )
        return KpiView(
            period=period,
            label=report.label,
            start=report.start,
            end=report.end,
            time_zone=report.time_zone,
            read_at=report.read_at,
            total=_figures(report.total),
            targets=_targets(report.total),
            by=by,
            rows=[KpiRow(key=row.key, kpis=_figures(row.kpis)) for row in report.by[by]],
        )

    return await asyncio.to_thread(read)


@router.get("/rules")
async def list_rules(context: Context, *, since: Since = None, until: Until = None) -> RulesView:
    """The rules in force, with what they raised and how often they were right."""

    def read() -> list[RuleCount]:
        with context.engine.connect() as connection:
            return rule_counts(connection, since, until)

    counts = {count.rule: count for count in await asyncio.to_thread(read)}
    pack = context.site.pack()
    known = [
        _rule(
            counts.pop(rule.id, None),
            rule=rule.id,
            kind=rule.kind,
            severity=rule.severity,
            title=rule.title,
            title_en=rule.title_en,
            enabled=rule.enabled,
        )
        for rule in (pack.rules if pack is not None else ())
    ]
    gone = [
        _rule(count, rule=name, kind="", severity="info", title=name, title_en=name, enabled=False)
        for name, count in counts.items()
    ]
    return RulesView(
        pack=pack.name if pack is not None else "",
        version=pack.version if pack is not None else "",
        title=pack.title if pack is not None else "",
        title_en=pack.title_en if pack is not None else "",
        rules=known + gone,
    )


@router.get("/rules/versions")
async def list_rules_versions(context: Context) -> list[RulesVersion]:
    """Which versions of the pack scored how many calls, newest first."""
    last = func.max(call_scores.c.at)
    query = (
        select(call_scores.c.revision, func.count(), func.min(call_scores.c.at), last)
        .group_by(call_scores.c.revision)
        .order_by(last.desc())
        .limit(200)
    )

    def read() -> list[RulesVersion]:
        with context.engine.connect() as connection:
            return [
                RulesVersion(version=version, calls=number, first_at=first, last_at=latest)
                for version, number, first, latest in connection.execute(query)
            ]

    return await asyncio.to_thread(read)


@router.get("/audit")
async def list_audit(
    context: Context,
    *,
    who: Name = "",
    action: Name = "",
    call_id: Name = "",
    done: bool | None = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditRow]:
    """Who did what, newest first."""
    query = select(audit)
    for column, value in (
        (audit.c.who, who),
        (audit.c.action, action),
        (audit.c.call_id, call_id),
    ):
        if value:
            query = query.where(column == value)
    if done is not None:
        query = query.where(audit.c.done == done)
    if since is not None:
        query = query.where(audit.c.at >= since)
    if until is not None:
        query = query.where(audit.c.at < until)

    def read() -> Page[AuditRow]:
        with context.engine.connect() as connection:
            return page(
                connection,
                query,
                (audit.c.number, audit.c.entry_id),
                lambda row: AuditRow(**{name: row[name] for name in AuditRow.__slots__}),
                limit=limit,
                cursor=cursor,
            )

    try:
        return await asyncio.to_thread(read)
    except BadCursorError as error:
        raise Problem(400, "bad_cursor", str(error)) from None


@router.post("/audit/verify")
async def verify_audit(context: Context) -> Verdict:
    """Check the whole chain. Keep `head` elsewhere to notice a chain that was made anew."""

    def read() -> chain.AuditVerdict:
        with context.engine.connect() as connection:
            return chain.verify(connection)

    verdict = await asyncio.to_thread(read)
    return Verdict(
        whole=verdict.whole,
        rows=verdict.rows,
        head=verdict.head,
        broken=verdict.broken,
        reason=verdict.reason,
    )


def _teams(connection: Connection, mine: tuple[str, ...]) -> dict[str, metrics.board.Team]:
    return {
        team.team: metrics.board.Team(frozenset(team.queues), frozenset(team.agents))
        for team in teams.list_teams(connection)
        if not mine or team.team in mine
    }


def _narrowed(scope: Scope) -> metrics.board.Scope | None:
    return None if scope.everything else metrics.board.Scope(scope.queues, scope.agents)


def _figures(kpis: Kpis) -> dict[str, float | None]:
    return msgspec.structs.asdict(kpis)


def _targets(total: Kpis) -> dict[str, TargetView]:
    return {
        name: TargetView(
            direction=target.direction,
            value=target.value,
            met=target.met(getattr(total, name)),
        )
        for name, target in TARGETS.items()
    }


def _rule(count: RuleCount | None, **known: Any) -> RuleView:
    count = count or RuleCount(
        rule="", alerts=0, suspected=0, acknowledged=0, correct=0, false_alarm=0
    )
    return RuleView(
        **known,
        alerts=count.alerts,
        suspected=count.suspected,
        acknowledged=count.acknowledged,
        correct=count.correct,
        false_alarm=count.false_alarm,
        precision=count.precision,
    )
