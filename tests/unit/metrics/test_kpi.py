from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import kpi
from metrics.figures import RATIOS_OF_OFFERED, Kpis, figures
from metrics.tally import Conventions, Tally, Visit
from metrics.targets import TARGETS

OUTCOMES = (
    "answered",
    "abandoned",
    "timeout",
    "exit_key",
    "exit_empty",
    "withdrawn",
    "transferred_in_queue",
)


def visit(call_id="1", outcome="answered", **more):
    values = {
        "queue": "support",
        "agent": "PJSIP/1001" if outcome == "answered" else "",
        "caller": "13800138000",
        "channel": call_id,
        "first": True,
        "at": 1000.0,
        "wait_s": 8.0,
        "rings": 2 if outcome == "answered" else None,
        "talk_s": 92.0 if outcome == "answered" else None,
        "hold_s": 0.0,
        "wrap_up_s": None,
        "transferred": False,
    }
    return Visit(call_id=call_id, outcome=outcome, **(values | more))


def tally_of(visits, conventions=None):
    tally = Tally()
    for each in visits:
        tally.add_visit(each, conventions or Conventions())
    return tally


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (kpi.offered(100, 4), 96),
        (kpi.answer_rate(49, 50), 0.98),
        (kpi.answer_rate_with_refused(49, 50, 20), 0.7),
        (kpi.ring_answer_rate(9, 1), 0.9),
        (kpi.abandonment_rate(6, 2, 40), 0.1),
        (kpi.service_level(40, 50), 0.8),
        (kpi.service_level_of_completed(40, 45), 40 / 45),
        (kpi.service_level_with_abandons(40, 3, 45, 5), 43 / 50),
        (kpi.average_speed_of_answer(120.0, 10), 12.0),
        (kpi.ring_sla(19, 20), 0.95),
        (kpi.average_talk_time(900.0, 10), 90.0),
        (kpi.average_hold(50.0, 10), 5.0),
        (kpi.average_wrap_up(45.0, 3), 15.0),
        (kpi.average_handle_time(900.0, 10, 100.0), 100.0),
        (kpi.occupancy(60.0, 20.0, 20.0, 25.0), 0.8),
        (kpi.transfer_rate(3, 60), 0.05),
        (kpi.callback_rate(9, 10), 0.9),
        (kpi.repeat_rate(5, 50), 0.1),
        (kpi.first_contact_resolution(1, 10), 0.9),
        (kpi.first_contact_by_disposition(19, 20), 0.95),
        (kpi.satisfaction(95, 100), 0.95),
        (kpi.mean_rating(23.0, 5), 4.6),
        (kpi.rating_share(30, 120), 0.25),
        (kpi.per_hundred(3, 60), 5.0),
        (kpi.script_compliance(19, 20), 0.95),
        (kpi.mean_acknowledge_time(60.0, 4), 15.0),
        (kpi.heard_share(99, 100), 0.99),
        (kpi.unintelligible_share(2, 100), 0.02),
        (kpi.mean_confidence(45.0, 50), 0.9),
    ],
)
def test_a_formula_gives_what_its_docstring_says(value, expected):
    assert value == pytest.approx(expected)


def test_nothing_happened_is_not_zero():
    nothing = figures(Tally())
    counts = {
        name
        for name in Kpis.__struct_fields__
        if getattr(nothing, name) is not None and getattr(nothing, name) == 0
    }
    ratios = set(Kpis.__struct_fields__) - counts
    assert {getattr(nothing, name) for name in ratios} == {None}
    assert "longest_wait_s" in counts
    assert {"answer_rate", "occupancy", "satisfaction", "mean_confidence"} <= ratios


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
    tally = tally_of(
        [
            visit("1", wait_s=15.0, rings=3, talk_s=100.0, hold_s=20.0, wrap_up_s=30.0),
            visit("2", wait_s=15.1, rings=4, talk_s=200.0, transferred=True),
            visit("3", wait_s=None, rings=None, talk_s=None),
            visit("4", "abandoned", wait_s=3.0),
            visit("5", "abandoned", wait_s=40.0),
            visit("6", "timeout", wait_s=60.0),
            visit("7", "exit_key", wait_s=9.0, first=False),
        ],
        Conventions(short_abandon_s=5.0),
    )
    found = figures(tally)
    assert (found.joined, found.calls) == (7, 6)
    assert found.offered == 6  # all but the short abandon
    assert (found.answered, found.abandoned, found.short_abandons) == (3, 2, 1)
    assert (found.timeouts, found.key_exits) == (1, 1)
    assert found.answer_rate == 0.5
    assert found.average_speed_of_answer_s == pytest.approx(15.05)
    assert found.service_level == pytest.approx(1 / 6)  # at most 15 s
    assert found.service_level_of_completed == pytest.approx(1 / 3)
    assert found.service_level_with_abandons == pytest.approx(2 / 5)
    assert found.ring_sla == 0.5
    assert (found.average_talk_time_s, found.average_hold_s) == (150.0, 10.0)
    assert (found.average_wrap_up_s, found.average_handle_time_s) == (30.0, 165.0)
    assert found.longest_wait_s == 40.0
    assert found.transfer_rate == pytest.approx(1 / 3)


