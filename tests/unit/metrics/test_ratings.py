"""Callers' ratings as metrics: by queue, scale and value, once for each call."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from backbone.clock import ManualClock
from backbone.counters import Counters
from metrics.projection import MetricsProjection
from metrics.settings import MetricsSettings
from telephony.events import CallRated


def rated(call, value, scale="five"):
    return CallRated(
        at=1.0, call_id=call, queue="support", agent="PJSIP/1001", scale=scale, value=value
    )


def test_ratings_are_counted_once_a_call_and_the_scale_of_five_has_a_mean():
    registry = CollectorRegistry()
    projection = MetricsProjection(MetricsSettings(), Counters(), dict, ManualClock(1.0), registry)
    for event in (rated("a", 5), rated("a", 5), rated("b", 2), rated("c", 1, "like")):
        projection.apply(event)

    def value(name, **labels):
        return registry.get_sample_value(name, {"queue": "support", **labels})

    assert value("tingzhen_call_ratings_total", scale="five", value="5") == 1
    assert value("tingzhen_call_ratings_total", scale="five", value="2") == 1
    assert value("tingzhen_call_ratings_total", scale="like", value="1") == 1
    assert value("tingzhen_call_rating_sum") == 7
    assert value("tingzhen_call_rating_count") == 2
