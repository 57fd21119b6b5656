from __future__ import annotations

import math
import subprocess

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics_script import (
    AGENT_NAME,
    CALLER,
    CALLER_NAME,
    SPOKEN,
    acknowledged,
    agent_state,
    alert,
    asr_health,
    connected,
    ended,
    final,
    joined,
    leg_closed,
    leg_opened,
    pbx_health,
    queue_state,
    rang,
    refused,
    round_of_calls,
    rules,
    step,
    tap_health,
)
from prometheus_client import CollectorRegistry, generate_latest

from backbone.clock import ManualClock
from backbone.counters import Counters
from metrics.first_contact import FirstContact, Resolution
from metrics.projection import MetricsProjection
from metrics.settings import MetricsSettings
from metrics.store import OpenAlert, OpenCall
from qa_engine.events import AlertShown
from telephony.events import CallHeld


class Board:
    """A projection with its registry, read by sample name and labels."""

    def __init__(self, alert_kinds=(), depths=None, **settings):
        self.registry = CollectorRegistry()
        self.clock = ManualClock(1020.0)
        self.counters = Counters()
        self.projection = MetricsProjection(
            MetricsSettings(**settings),
            self.counters,
            lambda: depths or {},
            self.clock,
            self.registry,
            alert_kinds=alert_kinds,
        )

    def feed(self, *events):
        for event in events:
            self.projection.apply(event)
        return self

    def value(self, name, **labels):
        return self.registry.get_sample_value(f"tingzhen_{name}", labels)

    def text(self):
        return generate_latest(self.registry).decode()


@pytest.fixture
def board():
    return Board()


def q(board, name, queue="support", **labels):
    return board.value(name, queue=queue, **labels)


def test_an_answered_call_is_counted_from_join_to_end(board):
    board.feed(joined("1"))
    assert q(board, "calls_joined_total") == 1
    assert q(board, "calls_offered_total") == 0  # not decided yet
    assert (q(board, "calls_waiting"), q(board, "calls_in_progress")) == (1, 1)
    assert q(board, "calls_longest_wait_seconds") == 20.0

    board.feed(rang("1"), connected("1"))
    assert q(board, "calls_offered_total") == q(board, "calls_answered_total") == 1
    assert q(board, "ring_attempts_total", result="answered") == 1
    assert q(board, "calls_answered_in_ring_limit_total") == 1
    assert (q(board, "calls_waiting"), q(board, "calls_in_progress")) == (0, 1)
    assert q(board, "calls_longest_wait_seconds") == 0.0
    assert q(board, "call_wait_seconds_sum", outcome="answered") == 8.0
    assert q(board, "call_ring_seconds_sum") == 6.0

    board.feed(ended("1"))
    assert q(board, "calls_ended_total", outcome="answered") == 1
    assert q(board, "calls_offered_total") == q(board, "calls_answered_total") == 1
    assert q(board, "call_wait_seconds_count", outcome="answered") == 1
    assert q(board, "call_talk_seconds_sum") == 92.0
    assert q(board, "calls_in_progress") == 0


@pytest.mark.parametrize(
    "outcome",
    ["abandoned", "timeout", "exit_key", "exit_empty", "withdrawn", "transferred_in_queue"],
)
def test_a_call_that_left_unanswered_is_offered_and_counted_by_outcome(board, outcome):
    board.feed(joined("1"), ended("1", outcome=outcome, wait_s=20.0))
    assert q(board, "calls_offered_total") == 1
    assert q(board, "calls_answered_total") == 0
    assert q(board, "calls_ended_total", outcome=outcome) == 1
    assert q(board, "call_wait_seconds_sum", outcome=outcome) == 20.0
    assert q(board, "call_talk_seconds_count") == 0
    assert q(board, "calls_in_progress") == 0


def test_a_short_abandon_is_not_offered():
    board = Board(short_abandon_s=5.0)
    board.feed(joined("1"), ended("1", outcome="abandoned", wait_s=4.9))
    board.feed(joined("2"), ended("2", outcome="abandoned", wait_s=5.0))
    assert q(board, "calls_joined_total") == 2
    assert q(board, "calls_offered_total") == q(board, "calls_short_abandoned_total") == 1
    assert q(board, "calls_ended_total", outcome="abandoned") == 2


