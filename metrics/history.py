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

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import Connection, Select, and_, case, func, or_, select

from backbone.store.schema import (
    agent_states,
    alerts,
    calls,
    legs,
    ratings,
    refused_calls,
    ring_attempts,
    segments,
)
from backbone.store.tables.guidance import call_scripts
from metrics.board import Board, Dimension, Row, Scope, Team
from metrics.callbacks import Callbacks, read_callbacks
from metrics.figures import Kpis
from metrics.first_contact import neighbours
from metrics.periods import QUARTER_S, Period
from metrics.settings import MetricsSettings
from metrics.tally import SUM_OF_STATE, Tally, Visit

_Query: TypeAlias = "Select[*tuple[Any, ...]]"

_DAY_S = 86_400.0
_BATCH = 2_000
"""Rows fetched at once; all that is ever in memory of a table."""

_MISSED_RINGS = frozenset({"no_answer", "busy"})
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
    _count_refused(connection, period, board)
    _count_rings(connection, period, board)
    _count_states(connection, period, now, board)
    _count_ratings(connection, period, board)
    _count_alerts(connection, period, board)
    _count_scripts(connection, period, board)
    _count_legs(connection, period, board)
    if speech:
        _count_speech(connection, period, board)
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


def read_visits(connection: Connection, start: float, end: float) -> Iterator[Visit]:
    """Decided visits that joined from `start` to before `end`, by caller and time, one by one."""
    table = calls.c
    query = (
        select(
            table.call_id,
            table.queue,
            table.agent,
            table.caller,
            table.system,
            table.uniqueid,
            table.visit,
            table.joined_at,
            func.coalesce(table.outcome, "answered"),
            table.wait_s,
            table.rings,
            table.talk_s,
            table.hold_s,
            table.wrap_up_s,
            table.hangup_by,
        )
        .where(
            table.joined_at >= start,
            table.joined_at < end,
            or_(table.outcome.is_not(None), table.answered_at.is_not(None)),
        )
        .order_by(table.caller, table.joined_at)
    )
    for row in stream(connection, query):
        (call_id, queue, agent, caller, system, uniqueid, visit, at, outcome, *rest) = row
        wait_s, rings, talk_s, hold_s, wrap_up_s, hangup_by = rest
        yield Visit(
            call_id=call_id,
            queue=queue,
            agent=agent,
            caller=caller,
            channel=f"{system}/{uniqueid}",
            first=visit == 1,
            at=at,
            outcome=outcome,
            wait_s=wait_s,
            rings=rings,
            talk_s=talk_s,
            hold_s=hold_s,
            wrap_up_s=wrap_up_s,
            transferred=hangup_by == "transfer",
        )


def stream(connection: Connection, query: _Query) -> Iterator[Any]:
    """A query's rows as they come from the database, never all at once."""
    yield from connection.execute(query.execution_options(yield_per=_BATCH))


def _count_visits(
    connection: Connection, period: Period, settings: MetricsSettings, now: float, board: Board
) -> None:
    window_s = settings.repeat_days * _DAY_S
    callbacks = read_callbacks(connection, period, settings.callback_hours * 3600.0)
    visits = read_visits(connection, period.start - window_s, period.end + window_s)
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


def _count_refused(connection: Connection, period: Period, board: Board) -> None:
    table = refused_calls.c
    query = select(table.queue, table.at).where(table.at >= period.start, table.at < period.end)
    for queue, at in stream(connection, query):
        for tally in board.tallies(queue, "", at):
            tally.refused += 1


def _count_rings(connection: Connection, period: Period, board: Board) -> None:
    table = ring_attempts.c
    query = select(table.queue, table.agent, table.ended_at, table.result).where(
        table.ended_at >= period.start, table.ended_at < period.end
    )
    for queue, agent, at, result in stream(connection, query):
        if result == "answered" or result in _MISSED_RINGS:
            for tally in board.tallies(queue, agent, at):
                tally.add_ring(answered=result == "answered")


