"""Whose calls somebody sees: over HTTP, and in the live feed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from console_rig import Rig, is_problem, rig
from console_world import CALLER, Call, World, running
from websockets.asyncio.client import ClientConnection, connect

from agent_console import links, teams, users
from agent_console.access import API
from agent_console.events import ComplaintOpened
from agent_console.live.sight import Seen, Sight
from agent_console.live.state import LiveState
from agent_console.scope import EVERYTHING, Scope
from agent_console.server import ConsoleServer
from agent_console.work.complaint_watch import ComplaintWatch
from agent_console.work.settings import ComplaintSettings
from backbone import audit
from backbone.events import Envelope
from qa_engine.events import AlertAssigned, AlertCommented, AlertEscalated, AlertFeedback
from telephony.events import AgentState, QueueState, RingEnded, WaitingCaller

MINE, OTHER = "PJSIP/1001", "PJSIP/1002"


@pytest.fixture
async def console(desk: World) -> AsyncIterator[Rig]:
    async with rig(desk) as console:
        yield console


async def a_call(desk: World, name: str, *, agent: str = MINE, queue: str = "预约挂号") -> Call:
    call = Call(desk, name, queue=queue)
    call.agent = agent
    await call.join(ago=30)
    await call.ring(ago=25)
    await call.connect(ago=20)
    await call.say("s1", "agent", "您好，请问有什么可以帮您。", start=1.0)
    return call


async def ids(client: httpx.AsyncClient, path: str, name: str) -> set[str]:
    answer = await client.get(f"{API}{path}")
    assert answer.status_code == 200
    assert CALLER not in answer.text
    return {item[name] for item in answer.json()["items"]}


CALL_ROUTES = (
    ("GET", "/calls/{}"),
    ("GET", "/calls/{}/replay"),
    ("POST", "/calls/{}/mute"),
    ("POST", "/control/calls/{}/hangup"),
    ("POST", "/control/calls/{}/listening/listen"),
    ("DELETE", "/control/calls/{}/listening"),
    ("POST", "/control/calls/{}/transfer"),
)
ALERT_ROUTES = (
    ("GET", "/alerts/{}"),
    ("POST", "/alerts/{}/ack"),
    ("POST", "/alerts/{}/assign"),
    ("POST", "/alerts/{}/comment"),
    ("POST", "/alerts/{}/feedback"),
    ("POST", "/alerts/{}/escalate"),
)


async def test_an_agent_sees_the_agents_own_calls_and_alerts_only(
    desk: World, console: Rig
) -> None:
    mine, others = await a_call(desk, "mine"), await a_call(desk, "others", agent=OTHER)
    my_alert, other_alert = await mine.alert("a"), await others.alert("a")
    async with console.log_in("li", "agent", agent=MINE) as li:
        assert await ids(li, "/calls", "call_id") == {mine.id}
        assert await ids(li, "/alerts", "alert_id") == {my_alert}
        found = await li.get(f"{API}/calls/{mine.id}")
        assert found.status_code == 200
        assert CALLER not in found.text
        assert is_problem(await li.get(f"{API}/calls/{others.id}"), 404, "not_found")
        assert is_problem(await li.get(f"{API}/alerts/{other_alert}"), 404, "not_found")


async def test_an_agent_without_a_phone_sees_nothing(desk: World, console: Rig) -> None:
    call = Call(desk, "waiting")
    await call.join()
    async with console.log_in("new", "agent") as new:
        assert await ids(new, "/calls", "call_id") == set()
        assert is_problem(await new.get(f"{API}/calls/{call.id}"), 404, "not_found")


async def test_a_call_that_rings_at_an_agent_is_shown_until_another_answers(
    desk: World, console: Rig
) -> None:
    call = Call(desk, "ringing")
    await call.join()
    await call.ring()
    async with (
        console.log_in("li", "agent", agent=MINE) as li,
        console.log_in("zhao", "agent", agent=OTHER) as zhao,
    ):
        await console.context.projector.reach(desk.bus.last_seq)
        assert (await li.get(f"{API}/calls/{call.id}")).status_code == 200
        assert is_problem(await zhao.get(f"{API}/calls/{call.id}"), 404, "not_found")
        call.agent = OTHER
        await call.connect()
        await console.context.projector.reach(desk.bus.last_seq)
        assert is_problem(await li.get(f"{API}/calls/{call.id}"), 404, "not_found")
        assert (await zhao.get(f"{API}/calls/{call.id}")).status_code == 200


@pytest.mark.parametrize("role", ["lead", "inspector", "manager"])
async def test_a_team_is_its_queues_and_its_agents(desk: World, console: Rig, role: Any) -> None:
    by_queue = await a_call(desk, "queue", agent=OTHER, queue="投诉")
    by_agent = await a_call(desk, "agent", agent=MINE)
    outside = await a_call(desk, "outside", agent=OTHER)
    alerts = [await call.alert("a") for call in (by_queue, by_agent, outside)]
    console.team("甲组", queues=("投诉",), agents=(MINE,))
    async with (
        console.log_in("of-team", role, teams=("甲组",)) as narrow,
        console.log_in("of-all", role) as wide,
        console.log_in("of-nothing", role, teams=("没有",)) as blind,
    ):
        assert await ids(narrow, "/calls", "call_id") == {by_queue.id, by_agent.id}
        assert await ids(narrow, "/alerts", "alert_id") == set(alerts[:2])
        assert len(await ids(wide, "/calls", "call_id")) == 3
        assert await ids(blind, "/calls", "call_id") == set()
        for method, path in CALL_ROUTES:
            if console.allowed(role, method, path):
                answer = await narrow.request(method, API + path.format(outside.id))
                assert is_problem(answer, 404, "not_found"), path
        for method, path in ALERT_ROUTES:
            if console.allowed(role, method, path):
                answer = await narrow.request(method, API + path.format(alerts[2]))
                assert is_problem(answer, 404, "not_found"), path


async def test_an_attempt_to_control_what_one_may_not_is_on_the_audit_chain(
    desk: World, console: Rig
) -> None:
    call = await a_call(desk, "one", agent=OTHER)
    console.team("甲组", agents=(MINE,))
    async with (
        console.log_in("li", "agent", agent=OTHER) as li,
        console.log_in("wang", "lead", teams=("甲组",)) as wang,
    ):
        for client in (li, wang):
            await client.post(f"{API}/control/calls/{call.id}/hangup")
    with desk.engine.connect() as connection:
        entries = audit.entries(connection)
        assert [(e.who, e.action, e.call_id, e.done) for e in reversed(entries)] == [
            ("li", "hangup", call.id, False),
            ("wang", "hangup", call.id, False),
        ]


# The live feed


class Browser:
    """A websocket of somebody who came in by a link."""

    def __init__(self, socket: ClientConnection, hello: dict[str, Any]) -> None:
        self.socket = socket
        self.hello = hello

    async def until(self, seq: int) -> list[dict[str, Any]]:
        """Messages with a number, up to the last one that this user may see."""
        found: list[dict[str, Any]] = []
        while not found or found[-1]["seq"] < seq:
            message = json.loads(await self.socket.recv())
            if message.get("seq"):
                found.append(message)
        return found


async def enter(desk: World, server: ConsoleServer, username: str, **details: Any) -> Browser:
    with desk.engine.begin() as connection:
        role = details.pop("role")
        users.create_user(connection, username, None, role, now=0.0, **details)
        token = links.issue(connection, username, desk.clock.time())
    async with httpx.AsyncClient(base_url=server.address) as client:
        answer = await client.post(f"{API}/login/link", json={"token": token})
        assert answer.status_code == 200
        ticket = (await client.post(f"{API}/ws-ticket")).json()["ticket"]
    address = f"{server.address}{API}/live?ticket={ticket}".replace("http", "ws", 1)
    socket = await connect(address)
    return Browser(socket, json.loads(await socket.recv()))


async def test_an_agents_feed_is_the_agents_own_calls(desk: World) -> None:
    before = await a_call(desk, "before", agent=OTHER)
    own = await a_call(desk, "own")
    async with running(desk.server()) as server:
        li = await enter(desk, server, "li", role="agent", agent=MINE)
        assert [call["call_id"] for call in li.hello["snapshot"]["calls"]] == [own.id]
        assert [call["call_id"] for call in li.hello["speech"]] == [own.id]
        await before.say("s2", "customer", "我的号码没有收到", start=5.0)
        before.partial("s3", "customer", "另一个人的话", start=9.0, revision=1)
        await before.alert("theirs")
        coming = Call(desk, "coming")
        await coming.join()
        await coming.say("early", "customer", "喂", start=0.0)
        rings = await coming.ring()
        mine = await own.alert("mine")
        seen = await li.until(desk.bus.last_seq)
        assert [message["type"] for message in seen] == ["call_shown", "alert"]
        assert seen[0]["seq"] == rings
        assert seen[0]["call"]["call_id"] == coming.id
        assert seen[0]["call"]["caller"] == "•••• 8000"
        assert [turn["text"] for turn in seen[0]["call"]["turns"]] == ["喂"]
        assert seen[1]["alert_id"] == mine
        # Another agent takes it: it goes.
        coming.agent = OTHER
        gone = await coming.connect()
        await coming.say("late", "customer", "您好", start=3.0)
        last = await own.say("s9", "agent", "好的", start=9.0)
        seen = await li.until(last)
        assert (seen[-2]["type"], seen[-2]["call_id"]) == ("call_hidden", coming.id)
        assert seen[-2]["seq"] == gone
        assert [m["type"] for m in seen if m.get("call_id") != coming.id] == ["transcript_final"]
        await li.socket.close()


async def test_a_leads_feed_is_of_the_leads_teams_and_changes_with_them(desk: World) -> None:
    inside = await a_call(desk, "inside", queue="投诉", agent=OTHER)
    outside = await a_call(desk, "outside", agent=OTHER)
    with desk.engine.begin() as connection:
        teams.put_team(connection, teams.Team(team="甲组", queues=("投诉",)))
        teams.put_team(connection, teams.Team(team="乙组", queues=("预约挂号",)))
    async with running(desk.server()) as server:
        wang = await enter(desk, server, "wang", role="lead", teams=("甲组",))
        assert [call["call_id"] for call in wang.hello["snapshot"]["calls"]] == [inside.id]
        await outside.say("s2", "customer", "不给看", start=5.0)
        last = await inside.say("s2", "customer", "我要投诉", start=5.0)
        assert [m["text"] for m in await wang.until(last)] == ["我要投诉"]
        async with _admin(desk, server) as admin:
            changed = await admin.patch(f"{API}/users/wang", json={"teams": ["乙组"]})
            assert changed.status_code == 200
        await wang.socket.wait_closed()
        assert wang.socket.close_code == 1012


async def test_deadlines_of_complaints_are_told_to_the_teams_lead_and_the_manager(
    desk: World,
) -> None:
    call = await a_call(desk, "inside", queue="投诉")
    with desk.engine.begin() as connection:
        teams.put_team(connection, teams.Team(team="甲组", queues=("投诉",)))
        teams.put_team(connection, teams.Team(team="乙组", queues=("预约挂号",)))
    async with running(desk.server()) as server:
        told = [
            await enter(desk, server, "wang", role="lead", teams=("甲组",)),
            await enter(desk, server, "boss", role="manager"),
        ]
        not_told = [
            await enter(desk, server, "zhao", role="lead", teams=("乙组",)),
            await enter(desk, server, "li", role="agent", agent=MINE),
            await enter(desk, server, "qa", role="inspector"),
            await enter(desk, server, "root", role="admin"),
        ]
        await desk.bus.publish(complaint(call, answer_due=desk.clock.time() - 1))
        watch = ComplaintWatch(ComplaintSettings(), desk.bus, desk.clock, desk.engine)
        await watch.look()
        await watch.look()  # what was told is not told again
        last = await call.say("s2", "agent", "好的", start=9.0)
        for page in told:
            seen = await page.until(last)
            opened, overdue = [m for m in seen if m["type"].startswith("complaint")]
            assert (opened["type"], overdue["type"]) == ("complaint_opened", "complaint_overdue")
            assert (opened["complaint_id"], opened["card"]) == ("c-1", "red")
            assert opened["answer_due"] == overdue["due"]
            assert (opened["text"], opened["caller_id"]) == ("", "")
            assert (overdue["deadline"], overdue["queue"]) == ("answer", "投诉")
        await (await a_call(desk, "other")).alert("a")  # something for the other lead, too
        for page in not_told:
            seen = await page.until(desk.bus.last_seq)
            assert [m for m in seen if m["type"].startswith("complaint")] == []
        for page in (*told, *not_told):
            await page.socket.close()


def complaint(call: Call, *, answer_due: float) -> ComplaintOpened:
    return ComplaintOpened(
        at=call.joined_at,
        complaint_id="c-1",
        call_id=call.id,
        alert_id="",
        card="red",
        caller_id="pseudonym",
        queue=call.queue,
        agent=call.agent,
        text="等了两个小时",
        owner="",
        by="wang",
        answer_due=answer_due,
        close_due=None,
    )


@contextlib.asynccontextmanager
async def _admin(desk: World, server: ConsoleServer) -> AsyncIterator[httpx.AsyncClient]:
    with desk.engine.begin() as connection:
        users.change_user(connection, "admin", password_due=False)
        token = links.issue(connection, "admin", desk.clock.time())
    async with httpx.AsyncClient(base_url=server.address) as client:
        await client.post(f"{API}/login/link", json={"token": token})
        yield client


# What may be seen of one event


def seen(sight: Sight, event: Any, seq: int = 0) -> Seen:
    return sight.judge(Envelope(seq, event))[0]


def ready(role: Any, scope: Scope) -> Sight:
    sight = Sight(role, scope)
    sight.begin(LiveState())
    return sight


def agent_state(agent: str, *queues: str) -> AgentState:
    return AgentState(
        at=1.0, system="pbx", agent=agent, name="", state="available", since=0.0, queues=queues
    )


def queue_state(queue: str) -> QueueState:
    waiting = (WaitingCaller(call_id="c1", position=1, since=0.5),)
    return QueueState(
        at=1.0,
        system="pbx",
        queue=queue,
        waiting=waiting,
        longest_since=0.5,
        members=1,
        available=0,
        paused=0,
    )


def test_an_agent_is_told_of_no_colleague_and_of_no_waiting_caller() -> None:
    sight = ready("agent", Scope(agents=frozenset({MINE})))
    assert seen(sight, queue_state("a")) is Seen.NO
    assert seen(sight, agent_state(OTHER, "a")) is Seen.NO
    assert seen(sight, agent_state(MINE, "a")) is Seen.YES
    verdict, shown = sight.judge(Envelope(0, queue_state("a")))
    assert verdict is Seen.YES
    assert isinstance(shown, QueueState)
    assert [(caller.position, caller.call_id) for caller in shown.waiting] == [(1, "")]
    assert seen(sight, queue_state("b")) is Seen.NO


def test_a_lead_is_told_of_the_teams_queues_and_of_who_works_in_them() -> None:
    sight = ready("lead", Scope(queues=frozenset({"a"}), agents=frozenset({MINE})))
    assert seen(sight, queue_state("a")) is Seen.YES
    assert seen(sight, queue_state("b")) is Seen.NO
    assert seen(sight, agent_state(OTHER, "a")) is Seen.YES
    assert seen(sight, agent_state(MINE)) is Seen.YES
    assert seen(sight, agent_state(OTHER, "b")) is Seen.NO


@pytest.mark.parametrize(
    "event",
    [
        AlertAssigned(at=1.0, alert_id="a", call_id="c", by="lead", to="li"),
        AlertCommented(at=1.0, alert_id="a", call_id="c", by="lead", text="又是他"),
        AlertFeedback(at=1.0, alert_id="a", call_id="c", by="lead", verdict="correct"),
        AlertEscalated(at=1.0, alert_id="a", call_id="c", by="timer", level=2),
    ],
)
async def test_what_leads_say_of_an_alert_stays_among_them(desk: World, event: Any) -> None:
    call = await a_call(desk, "c")
    state = LiveState()
    for envelope in await desk.bus.read(0, ["call_joined", "call_connected"], 10):
        state.apply(envelope)
    event = msgspec.structs.replace(event, call_id=call.id)
    for role, scope, expected in (
        ("agent", Scope(agents=frozenset({MINE})), Seen.NO),
        ("lead", Scope(agents=frozenset({MINE})), Seen.YES),
        ("lead", Scope(agents=frozenset({OTHER})), Seen.NO),
        ("lead", EVERYTHING, Seen.YES),
    ):
        sight = Sight(role, scope)  # type: ignore[arg-type]  # roles of the table above
        sight.begin(state)
        assert seen(sight, event) is expected


def test_what_is_not_known_to_be_in_sight_is_not_shown() -> None:
    sight = ready("lead", Scope(queues=frozenset({"a"})))
    unknown = RingEnded(
        at=1.0,
        call_id="c",
        queue="a",
        agent=MINE,
        attempt_id="1",
        ring_s=1.0,
        rings=1,
        result="no_answer",
    )
    assert seen(sight, unknown) is Seen.NO
