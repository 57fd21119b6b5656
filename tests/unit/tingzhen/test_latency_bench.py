"""What the latency bench makes of the frames that it hears."""

import pytest

from tingzhen.latency_bench import Latencies


def frame(kind, **more):
    return {
        "type": kind,
        "call_id": "c1",
        "rule": "taboo_shirk",
        "phrase": "不归我管",
        "end": 12.0,
        "suspected": False,
        **more,
    }


CONNECTED = {"type": "call_connected", "call_id": "c1", "at": 1000.0}


def test_time_runs_from_the_end_of_the_phrase_to_each_frame():
    found = Latencies()
    found.take(CONNECTED, 1000.1)
    # A provisional alert knows less well when its phrase ended.
    found.take(frame("provisional_alert", alert_id="p1", end=11.0), 1012.5)
    found.take(frame("alert", confirms="p1"), 1013.25)
    found.take(frame("alert", end=20.0), 1021.0)
    assert found.seconds == {
        "provisional": [pytest.approx(0.5)],
        "final": [pytest.approx(1.25), pytest.approx(1.0)],
        "first": [pytest.approx(0.5), pytest.approx(1.0)],
    }
    assert (found.confirmed, found.withdrawn) == (1, 0)


def test_what_has_no_phrase_or_no_known_answer_is_left_out():
    found = Latencies()
    found.take(frame("alert"), 1013.0)
    found.take(CONNECTED, 1000.1)
    found.take(frame("alert", phrase=""), 1013.0)
    found.take({"type": "alert_withdrawn", "call_id": "c1"}, 1013.0)
    found.take({"type": "time", "time": 1.0}, 1013.0)
    assert not any(found.seconds.values())
    assert (found.confirmed, found.withdrawn) == (0, 1)


def test_rules_that_wait_on_purpose_are_counted_apart():
    found = Latencies(patient=frozenset({"readback_missing"}), doubting=frozenset({"taboo_shirk"}))
    found.take(CONNECTED, 1000.1)
    found.take(frame("alert", rule="readback_missing"), 1018.0)
    found.take(frame("alert", suspected=True), 1018.0)
    assert not any(found.seconds.values())
    assert found.waited == 2
    found.take(frame("alert"), 1013.0)
    assert found.seconds["final"] == [1.0]
    assert [(alert.final, alert.first) for alert in found.alerts] == [(1.0, 1.0)]
