from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics_script import record

from metrics import kpi

OUTCOMES = (
    "answered",
    "abandoned",
    "timeout",
    "exit_key",
    "exit_empty",
    "withdrawn",
    "transferred_in_queue",
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (kpi.offered(100, 4), 96),
        (kpi.answer_rate(49, 50), 0.98),
        (kpi.abandonment_rate(6, 2, 40), 0.1),
        (kpi.service_level(40, 50), 0.8),
        (kpi.service_level_of_completed(40, 45), 40 / 45),
        (kpi.service_level_with_abandons(40, 3, 45, 5), 43 / 50),
        (kpi.average_speed_of_answer(120.0, 10), 12.0),
        (kpi.ring_sla(19, 20), 0.95),
        (kpi.average_handle_time(900.0, 10, 100.0), 100.0),
    ],
)
def test_a_formula_gives_what_its_docstring_says(value, expected):
    assert value == pytest.approx(expected)


@pytest.mark.parametrize(
    "value",
    [
        kpi.answer_rate(0, 0),
        kpi.abandonment_rate(0, 0, 0),
        kpi.service_level(0, 0),
        kpi.service_level_of_completed(0, 0),
        kpi.service_level_with_abandons(0, 0, 0, 0),
        kpi.average_speed_of_answer(0.0, 0),
        kpi.ring_sla(0, 0),
        kpi.average_handle_time(0.0, 0),
    ],
)
def test_nothing_happened_is_not_zero(value):
    assert value is None


@pytest.mark.parametrize(
    ("outcome", "wait_s", "threshold", "short"),
    [
        ("abandoned", 4.9, 5.0, True),
        ("abandoned", 5.0, 5.0, False),
        ("abandoned", 0.0, 0.0, False),
        ("abandoned", None, 5.0, False),
        ("timeout", 1.0, 5.0, False),
    ],
)
def test_only_an_abandon_below_the_threshold_is_short(outcome, wait_s, threshold, short):
    assert kpi.is_short_abandon(outcome, wait_s, threshold) is short


def test_a_day_of_calls_is_counted():
    counts = kpi.count(
        [
            record("1", wait_s=15.0, rings=3, talk_s=100.0, hold_s=20.0),
            record("2", wait_s=15.1, rings=4, talk_s=200.0, hold_s=0.0),
            record("3", wait_s=None, rings=None, talk_s=None),
            record("4", outcome="abandoned", wait_s=3.0),
            record("5", outcome="abandoned", wait_s=40.0),
            record("6", outcome="timeout", wait_s=60.0),
            record("7", outcome="exit_key", wait_s=9.0),
        ],
        short_abandon_s=5.0,
    )
    assert counts.offered == 6  # all but the short abandon
    assert (counts.answered, counts.abandoned, counts.short_abandons) == (3, 2, 1)
    assert (counts.wait_known, counts.wait_sum_s) == (2, pytest.approx(30.1))
    assert counts.answered_within == 1  # at most 15 s
    assert counts.abandoned_within == 1
    assert (counts.ring_within, counts.ring_known) == (1, 2)
    assert (counts.handled, counts.talk_sum_s, counts.hold_sum_s) == (2, 300.0, 20.0)
    assert counts.longest_wait_s == 40.0


def test_a_visit_that_comes_twice_counts_once():
    first = record("1", outcome="abandoned", wait_s=3.0)
    assert kpi.count([first, record("1")]) == kpi.count([record("1")])


records = st.builds(
    record,
    st.uuids().map(str),
    outcome=st.sampled_from(OUTCOMES),
    wait_s=st.none() | st.floats(0, 600),
    rings=st.none() | st.integers(1, 20),
    talk_s=st.none() | st.floats(0, 3600),
)


@given(st.lists(records, max_size=40), st.floats(0, 30))
def test_counts_add_up_and_ratios_stay_within_bounds(visits, threshold):
    counts = kpi.count(visits, short_abandon_s=threshold)
    assert counts.joined == sum(counts.outcomes.values()) == len(visits)
    assert counts.short_abandons <= counts.abandoned
    assert counts.answered <= counts.offered <= counts.joined
    ratios = (
        kpi.answer_rate(counts.answered, counts.offered),
        kpi.service_level(counts.answered_within, counts.offered),
        kpi.abandonment_rate(counts.abandoned, counts.short_abandons, counts.offered),
        kpi.service_level_with_abandons(
            counts.answered_within, counts.abandoned_within, counts.answered, counts.abandoned
        ),
        kpi.ring_sla(counts.ring_within, counts.ring_known),
    )
    for ratio in ratios:
        assert ratio is None or 0.0 <= ratio <= 1.0


@given(st.lists(records, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_calls_does_not_matter(visits, random):
    shuffled = list(visits)
    random.shuffle(shuffled)
    before, after = kpi.count(visits), kpi.count(shuffled)
    assert before.outcomes == after.outcomes
    assert math.isclose(before.wait_sum_s, after.wait_sum_s, abs_tol=1e-6)
    assert before.ring_within == after.ring_within