def _count_states(connection: Connection, period: Period, now: float, board: Board) -> None:
    table = agent_states.c
    query = (
        select(table.system, table.agent, table.at, table.state)
        .where(table.at >= period.start - _STATE_HEARSAY_S, table.at < period.end)
        .order_by(table.system, table.agent, table.at, table.seq)
    )
    end = min(period.end, now)
    for (_, agent), rows in groupby(stream(connection, query), key=itemgetter(0, 1)):
        since, state = 0.0, None
        for _, _, at, after in rows:
            if state is not None:
                _add_time(board, agent, state, max(since, period.start), min(at, end))
            since, state = at, after
        if state is not None:
            until = min(end, since + _STATE_HEARSAY_S)
            _add_time(board, agent, state, max(since, period.start), until)


def _add_time(board: Board, agent: str, state: Any, start: float, end: float) -> None:
    """Add a state's time, cut where an hour or a day may end."""
    while state in SUM_OF_STATE and start < end:
        until = min(end, (start // QUARTER_S + 1) * QUARTER_S) if board.by_time else end
        for tally in board.tallies("", agent, start):
            tally.add_time(state, until - start)
        start = until


def _count_ratings(connection: Connection, period: Period, board: Board) -> None:
    table = ratings.c
    query = select(table.queue, table.agent, table.at, table.scale, table.value).where(
        table.at >= period.start, table.at < period.end
    )
    for queue, agent, at, scale, value in stream(connection, query):
        for tally in board.tallies(queue, agent, at):
            tally.add_rating(scale, value)


def _count_alerts(connection: Connection, period: Period, board: Board) -> None:
    table = alerts.c
    query = select(
        table.queue, table.agent, table.at, table.kind, table.acknowledged_at - table.at
    ).where(table.at >= period.start, table.at < period.end)
    for queue, agent, at, kind, after_s in stream(connection, query):
        for tally in board.tallies(queue, agent, at):
            tally.add_alert(kind, after_s)


def _count_scripts(connection: Connection, period: Period, board: Board) -> None:
    query = _of_calls(
        period, select(call_scripts.c.required, call_scripts.c.done), call_scripts.c.call_id
    )

    def add(tally: Tally, required: int, done: int) -> None:
        tally.add_script(required, done)

    _count(connection, query, board, add)


def _count_legs(connection: Connection, period: Period, board: Board) -> None:
    query = _of_calls(period, select(legs.c.complete), legs.c.call_id).where(
        legs.c.complete.is_not(None)
    )

    def add(tally: Tally, complete: bool) -> None:  # noqa: FBT001 - a column's value
        tally.add_leg(complete=complete)

    _count(connection, query, board, add)


def _count_speech(connection: Connection, period: Period, board: Board) -> None:
    table = segments.c
    understood = case((table.unintelligible, 0.0), else_=table.confidence)
    query = _of_calls(
        period,
        select(
            func.count(),
            func.sum(case((table.unintelligible, 1), else_=0)),
            func.sum(understood),
        ),
        table.call_id,
    ).group_by(calls.c.call_id, calls.c.queue, calls.c.agent, calls.c.joined_at)

    def add(tally: Tally, number: int, unintelligible: int, confidence: float) -> None:
        tally.add_speech(number, unintelligible, confidence)

    _count(connection, query, board, add)


def _of_calls(period: Period, query: _Query, call_id: Any) -> _Query:
    """Of the calls that joined in a period, with the call's queue, agent and time before it."""
    table = calls.c
    return (
        query.add_columns(table.queue, table.agent, table.joined_at)
        .select_from(calls)
        .join(call_id.table, call_id == table.call_id)
        .where(and_(table.joined_at >= period.start, table.joined_at < period.end))
    )


def _count(connection: Connection, query: _Query, board: Board, add: Callable[..., None]) -> None:
    for *values, queue, agent, at in stream(connection, query):
        for tally in board.tallies(queue, agent, at):
            add(tally, *values)