@pytest.mark.parametrize(("rings", "within"), [(1, 1), (3, 1), (4, 0), (None, 0)])
def test_three_rings_are_within_the_limit(board, rings, within):
    board.feed(joined("1"), connected("1", rings=rings))
    assert q(board, "calls_answered_in_ring_limit_total") == within


def test_unknown_durations_are_counted_as_calls_but_not_measured(board):
    board.feed(joined("1"), connected("1", wait_s=None, ring_s=None, rings=None))
    board.feed(ended("1", wait_s=None, ring_s=None, talk_s=None))
    assert q(board, "calls_answered_total") == 1
    assert q(board, "call_wait_seconds_count", outcome="answered") == 0
    assert q(board, "call_ring_seconds_count") == q(board, "call_talk_seconds_count") == 0


@pytest.mark.parametrize("metric", ["call_wait_seconds", "call_ring_seconds"])
def test_wait_and_ring_have_exactly_the_service_level_edges(board, metric):
    board.feed(joined("1"), connected("1"))
    edges = {
        sample.labels["le"]
        for family in board.registry.collect()
        for sample in family.samples
        if sample.name == f"tingzhen_{metric}_bucket"
    }
    expected = ["5.0", "10.0", "15.0", "20.0", "30.0", "60.0", "120.0", "300.0", "+Inf"]
    assert sorted(edges, key=float) == expected


@pytest.mark.parametrize(("wait_s", "within"), [(14.99, 1), (15.0, 1), (15.01, 0)])
def test_a_service_level_is_an_exact_bucket(board, wait_s, within):
    board.feed(joined("1"), connected("1", wait_s=wait_s))
    bucket = q(board, "call_wait_seconds_bucket", outcome="answered", le="15.0")
    assert bucket == within


def test_a_call_is_counted_once_however_often_its_events_come(board):
    events = [joined("1"), connected("1"), ended("1")]
    board.feed(*events, *events, joined("1", resumed=True), connected("1", resumed=True))
    for name in ("calls_joined_total", "calls_offered_total", "calls_answered_total"):
        assert q(board, name) == 1
    assert q(board, "calls_ended_total", outcome="answered") == 1
    assert q(board, "call_talk_seconds_count") == 1
    assert q(board, "calls_in_progress") == 0


def test_a_call_that_was_missed_until_its_record_counts_whole(board):
    board.feed(ended("1"))
    assert q(board, "calls_joined_total") == q(board, "calls_offered_total") == 1
    assert q(board, "calls_answered_total") == 1
    assert q(board, "calls_ended_total", outcome="answered") == 1


def test_after_a_restart_gauges_are_right_and_nothing_is_counted_again(board):
    board.projection.restore(
        [OpenCall("w", "support", 1000.0, None), OpenCall("t", "support", 900.0, 910.0)],
        [OpenAlert("a1", "high", 1000.0)],
    )
    assert (q(board, "calls_waiting"), q(board, "calls_in_progress")) == (1, 2)
    assert q(board, "calls_longest_wait_seconds") == 20.0
    assert board.value("alerts_open", severity="high") == 1

    board.feed(joined("w", resumed=True), joined("t", resumed=True), connected("t", resumed=True))
    board.feed(alert("a1", at=1000.0), leg_opened("t", "agent"), leg_opened("t", "customer"))
    assert q(board, "calls_joined_total") == q(board, "calls_answered_total") == 0
    assert board.value("alerts_total", kind="taboo_phrase", severity="high") is None
    assert board.value("calls_tapped_total") == 0  # its answer is not in this process' count

    board.feed(connected("w"), ended("w"), ended("t"), acknowledged("a1", at=1012.0))
    assert q(board, "calls_answered_total") == 1
    assert q(board, "calls_ended_total", outcome="answered") == 2
    assert q(board, "calls_in_progress") == 0
    assert board.value("alerts_open", severity="high") == 0
    assert board.value("alert_acknowledge_seconds_sum", severity="high") == 12.0


