"""Forecasts: seats by Erlang, calls by half hour, warnings of complaints."""

from __future__ import annotations

import math
import random
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.forecast.arrivals import (
    SLOTS,
    TooLittleHistoryError,
    backtest,
    days_after,
    forecast_week,
    half_hours,
)
from metrics.forecast.complaints import HitRate, TopicWeek, hit_rate, warn
from metrics.forecast.erlang import ErlangA, ErlangC, erlang_b, mean_patience_s
from metrics.forecast.staffing import ServiceTarget, seats_needed

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("load", "seats", "lost"),
    [(0.0, 3, 0.0), (1.0, 1, 0.5), (2.0, 2, 0.4), (10.0, 10, 0.2146), (20.0, 30, 0.0085)],
)
def test_erlang_b_is_what_the_tables_say(load, seats, lost):
    assert erlang_b(load, seats) == pytest.approx(lost, abs=5e-5)


def test_erlang_c_is_what_the_textbook_example_says():
    # 100 calls in half an hour, three minutes each, 14 seats.
    model = ErlangC(100 / 1800, 180, 14)
    assert model.load == pytest.approx(10)
    assert model.waiting == pytest.approx(0.174, abs=5e-4)
    assert model.service_level(20) == pytest.approx(0.888, abs=5e-4)
    assert model.average_wait_s == pytest.approx(7.8, abs=0.05)
    assert model.occupancy == pytest.approx(10 / 14)


def test_without_enough_seats_the_queue_of_erlang_c_grows_for_ever():
    model = ErlangC(10 / 180, 180, 10)
    assert (model.waiting, model.service_level(1e6)) == (1.0, 0.0)
    assert math.isinf(model.average_wait_s)


@given(load=st.floats(0.05, 60), seats=st.integers(1, 70), patience=st.floats(20, 2000))
@settings(max_examples=60, deadline=None)
def test_in_erlang_a_every_caller_is_answered_or_hangs_up(load, seats, patience):
    model = ErlangA(load / 200, 200, seats, patience)
    assert model.service_level(1e7) + model.abandoned == pytest.approx(1, abs=1e-6)
    assert model.service_level(0) == pytest.approx(1 - model.waiting, abs=1e-9)
    assert 0 <= model.abandoned <= 1
    assert 0 <= model.occupancy <= 1 + 1e-9
    more = ErlangA(load / 200, 200, seats + 1, patience)
    assert more.abandoned <= model.abandoned + 1e-9
    assert more.service_level(15) >= model.service_level(15) - 1e-9


@given(load=st.floats(0.5, 20), spare=st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_erlang_a_with_endless_patience_is_erlang_c(load, spare):
    seats = math.ceil(load) + spare
    patient = ErlangA(load / 180, 180, seats, 1e9)
    endless = ErlangC(load / 180, 180, seats)
    assert patient.waiting == pytest.approx(endless.waiting, abs=1e-4)
    assert patient.service_level(15) == pytest.approx(endless.service_level(15), abs=1e-4)
    assert patient.average_wait_s == pytest.approx(endless.average_wait_s, rel=1e-2, abs=1e-3)


def test_erlang_a_agrees_with_a_simulated_queue():
    rate, aht_s, seats, patience_s = 1 / 12, 150.0, 12, 90.0
    model = ErlangA(rate, aht_s, seats, patience_s)
    draw = random.Random(7)
    free_at = [0.0] * seats
    at, calls, hung_up, within = 0.0, 60_000, 0, 0
    for _ in range(calls):
        at += draw.expovariate(rate)
        seat = min(range(seats), key=free_at.__getitem__)
        wait = max(0.0, free_at[seat] - at)
        if wait > draw.expovariate(1 / patience_s):
            hung_up += 1
            continue
        within += wait <= 15
        free_at[seat] = at + wait + draw.expovariate(1 / aht_s)
    assert hung_up / calls == pytest.approx(model.abandoned, abs=0.01)
    assert within / calls == pytest.approx(model.service_level(15), abs=0.01)


def test_nobody_calls():
    model = ErlangA(0.0, 180, 3, 60)
    assert (model.waiting, model.abandoned, model.average_wait_s) == (0, 0, 0)
    assert model.service_level(15) == 1
    assert seats_needed(0, 180, ServiceTarget(), 60).seats == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((-1, 180, 3), "rate"),
        ((1, 0, 3), "handle"),
        ((1, 180, 0), "seats"),
        ((1, 180, 9e9), "seat"),
    ],
)
def test_impossible_queues_are_refused(arguments, word):
    with pytest.raises(ValueError, match=word):
        ErlangC(*arguments)
    with pytest.raises(ValueError, match=word):
        ErlangA(*arguments, 60)


def test_patience_must_be_some():
    with pytest.raises(ValueError, match="patience"):
        ErlangA(1, 180, 3, 0)
    assert mean_patience_s(600.0, 5) == 120
    assert mean_patience_s(600.0, 0) is None