def test_what_was_added_up_becomes_kpis():
    tally = tally_of([visit(str(n)) for n in range(10)])
    tally.add({"talk_state_s": 50.0, "hold_state_s": 10.0, "wrap_state_s": 20.0, "idle_s": 20.0})
    tally.add({"paused_s": 1000.0})
    tally.add({"rated": 4, "satisfied": 2, "rating_sum": 13, "likes": 1})
    tally.add({"alerts": 2, "red_lines": 1, "acknowledged": 1, "acknowledge_sum_s": 20.0})
    tally.add({"script_required": 10, "script_done": 9, "coded": 2, "resolved": 1})
    tally.add({"legs_closed": 2, "legs_complete": 1})
    tally.add({"segments": 10, "unintelligible": 2, "confidence_sum": 7.2})
    found = figures(tally)
    assert found.occupancy == pytest.approx(0.8)
    assert (found.satisfaction, found.mean_rating, found.likes) == (0.5, 3.25, 1)
    assert found.rating_share == 0.5
    assert (found.alerts_per_100, found.red_lines, found.red_lines_per_100) == (20.0, 1, 10.0)
    assert (found.acknowledged, found.mean_acknowledge_time_s) == (1, 20.0)
    assert found.script_compliance == 0.9
    assert (found.heard_share, found.unintelligible_share) == (0.5, 0.2)
    assert found.mean_confidence == pytest.approx(0.9)
    assert found.first_contact_by_disposition == 0.5


@given(st.lists(st.integers(0, 60), max_size=20), st.integers(0, 20))
def test_tallies_of_parts_add_up_to_the_whole(waits, cut):
    visits = [visit(str(n), wait_s=float(wait)) for n, wait in enumerate(waits)]
    parts = tally_of(visits[:cut])
    parts.merge(tally_of(visits[cut:]))
    assert parts == tally_of(visits)


def test_an_agent_has_no_rate_of_callers_nobody_answered():
    row = figures(tally_of([visit()]), of_agent=True)
    assert {getattr(row, name) for name in RATIOS_OF_OFFERED} == {None}
    assert row.average_talk_time_s == 92.0


def test_every_target_is_one_of_a_kpi_and_judges_it():
    assert set(TARGETS) <= set(Kpis.__struct_fields__)
    assert TARGETS["answer_rate"].met(0.98) is True
    assert TARGETS["answer_rate"].met(0.979) is False
    assert TARGETS["red_lines"].met(0) is True
    assert TARGETS["red_lines"].met(1) is False
    assert TARGETS["satisfaction"].met(None) is None


visits_drawn = st.lists(
    st.builds(
        visit,
        st.uuids().map(str),
        st.sampled_from(OUTCOMES),
        wait_s=st.none() | st.floats(0, 600),
        rings=st.none() | st.integers(1, 20),
        talk_s=st.none() | st.floats(0, 3600),
    ),
    max_size=40,
)


@given(visits_drawn, st.floats(0, 30))
def test_counts_add_up_and_ratios_stay_within_bounds(visits, threshold):
    found = figures(tally_of(visits, Conventions(short_abandon_s=threshold)))
    assert found.joined == len(visits)
    assert found.short_abandons <= found.abandoned
    assert found.answered <= found.offered <= found.joined
    for ratio in (*(getattr(found, name) for name in RATIOS_OF_OFFERED), found.ring_sla):
        assert ratio is None or 0.0 <= ratio <= 1.0


@given(visits_drawn, st.randoms(use_true_random=False))
def test_the_order_of_calls_does_not_matter(visits, random):
    shuffled = list(visits)
    random.shuffle(shuffled)
    before, after = tally_of(visits), tally_of(shuffled)
    assert before.outcomes == after.outcomes
    assert math.isclose(before.wait_sum_s, after.wait_sum_s, abs_tol=1e-6)
    assert before.ring_within == after.ring_within
