"""Clocks that tests and the demo hand in."""

import asyncio
import time

import pytest

from backbone.clock import ManualClock, ScaledClock, SystemClock
from backbone.ids import call_id


async def test_sleepers_wake_in_order_and_only_when_due():
    clock = ManualClock(100.0)
    woken = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.time()))

    async with asyncio.TaskGroup() as group:
        for seconds in (3.0, 1.0, 2.0):
            group.create_task(sleeper(seconds))
        await asyncio.sleep(0)
        await clock.advance(1.5)
        assert woken == [(1.0, 101.0)]
        await clock.advance(2.0)
    assert woken == [(1.0, 101.0), (2.0, 102.0), (3.0, 103.0)]
    assert clock.time() == 103.5


async def test_a_scaled_clock_runs_faster_than_the_machine(monkeypatch):
    real, slept = 50.0, []
    monkeypatch.setattr(time, "monotonic", lambda: real)
    clock = ScaledClock(1000.0)
    began = clock.time()

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await clock.sleep(5.0)
    assert slept == [0.005]
    real += 0.005
    assert clock.time() - began == pytest.approx(5.0)
    assert clock.monotonic() == pytest.approx(5.0)


def test_the_machines_clock_passes_evenly_when_its_time_is_set(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 7.0)
    monkeypatch.setattr(time, "monotonic", lambda: 50.0)
    clock = SystemClock()
    monkeypatch.setattr(time, "time", lambda: 3.0)
    assert (clock.time(), clock.monotonic()) == (3.0, 50.0)


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_a_clock_must_run_forward(rate):
    with pytest.raises(ValueError, match="rate"):
        ScaledClock(rate)


def test_ids_are_the_same_for_the_same_thing_and_differ_otherwise():
    assert call_id("pbx", "1.2", 1) == call_id("pbx", "1.2", 1)
    assert len({call_id("pbx", "1.2", 1), call_id("pbx", "1.2", 2), call_id("pbx", "1.21", 2)}) == 3
