from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.periods import LocalTimes, is_zone, midnight, period_of, today

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
ZONES = (SHANGHAI, BERLIN, KATHMANDU, ZoneInfo("America/St_Johns"), ZoneInfo("UTC"))


def test_a_day_of_shanghai_begins_at_sixteen_hundred_utc():
    day = period_of("day", date(2026, 11, 22), SHANGHAI)
    assert day.start == datetime(2026, 11, 21, 16, tzinfo=ZoneInfo("UTC")).timestamp()
    assert day.end - day.start == 86_400
    assert day.label == "2026-11-22"
    assert day.contains(day.start)
    assert not day.contains(day.end)


@pytest.mark.parametrize(
    ("on", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24)]
)
def test_a_day_is_as_long_as_the_clocks_make_it(on, hours):
    day = period_of("day", on, BERLIN)
    assert day.end - day.start == hours * 3600


def test_the_hour_that_clocks_repeat_is_two_hours():
    times = LocalTimes(BERLIN)
    repeated = midnight(date(2026, 10, 25), BERLIN) + 2 * 3600
    first, second = times.labels(repeated), times.labels(repeated + 3600)
    assert (first.hour, second.hour) == ("2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00")
    assert first.hour_of_day == second.hour_of_day == "02"


@pytest.mark.parametrize(
    ("kind", "on", "first", "last", "label"),
    [
        ("week", date(2026, 11, 22), date(2026, 11, 16), date(2026, 11, 22), "2026-W47"),
        ("week", date(2027, 1, 2), date(2026, 12, 28), date(2027, 1, 3), "2026-W53"),
        ("month", date(2026, 12, 5), date(2026, 12, 1), date(2026, 12, 31), "2026-12"),
        ("month", date(2028, 2, 10), date(2028, 2, 1), date(2028, 2, 29), "2028-02"),
    ],
)
def test_weeks_and_months_have_their_bounds(kind, on, first, last, label):
    period = period_of(kind, on, SHANGHAI)
    assert (period.first, period.last, period.label) == (first, last, label)


@given(
    st.sampled_from(("day", "week", "month")),
    st.dates(date(2000, 1, 1), date(2090, 1, 1)),
    st.sampled_from(ZONES),
)
def test_periods_follow_each_other_without_gap_or_overlap(kind, on, zone):
    period = period_of(kind, on, zone)
    assert period.previous().end == period.start
    assert period.next().start == period.end
    assert period.first <= on <= period.last


@given(st.floats(1_000_000_000, 3_000_000_000), st.sampled_from(ZONES))
def test_a_time_is_named_as_its_local_clock_says(at, zone):
    local = datetime.fromtimestamp(at, zone)
    labels = LocalTimes(zone).labels(at)
    assert labels.day == today(at, zone).isoformat() == local.date().isoformat()
    assert int(labels.hour_of_day) == local.hour
    assert period_of("week", local.date(), zone).label == labels.week
    assert period_of("month", local.date(), zone).label == labels.month
    assert datetime.fromisoformat(labels.hour).timestamp() <= at
    assert at - datetime.fromisoformat(labels.hour).timestamp() < 3600


def test_a_zone_is_known_or_not():
    assert is_zone("Asia/Shanghai")
    assert not is_zone("Asia/Nowhere")
    assert not is_zone("../etc/passwd")
    assert not is_zone("")
