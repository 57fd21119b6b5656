"""What the bus promises each delivery class."""

import asyncio
import contextlib
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import PATIENCE_S

from backbone.bus import Bus, Subscription
from backbone.counters import Counters
from backbone.events import Delivery, Event


class BusNumbered(Event, frozen=True, kw_only=True):
    delivery: ClassVar[Delivery] = Delivery.DURABLE
    n: int


class BusLatest(Event, frozen=True, kw_only=True):
    delivery: ClassVar[Delivery] = Delivery.LATEST
    key: str
    n: int

    def latest_key(self) -> object:
        return self.key


class BusLive(Event, frozen=True, kw_only=True):
    n: int


async def take(subscription: Subscription, count: int) -> list[Event]:
    taken = []
    async with asyncio.timeout(PATIENCE_S):
        async for envelope in subscription:
            taken.append(envelope.event)
            if len(taken) == count:
                break
    return taken


async def test_a_subscriber_gets_what_it_asked_for_in_order():
    bus = Bus(Counters())
    numbered = bus.subscribe("a", BusNumbered)
    everything = bus.subscribe("b", Event)
    await bus.publish(BusNumbered(at=0, n=1))
    bus.emit(BusLive(at=0, n=2))
    await bus.publish(BusNumbered(at=0, n=3))
    assert [event.n for event in await take(numbered, 2)] == [1, 3]
    assert [event.n for event in await take(everything, 3)] == [1, 2, 3]


async def test_emit_refuses_a_durable_event():
    with pytest.raises(TypeError, match="publish"):
        Bus(Counters()).emit(BusNumbered(at=0, n=1))


async def test_only_the_newest_of_a_key_is_kept_and_keeps_its_turn():
    bus = Bus(Counters())
    subscription = bus.subscribe("a", Event)
    bus.emit(BusLatest(at=0, key="x", n=1))
    bus.emit(BusLatest(at=0, key="y", n=2))
    bus.emit(BusLatest(at=0, key="x", n=3))
    assert [event.n for event in await take(subscription, 2)] == [3, 2]


async def test_live_events_beyond_the_bound_drop_the_oldest_and_are_counted():
    counters = Counters()
    bus = Bus(counters)
    subscription = bus.subscribe("slow", BusLive, maxsize=3)
    for n in range(10):
        bus.emit(BusLive(at=0, n=n))
    assert [event.n for event in await take(subscription, 3)] == [7, 8, 9]
    assert counters.get("bus_dropped", subscriber="slow", delivery="live") == 7


async def test_distinct_latest_keys_are_bounded_too():
    counters = Counters()
    bus = Bus(counters)
    subscription = bus.subscribe("slow", BusLatest, maxsize=2)
    for n in range(5):
        bus.emit(BusLatest(at=0, key=str(n), n=n))
    assert [event.n for event in await take(subscription, 2)] == [3, 4]
    assert counters.get("bus_dropped", subscriber="slow", delivery="latest") == 3


async def test_closing_hands_out_what_waits_and_then_ends():
    bus = Bus(Counters())
    subscription = bus.subscribe("a", Event)
    bus.emit(BusLive(at=0, n=1))
    subscription.close()
    bus.emit(BusLive(at=0, n=2))
    assert [envelope.event.n async for envelope in subscription] == [1]


async def test_a_waiting_subscriber_can_be_cancelled():
    subscription = Bus(Counters()).subscribe("a", Event)
    task = asyncio.create_task(anext(subscription))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.builds(lambda n: BusLive(at=0, n=n), st.integers(0, 9)),
            st.builds(
                lambda k, n: BusLatest(at=0, key=k, n=n), st.sampled_from("xyz"), st.integers(0, 9)
            ),
        ),
        max_size=60,
    ),
    st.integers(1, 8),
)
def test_memory_is_bounded_and_every_event_is_handed_out_replaced_or_counted(events, maxsize):
    async def run() -> None:
        counters = Counters()
        bus = Bus(counters)
        subscription = bus.subscribe("s", Event, maxsize=maxsize)
        replaced = 0
        for event in events:
            before = subscription.depth
            dropped = sum(counters.snapshot().values())
            bus.emit(event)
            after_drops = sum(counters.snapshot().values())
            replaced += subscription.depth == before and after_drops == dropped
            assert subscription.depth <= 2 * maxsize
        subscription.close()
        got = [envelope.event async for envelope in subscription]
        assert len(got) + replaced + sum(counters.snapshot().values()) == len(events)
        live = [event for event in events if isinstance(event, BusLive)]
        assert [event for event in got if isinstance(event, BusLive)] == live[-maxsize:]

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(run())