def test_queues_beyond_the_bound_share_one_label():
    board = Board(max_queues=2, queues=["known"])
    board.feed(*(joined(str(n), queue=f"q{n}") for n in range(5)))
    assert q(board, "calls_joined_total", "known") == 0
    assert q(board, "calls_joined_total", "q0") == 1
    assert q(board, "calls_joined_total", "other") == 4
    assert q(board, "calls_waiting", "other") == 4
    assert q(board, "calls_joined_total", "q1") is None


def test_a_queue_has_its_series_at_zero_before_its_first_answer(board):
    board.feed(joined("1"))
    assert q(board, "calls_answered_total") == 0
    assert q(board, "calls_ended_total", outcome="abandoned") == 0
    assert q(board, "call_wait_seconds_count", outcome="answered") == 0


def test_incomplete_records_are_counted_by_each_reason(board):
    board.feed(ended("1", complete=False, incomplete_reason="ami_gap,joined_before_connect"))
    board.feed(ended("2", complete=False, incomplete_reason=f"caller {CALLER} gone"))
    assert board.value("calls_incomplete_total", reason="ami_gap") == 1
    assert board.value("calls_incomplete_total", reason="joined_before_connect") == 1
    assert board.value("calls_incomplete_total", reason="other") == 1


def test_legs_are_shown_while_open_and_counted_when_they_lack_audio(board):
    board.feed(joined("1"), connected("1"), leg_opened("1", "agent"))
    assert board.value("legs_open", role="agent") == 1
    assert board.value("calls_tapped_total") == 0  # one side is not enough
    board.feed(leg_opened("1", "customer"))
    assert board.value("calls_tapped_total") == 1
    board.feed(leg_closed("1", "agent"), leg_opened("1", "agent", leg="again"))
    assert board.value("calls_tapped_total") == 1
    assert board.value("legs_opened_total", role="agent") == 2
    board.feed(leg_closed("1", "customer", complete=False, reason="media_server_stopped"))
    labels = {"role": "customer", "reason": "media_server_stopped"}
    assert board.value("legs_incomplete_total", **labels) == 1
    assert board.value("legs_open", role="customer") == 0
    assert board.value("legs_open", role="agent") == 1


def test_final_transcripts_are_timed(board):
    board.feed(final("1", lag_s=0.8), final("2", lag_s=1.2, unintelligible=True))
    assert board.value("transcript_final_lag_seconds_count", role="customer") == 2
    assert board.value("transcript_final_lag_seconds_bucket", role="customer", le="1.0") == 1
    assert board.value("transcripts_unintelligible_total", role="customer") == 1


def test_alerts_are_counted_open_until_acknowledged_and_the_time_taken():
    board = Board(alert_kinds=[("red_line", "critical")])
    assert board.value("alerts_total", kind="red_line", severity="critical") == 0
    board.feed(alert("1", at=1000.0), alert("1", at=1000.0), alert("2", severity="low"))
    assert board.value("alerts_total", kind="taboo_phrase", severity="high") == 1
    assert board.value("alerts_open", severity="high") == 1
    board.feed(acknowledged("1", at=1012.0), acknowledged("1", at=1099.0), acknowledged("never"))
    assert board.value("alerts_open", severity="high") == 0
    assert board.value("alerts_open", severity="low") == 1
    assert board.value("alert_acknowledge_seconds_sum", severity="high") == 12.0
    board.feed(alert("1", at=1000.0))  # delivered again after it was acknowledged
    assert board.value("alerts_total", kind="taboo_phrase", severity="high") == 1


def test_compliance_steps_are_counted_by_state(board):
    board.feed(step(state="pending"), step(state="done"), step("closing", "missing"))
    assert board.value("compliance_steps_total", step="greeting", state="done") == 1
    assert board.value("compliance_steps_total", step="closing", state="missing") == 1


def test_a_refused_rule_pack_shows_while_the_old_rules_stay(board):
    board.feed(rules(number=40), rules(error="line 3", number=0))
    assert board.value("rules_in_force", pack="hospital") == 40
    assert board.value("rules_refused", pack="hospital") == 1
    board.feed(rules(number=41))
    assert board.value("rules_refused", pack="hospital") == 0


