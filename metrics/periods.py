"""Days, weeks and months of a site's own time zone, and the labels of the times within them.

A day runs from one local midnight to the next, so it has 23 or 25 hours when clocks change; a
week begins on Monday (ISO 8601). A visit belongs to the time at which it joined, a ring, an alert
and a rating to their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PeriodKind = Literal["day", "week", "month"]

QUARTER_S = 900.0
"""No time zone's midnight, hour or change of clocks falls within a quarter of an hour."""

_DECEMBER = 12


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of local days: from `start` to before `end`, in epoch seconds.

    `label` is 2026-11-22, 2026-W47 or 2026-11.
    """

    kind: PeriodKind
    first: date
    last: date
    start: float
    end: float
    zone: ZoneInfo
    label: str

    def previous(self) -> Period:
        """The period of the same kind before this one."""
        return period_of(self.kind, self.first - timedelta(days=1), self.zone)

    def next(self) -> Period:
        """The period of the same kind after this one."""
        return period_of(self.kind, self.last + timedelta(days=1), self.zone)

    def contains(self, at: float) -> bool:
        """Whether a time, in epoch seconds, lies in it."""
        return self.start <= at < self.end


def period_of(kind: PeriodKind, on: date, zone: ZoneInfo) -> Period:
    """The day, ISO week or month that contains a date."""
    if kind == "day":
        first, after, label = on, on + timedelta(days=1), on.isoformat()
    elif kind == "week":
        first = on - timedelta(days=on.weekday())
        year, week, _ = on.isocalendar()
        after, label = first + timedelta(days=7), f"{year}-W{week:02}"
    else:
        first = on.replace(day=1)
        after = date(on.year + 1, 1, 1) if on.month == _DECEMBER else date(on.year, on.month + 1, 1)
        label = f"{on.year}-{on.month:02}"
    return Period(
        kind=kind,
        first=first,
        last=after - timedelta(days=1),
        start=midnight(first, zone),
        end=midnight(after, zone),
        zone=zone,
        label=label,
    )


def midnight(day: date, zone: ZoneInfo) -> float:
    """When a local day begins, in epoch seconds."""
    return datetime.combine(day, time(), zone).timestamp()


def today(at: float, zone: ZoneInfo) -> date:
    """The local date of a time, in epoch seconds."""
    return datetime.fromtimestamp(at, zone).date()


def is_zone(name: str) -> bool:
    """Whether a name is one of the IANA time zone database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


class TimeLabels(NamedTuple):
    """What a time is called: `hour` is its local hour with the offset, `hour_of_day` 00 to 23."""

    hour: str
    hour_of_day: str
    weekday: str
    day: str
    week: str
    month: str


class LocalTimes:
    """Names times. Remembers quarters of an hour, of which a month has 3,000."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._known: dict[int, TimeLabels] = {}

    def labels(self, at: float) -> TimeLabels:
        """The names of a time, in epoch seconds."""
        quarter = int(at // QUARTER_S)
        labels = self._known.get(quarter)
        if labels is None:
            labels = self._known[quarter] = self._make(quarter * QUARTER_S)
        return labels

    def _make(self, at: float) -> TimeLabels:
        local = datetime.fromtimestamp(at, self._zone)
        year, week, weekday = local.isocalendar()
        return TimeLabels(
            hour=local.replace(minute=0, second=0).isoformat(timespec="minutes"),
            hour_of_day=f"{local.hour:02}",
            weekday=str(weekday),
            day=local.date().isoformat(),
            week=f"{year}-W{week:02}",
            month=f"{local.year}-{local.month:02}",
        )