@given(calls=st.floats(0, 200), aht=st.floats(30, 400), patience=st.none() | st.floats(30, 600))
@settings(max_examples=40, deadline=None)
def test_seats_keep_the_target_and_one_less_does_not(calls, aht, patience):
    target = ServiceTarget()
    chosen = seats_needed(calls, aht, target, patience)
    assert chosen.service_level >= target.service_level
    assert chosen.average_wait_s <= target.average_wait_s
    assert (chosen.abandoned is None) == (patience is None)
    assert chosen.rostered >= chosen.seats / 0.7 - 1e-9
    if chosen.seats > 1:
        fewer = chosen.seats - 1
        rate = calls / 1800
        if patience is None:
            model = ErlangC(rate, aht, fewer)
            gone = 0.0
        else:
            model = ErlangA(rate, aht, fewer, patience)
            gone = model.abandoned
        assert (
            model.service_level(15) < target.service_level
            or model.average_wait_s > target.average_wait_s
            or gone > target.abandoned
        )


def _at(day, hour, minute):
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI).timestamp()


def test_calls_are_counted_in_the_hospitals_own_half_hours():
    times = [
        _at(2, 0, 0),
        _at(2, 9, 29),
        _at(2, 9, 30),
        _at(3, 23, 59),
        _at(1, 23, 59),
        _at(4, 0, 0),
    ]
    counted = half_hours(times, date(2026, 11, 2), date(2026, 11, 3), SHANGHAI)
    assert counted.shape == (2, SLOTS)
    assert np.argwhere(counted).tolist() == [[0, 0], [0, 18], [0, 19], [1, 47]]


def test_the_day_of_two_two_oclocks_has_both():
    new_york = ZoneInfo("America/New_York")
    first = datetime(2026, 11, 1, 1, 15, tzinfo=new_york, fold=0).timestamp()
    again = datetime(2026, 11, 1, 1, 15, tzinfo=new_york, fold=1).timestamp()
    counted = half_hours([first, again], date(2026, 11, 1), date(2026, 11, 1), new_york)
    assert again - first == 3600
    assert counted[0, 2] == counted.sum() == 2


def test_a_forecast_is_the_mean_of_the_same_half_hours():
    history = np.zeros((21, SLOTS))
    history[6, 20], history[13, 20], history[20, 20] = 30, 6, 12
    assert forecast_week(history, weeks=2)[6, 20] == 9
    assert forecast_week(history, weeks=9)[6, 20] == 16
    assert forecast_week(history).shape == (7, SLOTS)
    assert days_after(date(2026, 11, 30), 2) == [date(2026, 12, 1), date(2026, 12, 2)]


def test_less_than_a_week_gives_no_forecast():
    with pytest.raises(TooLittleHistoryError, match="6 days"):
        forecast_week(np.ones((6, SLOTS)))
    assert backtest(np.ones((13, SLOTS))) is None
    assert backtest(np.zeros((28, SLOTS))) is None


def test_the_error_is_measured_on_weeks_the_forecast_had_not_seen():
    steady = np.tile(np.arange(SLOTS, dtype=float), (35, 1))
    exact = backtest(steady)
    assert exact is not None
    assert (exact.weeks, exact.wape, exact.bias) == (4, 0, 0)
    steady[-7:] *= 2  # the last week alone is twice as busy, which nobody could know
    missed = backtest(steady, folds=1)
    assert missed is not None
    assert missed.wape == pytest.approx(0.5)
    assert missed.bias == pytest.approx(-0.5)


def test_averaging_weeks_beats_repeating_the_last_one_on_chance_alone():
    draw = np.random.default_rng(3)
    profile = np.tile(np.linspace(1, 20, SLOTS), (56, 1))
    errors = backtest(draw.poisson(profile).astype(float))
    assert errors is not None
    assert errors.wape < errors.wape_of_last_week


QUIET = [TopicWeek(100, 2)] * 6


def test_a_topic_with_more_complaints_than_chance_explains_is_named():
    topics = {
        "charges": [*QUIET, TopicWeek(100, 9)],
        "usual": [*QUIET, TopicWeek(100, 3)],
        "busier": [*QUIET, TopicWeek(500, 12)],
        "few": [TopicWeek(100, 0)] * 6 + [TopicWeek(100, 2)],
        "new": [TopicWeek(50, 9)],
        "worst": [*QUIET, TopicWeek(100, 20)],
    }
    found = warn(topics)
    assert [warning.topic for warning in found] == ["worst", "charges"]
    assert found[1].expected == pytest.approx(2)
    assert found[1].chance < 0.001


def test_past_warnings_are_held_against_the_week_after():
    lasting = [*QUIET, TopicWeek(100, 9), TopicWeek(100, 8)]
    passing = [*QUIET, TopicWeek(100, 9), TopicWeek(100, 1)]
    rates = hit_rate({"lasting": lasting, "passing": passing})
    assert (rates.warnings, rates.hits) == (2, 1)
    assert rates.rate == 0.5
    assert hit_rate({"quiet": QUIET}) == HitRate(warnings=0, hits=0, weeks=4, above=0)
    assert hit_rate({}).rate is None
    assert hit_rate({}).base_rate is None