def test_the_recognisers_report_is_shown(board):
    board.feed(asr_health(1), asr_health(2, lag_s=1.5))
    expected = {
        "ready": 1,
        "legs": 2,
        "lag_seconds": 1.5,
        "queue_depth": 3,
        "real_time_factor": 0.2,
        "segments_total": 20,
        "partials_total": 80,
        "partials_skipped_total": 8,
        "redecodes_total": 4,
        "late_total": 2,
        "ahead_total": 12,
        "ahead_wasted_total": 4,
        "workers_replaced_total": 2,
        "audio_seconds_total": 100.0,
        "decode_seconds_total": 20.0,
    }
    shown = {name: board.value(f"asr_{name}", node="node-1") for name in expected}
    assert shown == expected


def test_the_pbx_connection_is_shown(board):
    board.feed(pbx_health(last_event_at=None))
    assert board.value("ami_last_event_timestamp_seconds", system="pbx") is None
    board.feed(pbx_health(last_event_at=1019.0), tap_health(up=False, lost_s=2.5))
    assert board.value("ami_up", system="pbx") == 1
    assert board.value("ami_last_event_timestamp_seconds", system="pbx") == 1019.0
    assert board.value("ami_reconnects_total", system="pbx") == 2
    assert board.value("tap_up", system="pbx") == 0
    assert board.value("tap_legs", system="pbx") == 2
    assert board.value("tap_audio_lost_seconds_total", system="pbx") == 2.5
    board.feed(pbx_health(up=False))
    assert board.value("ami_up", system="pbx") == 0


def test_every_counter_of_the_backbone_is_exported():
    board = Board(depths={"qa": 7})
    assert board.value("bus_queue_depth", subscriber="qa") == 7
    assert board.value("bus_dropped_total", subscriber="qa", delivery="live") == 0
    assert board.value("journal_failures_total") == 0
    board.counters.add("bus_dropped", 3, subscriber="qa", delivery="live")
    board.counters.add("journal_failures")
    board.counters.add("projection_failures", kind="call_ended")
    board.counters.add("something_new", 2, reason="x")
    assert board.value("bus_dropped_total", subscriber="qa", delivery="live") == 3
    assert board.value("journal_failures_total") == 1
    assert board.value("projection_failures_total", kind="call_ended") == 1
    assert board.value("something_new_total", reason="x") == 2


def test_what_events_count_already_is_not_shown_a_second_time(board):
    board.counters.add("legs_incomplete", 5, reason="audio_dropped")
    board.counters.add("asr_partials_skipped", 9)
    board.counters.add("ami_reconnects", 3, system="pbx")
    board.feed(asr_health(), pbx_health(), leg_closed("1", "agent", complete=False, reason="x"))
    text = board.text()
    for name in ("legs_incomplete", "asr_partials_skipped", "ami_reconnects"):
        assert text.count(f"# TYPE tingzhen_{name}_total counter") == 1
        assert text.count(f"\ntingzhen_{name}_total{{") == 1


def test_first_contact_resolution_is_shown_once_known(board):
    board.projection.first_contact(7, Resolution(FirstContact(0, 0), FirstContact(10, 1)), 1020.0)
    labels = {"window": "7d", "maturity": "provisional"}
    assert board.value("first_contact_resolution_ratio", **labels) == 0.9
    assert board.value("first_contact_calls", **labels) == 10
    matured = board.value("first_contact_resolution_ratio", window="7d", maturity="matured")
    assert math.isnan(matured)
    assert board.value("first_contact_read_timestamp_seconds") == 1020.0


def test_an_event_of_no_interest_changes_nothing(board):
    before = board.text()
    board.feed(CallHeld(at=1.0, call_id="1"))
    assert board.text() == before


def test_nothing_personal_and_no_call_is_in_the_exposition(board):
    board.feed(*round_of_calls(1, 1020.0))
    text = board.text()
    assert '="support"' in text
    for secret in (CALLER, CALLER_NAME, AGENT_NAME, SPOKEN, "PJSIP/1001", '="a1', "alert-1-1"):
        assert secret not in text


def test_promtool_finds_nothing_to_complain_of(board):
    board.feed(*round_of_calls(1, 1020.0))
    board.projection.first_contact(7, Resolution(FirstContact(5, 1), FirstContact(5, 1)), 1.0)
    board.counters.add("bus_dropped", subscriber="qa", delivery="live")
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=board.text(),
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


calls = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["join", "connect", "answered", "abandoned", "leg"]),
    ),
    max_size=30,
)


