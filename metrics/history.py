"""The KPIs of a day, a week or a month, read from the call store.

The console's GET /kpi, the wallboard's day totals and the reports all call the same function:

    read_kpis(
        connection,                      # of the store
        period_of("month", date(2026, 11, 1), settings.zone),
        settings,                        # MetricsSettings
        now=clock.time(),
        by=("queue", "agent", "day"),    # any of queue, team, agent, hour, hour_of_day, weekday, …
        teams={"night": Team(frozenset({"support"}), frozenset({"PJSIP/1001"}))},
        scope=Scope(queues={"support"}), # whose numbers may be seen; None: all
    ) -> KpiReport                       # .total: Kpis, .by["queue"]: tuple of Row(key, kpis)

It blocks (call it in a thread) and streams: rows are counted as they come, so a month of 200,000
calls takes no more memory than a day. `metrics.targets.TARGETS` says what the numbers should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, Integer, Select, and_, cast, func, or_, select

from backbone.store.schema import agent_states, calls
from metrics.board import Board, Dimension, Row, Scope, Team
from metrics.callbacks import Callbacks, read_callbacks
from metrics.facts import Facts, facts_of
from metrics.figures import Kpis
from metrics.first_contact import neighbours
from metrics.periods import QUARTER_S, Period
from metrics.settings import MetricsSettings
from metrics.state_times import StateTimes
from metrics.tally import Visit

_Query: TypeAlias = "Select[*tuple[Any, ...]]"

_DAY_S = 86_400.0
_BATCH = 2_000
"""Rows fetched at once; all that is ever in memory of a table."""

_STATE_HEARSAY_S = _DAY_S
"""A state that an agent has been in for longer than this is taken for one nobody ended."""


class KpiReport(msgspec.Struct, frozen=True, kw_only=True):
    """The KPIs of a period.

    `start` and `end` are epoch seconds (`end` not included), `label` is 2026-11-22, 2026-W47 or
    2026-11, `by` has the rows of each dimension that was asked for, sorted by key.
    """

    period: str
    label: str
    start: float
    end: float
    time_zone: str
    read_at: float
    total: Kpis
    by: dict[str, tuple[Row, ...]]


def read_kpis(
    connection: Connection,
    period: Period,
    settings: MetricsSettings,
    *,
    now: float,
    by: Sequence[Dimension] = (),
    teams: Mapping[str, Team] | None = None,
    scope: Scope | None = None,
    speech: bool = True,
) -> KpiReport:
    """Read a period's KPIs; see the module's docstring.

    Args:
        connection: of the store.
        period: of `metrics.periods`.
        settings: conventions, repeat window, shared numbers.
        now: epoch seconds; an agent's present state lasts until then, and only calls older than
            the repeat window are matured.
        by: the dimensions that get rows. Time dimensions put a visit where it joined.
        teams: by name, for the dimension team.
        scope: only what belongs to these queues or agents is counted.
        speech: whether to read the transcripts' health, the largest table; its two KPIs are None
            otherwise.
    """
    board = Board(by, period.zone, teams or {}, scope)
    _count_visits(connection, period, settings, now, board)
    _count_states(connection, period, now, board)
    for facts in facts_of(period, speech=speech):
        _add_up(connection, board, facts)
    return KpiReport(
        period=period.kind,
        label=period.label,
        start=period.start,
        end=period.end,
        time_zone=period.zone.key,
        read_at=now,
        total=board.total(),
        by={dimension: board.rows(dimension) for dimension in by},
    )


def read_visits(connection: Connection, period: Period, window_s: float) -> Iterator[Visit]:
    """The decided visits of a period's callers, by caller and time, one by one.

    Those up to `window_s` before and after the period are among them.
    """
    table = calls.c
    callers = select(table.caller).where(
        table.joined_at >= period.start, table.joined_at < period.end
    )
    query = (
        select(  # in the order of `Visit`
            table.call_id,
            table.queue,
            table.agent,
            table.caller,
            (table.system + "/" + table.uniqueid),
            table.visit == 1,
            table.joined_at,
            func.coalesce(table.outcome, "answered"),
            table.wait_s,
            table.rings,
            table.talk_s,
            table.hold_s,
            table.wrap_up_s,
            table.hangup_by == "transfer",
        )
        .where(
            table.joined_at >= period.start - window_s,
            table.joined_at < period.end + window_s,
            table.caller.in_(callers),
            or_(table.outcome.is_not(None), table.answered_at.is_not(None)),
        )
        .order_by(table.caller, table.joined_at)
    )
    yield from map(Visit._make, stream(connection, query))


def stream(connection: Connection, query: _Query) -> Iterator[Any]:
    """A query's rows as they come from the database, never all at once."""
    result = connection.execute(query.execution_options(yield_per=_BATCH))
    for rows in result.partitions():
        yield from rows


