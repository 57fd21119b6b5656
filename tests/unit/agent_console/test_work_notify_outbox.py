"""Pushes that wait in the store: which goes first, who sends it, and what a stop does to them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from console_world import Call, World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notify_rig import SETTINGS, counted, keep, notifying, service
from patience import PATIENCE_S
from push_service import Service
from sqlalchemy import Connection, Engine, create_engine, func, select, update
from sqlalchemy.pool import NullPool

from agent_console.work.notify import outbox
from agent_console.work.notify.outbox import Push
from agent_console.work.notify.plan import Facts, Message
from agent_console.work.secrets import Keyring
from backbone.events import Envelope
from backbone.store.schema import metadata
from backbone.store.tables.notify import notify_events, notify_pushes
from qa_engine.events import SEVERITIES, Severity

__all__ = ["service"]  # a fixture

MESSAGE = Message("title", "body", Facts("alert", "a-1", "taboo", "high"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path}/outbox.sqlite3", poolclass=NullPool)
    metadata.create_all(engine, [notify_events, notify_pushes])
    yield engine
    engine.dispose()


def put(connection: Connection, name: str, severity: Severity, *, at: float, size: int) -> int:
    return outbox.add(connection, [name], MESSAGE, severity, now=at, size=size)


def drained(connection: Connection) -> list[str]:
    found = []
    while (push := outbox.claim(connection, "node", now=100.0, until=200.0)) is not None:
        found.append(push.target_id)
        outbox.finish(connection, push.push_id)
    return found


def waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        tables = (notify_events, notify_pushes)
        return sum(connection.scalar(select(func.count()).select_from(t)) or 0 for t in tables)


def test_the_most_severe_goes_first_and_equals_keep_their_turn(engine: Engine) -> None:
    with engine.begin() as connection:
        for at, (name, severity) in enumerate(
            [("a", "low"), ("b", "high"), ("c", "critical"), ("d", "high")]
        ):
            assert put(connection, name, severity, at=float(at), size=10) == 0
        assert drained(connection) == ["c", "b", "d", "a"]


def test_a_push_comes_back_as_it_was_put_in(engine: Engine) -> None:
    with engine.begin() as connection:
        put(connection, "phone", "high", at=1.0, size=10)
        push = outbox.claim(connection, "node", now=2.0, until=3.0)
        assert push is not None
        assert push == Push(push.push_id, "phone", MESSAGE)


def test_a_push_of_another_version_does_not_stop_the_others(engine: Engine) -> None:
    with engine.begin() as connection:
        put(connection, "strange", "critical", at=1.0, size=10)
        connection.execute(update(notify_pushes).values(message='{"words": 1}'))
        put(connection, "phone", "high", at=2.0, size=10)
        assert outbox.claim(connection, "node", now=3.0, until=9.0) is None
        assert drained(connection) == ["phone"]


def test_a_full_outbox_leaves_out_the_least_severe_and_newest(engine: Engine) -> None:
    with engine.begin() as connection:
        put(connection, "a", "low", at=1.0, size=2)
        put(connection, "b", "low", at=2.0, size=2)
        assert put(connection, "c", "low", at=3.0, size=2) == 1
        assert put(connection, "d", "high", at=4.0, size=2) == 1
        assert drained(connection) == ["d", "a"]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(severities=st.lists(st.sampled_from(SEVERITIES), max_size=20), size=st.integers(1, 5))
def test_an_outbox_never_grows_and_keeps_the_most_severe(
    engine: Engine, severities: list[Severity], size: int
) -> None:
    with engine.begin() as connection:
        for number, severity in enumerate(severities):
            put(connection, str(number), severity, at=float(number), size=size)
            held = connection.scalar(select(func.count()).select_from(notify_pushes))
            assert held is not None
            assert held <= size
        kept = [severities[int(name)] for name in drained(connection)]
    assert kept == sorted(severities, key=SEVERITIES.index, reverse=True)[:size]


def test_of_many_nodes_one_gets_each_push(engine: Engine) -> None:
    total = 40
    with engine.begin() as connection:
        for number in range(total):
            put(connection, str(number), "high", at=float(number), size=100)
    claimed: list[str] = []
    ready = threading.Barrier(4)

    def work(node: str) -> None:
        ready.wait()
        while True:
            with engine.begin() as connection:
                push = outbox.claim(connection, node, now=50.0, until=60.0)
            if push is None:
                return
            claimed.append(push.target_id)

    nodes = [threading.Thread(target=work, args=(f"node-{n}",)) for n in range(4)]
    for node in nodes:
        node.start()
    for node in nodes:
        node.join()
    assert sorted(claimed, key=int) == [str(n) for n in range(total)]


def test_what_a_node_claimed_and_never_sent_is_anybodys_after_a_time(engine: Engine) -> None:
    with engine.begin() as connection:
        put(connection, "phone", "high", at=1.0, size=10)
        first = outbox.claim(connection, "dead", now=2.0, until=30.0)
        assert first is not None
        assert outbox.claim(connection, "other", now=29.0, until=99.0) is None
        again = outbox.claim(connection, "other", now=30.0, until=99.0)
        assert again == first
        outbox.give_back(connection, "dead", first.push_id)  # it is not the dead one's any more
        assert not outbox.anything_waits(connection, 31.0)
        outbox.give_back(connection, "other", first.push_id)
        assert outbox.anything_waits(connection, 31.0)


async def emptied(engine: Engine) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while waiting(engine):  # noqa: ASYNC110 - rows wake nobody
            await asyncio.sleep(0.01)


async def test_a_push_that_waits_when_the_node_stops_goes_out_after_the_restart_once(
    desk: World, service: Service
) -> None:
    keyring = Keyring.made_up()
    keep(desk, keyring, service.url)
    service.answers = [500] * 200
    call = Call(desk, "one")
    patient = SETTINGS.notify.model_copy(update={"attempts": 20})
    async with notifying(desk, keyring, SETTINGS.model_copy(update={"notify": patient})):
        with stamina.set_testing(False):  # growing pauses, in one of which it is stopped
            alert_id = await call.alert("a")
            await counted(desk, "notify_retries", scheme="json")
    assert desk.counters.get("notify_failed", scheme="json") == 0
    service.answers = []
    async with notifying(desk, keyring):
        await counted(desk, "notify_sent", scheme="json")
        other = await call.alert("b")
        sent = list(await service.wait(2))
        await emptied(desk.engine)
    assert [alert_id in sent[0]["message"], other in sent[1]["message"]] == [True, True]


async def test_what_nobody_had_looked_at_before_a_stop_is_pushed_too(
    desk: World, service: Service
) -> None:
    keyring = Keyring.made_up()
    keep(desk, keyring, service.url)
    alert_id = await Call(desk, "one").alert("a")
    async with notifying(desk, keyring):
        [sent] = await service.wait(1)
        await emptied(desk.engine)
    assert alert_id in sent["message"]


async def test_of_two_nodes_on_one_database_one_pushes(desk: World, service: Service) -> None:
    keyring = Keyring.made_up()
    keep(desk, keyring, service.url)
    call = Call(desk, "one")
    async with notifying(desk, keyring), notifying(desk, keyring):
        told = {await call.alert(str(number)) for number in range(12)}
        sent = await service.wait(12)
        await emptied(desk.engine)
    assert len(sent) == 12
    assert {line for each in sent for line in each["message"].splitlines() if "id: " in line} == {
        f"id: {alert_id}" for alert_id in told
    }


async def test_after_a_long_stop_old_news_is_not_pushed(desk: World, service: Service) -> None:
    keyring = Keyring.made_up()
    keep(desk, keyring, service.url)
    call = Call(desk, "one")
    await call.alert("a")
    alerts = await desk.bus.read(0, ["alert"], 1)
    hour = SETTINGS.notify.model_copy(update={"keep_h": 1e-9})
    async with notifying(desk, keyring, SETTINGS.model_copy(update={"notify": hour})):
        await counted(desk, "notify_dropped", reason="old")
    assert len(alerts) == 1
    assert service.received == []
    assert waiting(desk.engine) == 0


async def test_an_alert_that_could_not_be_stored_is_pushed_all_the_same(
    desk: World, service: Service
) -> None:
    keyring = Keyring.made_up()
    keep(desk, keyring, service.url)
    alert_id = await Call(desk, "one").alert("a")
    [stored] = await desk.bus.read(0, ["alert"], 1)
    with desk.engine.begin() as connection:
        outbox.take_out(connection, stored.seq)
    async with notifying(desk, keyring):
        desk.bus._hand_out(Envelope(0, stored.event))
        [sent] = await service.wait(1)
    assert alert_id in sent["message"]
