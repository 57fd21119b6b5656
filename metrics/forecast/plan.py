"""The week ahead as one record: calls and seats per half hour, errors, warnings.

    plan_week(read_past(connection, settings.zone, today), ServiceTarget())

Reading blocks (call it in a thread) and streams the calls; planning is a pure function of what
was read.
"""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, func, select

from backbone.store.schema import alerts, calls
from backbone.store.tables.guidance import call_topics
from metrics.complaint_kinds import COMPLAINT_KINDS
from metrics.forecast import arrivals
from metrics.forecast.arrivals import SLOTS, Errors
from metrics.forecast.complaints import ComplaintWarning, HitRate, TopicWeek, hit_rate, warn
from metrics.forecast.erlang import mean_patience_s
from metrics.forecast.staffing import Seats, ServiceTarget, seats_needed
from metrics.history import stream
from metrics.periods import midnight
from metrics.periods import today as local_date

HISTORY_WEEKS = 12
DEFAULT_AHT_S = 180.0
"""Average handle time where nothing has been handled yet."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What a forecast is made from.

    `history` has the calls of each half hour of the whole days from `first` on (shape (days, 48)),
    each call once however often it was transferred back into a queue. `topics` has each topic's
    weeks, the oldest first. `aht_s` and `patience_s` are seconds, None when unknown.
    """

    first: date
    history: arrivals.Days
    aht_s: float | None
    patience_s: float | None
    topics: dict[str, tuple[TopicWeek, ...]]


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One half hour: expected calls, and the seats they need by both models.

    `by_erlang_a` is None when callers' patience is unknown: nobody has hung up waiting.
    """

    time: str
    calls: float
    by_erlang_c: Seats
    by_erlang_a: Seats | None


class PlannedDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day's half hours in order, 48 of them."""

    day: date
    calls: float
    slots: tuple[Slot, ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The seven days after the history.

    `weeks` is how many weeks each half hour is the mean of; `aht_known` is false where nothing
    was handled yet and `aht_s` is an assumption. `errors` is None with less than two weeks.
    """

    weeks: int
    aht_s: float
    aht_known: bool
    patience_s: float | None
    target: ServiceTarget
    days: tuple[PlannedDay, ...]
    errors: Errors | None
    warnings: tuple[ComplaintWarning, ...]
    hit_rate: HitRate


def read_past(
    connection: Connection, zone: ZoneInfo, today: date, weeks: int = HISTORY_WEEKS
) -> Past:
    """Read the whole weeks of calls before a day; fewer when the store has fewer.

    Args:
        connection: of the store.
        zone: the hospital's.
        today: the first day to forecast; not read itself, since it is not over.
        weeks: how many weeks at most.
    """
    start = midnight(today - timedelta(weeks=weeks), zone)
    end = midnight(today, zone)
    table = calls.c
    earliest = connection.scalar(
        select(func.min(table.joined_at)).where(table.joined_at >= start, table.joined_at < end)
    )
    known = 0 if earliest is None else (today - local_date(float(earliest), zone)).days
    first = today - timedelta(weeks=min(weeks, known // arrivals.WEEK))
    start = midnight(first, zone)
    within = (table.joined_at >= start, table.joined_at < end)
    joined = stream(connection, select(table.joined_at).where(*within, table.visit == 1))
    times = (float(at) for (at,) in joined)
    history = arrivals.half_hours(times, first, today - timedelta(days=1), zone)
    handle, handled, waited, hung_up = connection.execute(
        select(
            func.sum(table.talk_s + func.coalesce(table.wrap_up_s, 0.0)).filter(
                table.outcome == "answered"
            ),
            func.count(table.talk_s).filter(table.outcome == "answered"),
            func.sum(table.wait_s).filter(table.outcome.in_(("answered", "abandoned"))),
            func.count().filter(table.outcome == "abandoned"),
        ).where(*within)
    ).one()
    return Past(
        first=first,
        history=history,
        aht_s=float(handle) / handled if handled and handle else None,
        patience_s=mean_patience_s(float(waited or 0.0), int(hung_up)),
        topics=_topic_weeks(connection, zone, first, today),
    )


def plan_week(past: Past, target: ServiceTarget, weeks: int = arrivals.DEFAULT_WEEKS) -> Plan:
    """Forecast the seven days after the history and the seats they need.

    Raises:
        TooLittleHistoryError: less than a whole week was read.
        ValueError: the target cannot be kept with any number of seats.
    """
    expected = arrivals.forecast_week(past.history, weeks)
    last = past.first + timedelta(days=len(past.history) - 1)
    aht_s = past.aht_s or DEFAULT_AHT_S
    days = []
    for day, counts in zip(arrivals.days_after(last), expected, strict=True):
        slots = tuple(
            Slot(
                time=f"{slot // 2:02}:{slot % 2 * 30:02}",
                calls=float(counts[slot]),
                by_erlang_c=seats_needed(float(counts[slot]), aht_s, target),
                by_erlang_a=None
                if past.patience_s is None
                else seats_needed(float(counts[slot]), aht_s, target, past.patience_s),
            )
            for slot in range(SLOTS)
        )
        days.append(PlannedDay(day=day, calls=float(counts.sum()), slots=slots))
    return Plan(
        weeks=min(weeks, len(past.history) // arrivals.WEEK),
        aht_s=aht_s,
        aht_known=past.aht_s is not None,
        patience_s=past.patience_s,
        target=target,
        days=tuple(days),
        errors=arrivals.backtest(past.history, weeks),
        warnings=tuple(warn(past.topics)),
        hit_rate=hit_rate(past.topics),
    )


def _topic_weeks(
    connection: Connection, zone: ZoneInfo, first: date, today: date
) -> dict[str, tuple[TopicWeek, ...]]:
    mondays = [first + timedelta(weeks=week) for week in range((today - first).days // 7)]
    weeks: list[dict[str, TopicWeek]] = []
    complained = (
        select(alerts.c.call_id).where(alerts.c.kind.in_(COMPLAINT_KINDS)).distinct().subquery()
    )
    for monday in mondays:
        start, end = midnight(monday, zone), midnight(monday + timedelta(weeks=1), zone)
        rows = connection.execute(
            select(call_topics.c.topic, func.count(), func.count(complained.c[0]))
            .select_from(call_topics)
            .join(calls, calls.c.call_id == call_topics.c.call_id)
            .outerjoin(complained, complained.c[0] == call_topics.c.call_id)
            .where(calls.c.joined_at >= start, calls.c.joined_at < end)
            .group_by(call_topics.c.topic)
        )
        weeks.append({topic: TopicWeek(count, bad) for topic, count, bad in rows})
    nothing = TopicWeek(0, 0)
    topics = sorted({topic for week in weeks for topic in week})
    return {topic: tuple(week.get(topic, nothing) for week in weeks) for topic in topics}