def _count_visits(
    connection: Connection, period: Period, settings: MetricsSettings, now: float, board: Board
) -> None:
    window_s = settings.repeat_days * _DAY_S
    callbacks = read_callbacks(connection, period, settings.callback_hours * 3600.0)
    visits = read_visits(connection, period, window_s)
    shared = settings.first_contact.shared_numbers
    conventions = settings.conventions
    for visit, found in neighbours(visits, window_s=window_s, ignored=shared):
        if not period.contains(visit.at):
            continue
        matured = visit.at <= now - window_s
        called_back = found is not None and _called_back(callbacks, visit)
        for tally in board.tallies(visit.queue, visit.agent, visit.at):
            tally.add_visit(visit, conventions)
            if found is not None:
                tally.add_known(
                    visit,
                    repeat=found.repeat,
                    returned=found.returned,
                    matured=matured,
                    called_back=called_back,
                )


def _called_back(callbacks: Callbacks, visit: Visit) -> bool:
    return visit.outcome != "answered" and callbacks.after(visit.caller, visit.at)


def _count_states(connection: Connection, period: Period, now: float, board: Board) -> None:
    table = agent_states.c
    query = (
        select(table.system, table.agent, table.at, table.state)
        .where(table.at >= period.start - _STATE_HEARSAY_S, table.at < period.end)
        .order_by(table.system, table.agent, table.at, table.seq)
    )
    end = min(period.end, now)
    times = StateTimes(period.start)
    for (_, agent), rows in groupby(stream(connection, query), key=itemgetter(0, 1)):
        if not board.includes("", agent):
            continue
        since, state = 0.0, ""
        for _, _, at, after in rows:
            times.add(agent, state, since, min(at, end))
            since, state = at, after
        times.add(agent, state, since, min(end, since + _STATE_HEARSAY_S))
    times.count(board)


def _add_up(connection: Connection, board: Board, facts: Facts) -> None:
    """Let the database add up what belongs to visits: once by place, once by time."""
    sums = [expression.label(name) for name, expression in facts.sums.items()]
    within = facts.within
    if board.scope is not None:
        queues, agents = list(board.scope.queues), list(board.scope.agents)
        within = and_(within, or_(facts.queue.in_(queues), facts.agent.in_(agents)))
    by_place = select(facts.queue, facts.agent, *sums).group_by(facts.queue, facts.agent)
    for queue, agent, *values in connection.execute(facts.of(by_place).where(within)):
        board.place(queue, agent).add(dict(zip(facts.sums, values, strict=True)))
    if board.by_time:
        quarter = _quarter(connection, facts.at)
        by_time = select(quarter, *sums).group_by(quarter)
        for number, *values in connection.execute(facts.of(by_time).where(within)):
            board.quarter(int(number)).add(dict(zip(facts.sums, values, strict=True)))


def _quarter(connection: Connection, at: ColumnElement[float]) -> ColumnElement[Any]:
    """Which quarter of an hour a time is in; SQLite's casting cuts, PostgreSQL's rounds."""
    if connection.dialect.name == "sqlite":
        return cast(at / QUARTER_S, Integer)
    return func.floor(at / QUARTER_S)