@given(calls)
def test_in_any_order_of_events_the_counts_agree(steps):
    board = Board()
    make = {
        "join": joined,
        "connect": connected,
        "answered": ended,
        "abandoned": lambda call: ended(call, outcome="abandoned"),
        "leg": lambda call: leg_opened(call, "agent"),
    }
    for call, what in steps:
        board.feed(make[what](call))

    def count(name, **labels):
        return q(board, name, **labels) or 0

    assert count("calls_answered_total") <= count("calls_offered_total")
    assert count("calls_offered_total") <= count("calls_joined_total") <= 3
    done = sum(count("calls_ended_total", outcome=o) for o in ("answered", "abandoned"))
    assert count("calls_joined_total") == done + count("calls_in_progress")
    assert 0 <= count("calls_waiting") <= count("calls_in_progress")


def test_a_scrape_of_many_queues_stays_small():
    board = Board()
    for n in range(400):
        board.feed(joined(str(n), queue=f"queue-{n}"), connected(str(n), queue=f"queue-{n}"))
    text = board.text()
    assert len(text) < 2_000_000
    assert text.count("tingzhen_calls_joined_total{") == 51  # fifty and `other`


def test_agents_are_counted_by_state_and_not_named():
    board = Board()
    board.feed(agent_state("PJSIP/1001", "talking"), agent_state("PJSIP/1002"))
    board.feed(agent_state("PJSIP/1001", "available"), queue_state())
    board.feed(queue_state(system="pbx-2", members=1, available=0))
    assert board.value("agents", state="available") == 2
    assert board.value("agents", state="talking") == 0
    assert board.value("queue_members", queue="support", state="logged_in") == 4
    assert board.value("queue_members", queue="support", state="available") == 2


def test_a_queue_known_by_its_members_first_still_has_its_series_at_zero():
    board = Board().feed(queue_state(), joined("c1"))
    assert board.value("ring_attempts_total", queue="support", result="no_answer") == 0


def test_a_refused_caller_counts_once():
    board = Board()
    board.feed(refused(1), refused(1), refused(2))
    assert board.value("calls_refused_total", queue="support", reason="full") == 2


def latency(board, stage):
    return board.value("alert_latency_seconds_sum", stage=stage), board.value(
        "alert_latency_seconds_count", stage=stage
    )


def test_an_alert_is_timed_from_the_end_of_its_words():
    board = Board()
    board.feed(connected("c1", heard_at=1008.0))
    board.feed(alert("1", at=1012.5))  # the words ended three seconds into the call
    assert latency(board, "final") == (1.5, 1)
    board.feed(connected("c2"), alert("2", call="c2"))  # nobody knows when that call began
    board.feed(alert("3", call="c3"))
    assert latency(board, "final") == (1.5, 1)
    assert latency(board, "partial") == (0.0, 0)


@pytest.mark.parametrize(("provisional", "stage"), [(False, "final"), (True, "partial")])
def test_an_alert_is_timed_up_to_its_first_frame_too(provisional, stage):
    board = Board()
    shown = AlertShown(at=1013.0, alert_id="1", call_id="c1", provisional=provisional, end=3.0)
    board.feed(connected("c1", heard_at=1008.0), shown)
    board.feed(msgspec.structs.replace(shown, end=None))  # it is about no words
    board.feed(msgspec.structs.replace(shown, call_id="c2"))  # nobody knows when that call began
    assert board.value("alert_frame_seconds_sum", stage=stage) == 2.0
    assert board.value("alert_frame_seconds_count", stage=stage) == 1


def test_the_oldest_alert_that_waits_is_known_by_severity():
    board = Board()
    board.feed(alert("1", at=1030.0), alert("2", at=1020.0), alert("3", severity="low", at=900.0))
    assert board.value("alerts_oldest_open_timestamp_seconds", severity="high") == 1020.0
    board.feed(acknowledged("2"))
    assert board.value("alerts_oldest_open_timestamp_seconds", severity="high") == 1030.0
    board.feed(acknowledged("1"))
    assert board.value("alerts_oldest_open_timestamp_seconds", severity="high") is None
    assert board.value("alerts_oldest_open_timestamp_seconds", severity="low") == 900.0
