"""Red and yellow cards: how they move, when they are due, who is told when they are late."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from console_rig import is_problem
from console_world import Call, world
from hypothesis import given
from hypothesis import strategies as st
from work_rig import API, Office, office

from agent_console.events import ComplaintOverdue
from agent_console.work.complaint_watch import ComplaintWatch
from agent_console.work.complaints import TRANSITIONS, NotPossibleError, advance, deadlines
from agent_console.work.settings import ComplaintSettings
from backbone.clock import ManualClock
from qa_engine.events import Alert, Evidence

HOUR = 3600.0
ACTIONS = ["note", "assign", "answer", "close", "reopen"]
EVENING = datetime(2026, 3, 2, 23, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock(EVENING.timestamp())


@pytest.fixture
async def shop(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Office]:
    async with world(tmp_path, clock) as desk, office(desk) as shop:
        yield shop


# The table


@pytest.mark.parametrize(("card", "answer_h", "close_h"), [("red", 2, 24), ("yellow", 12, None)])
def test_deadlines_by_card(card, answer_h, close_h) -> None:
    due = deadlines(card, 1000.0, ComplaintSettings())
    assert due == (1000.0 + answer_h * HOUR, close_h and 1000.0 + close_h * HOUR)


@given(st.lists(st.sampled_from(ACTIONS), max_size=12))
def test_a_complaint_is_only_closed_by_closing_and_opened_again_by_reopening(actions) -> None:
    state = "open"
    for action in actions:
        try:
            following = advance(state, action)
        except NotPossibleError:
            assert (state, action) not in TRANSITIONS
            continue
        assert (following == "closed") == (
            action == "close" or (state == "closed" and action != "reopen")
        )
        assert following != "open" or state == "open"
        state = following


# The routes


async def opened(shop: Office, card: str = "red") -> dict:
    call = await shop.call(f"of {card}")
    lead = await shop.as_("li", "lead")
    body = {"call_id": call.id, "card": card, "text": "收费两次"}
    answer = await lead.post(f"{API}/complaints", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def step(client: httpx.AsyncClient, url: str, **body) -> httpx.Response:
    """Do something about a complaint as it stands now."""
    version = (await client.get(url)).json().get("version", 1)
    return await client.patch(url, json={"version": version, **body})


async def test_a_card_opened_by_hand_is_due_in_the_hospitals_zone(shop: Office) -> None:
    red = await opened(shop)
    assert red["answer_due_local"] == "2026-03-03T01:30:00+08:00"
    assert red["close_due_local"] == "2026-03-03T23:30:00+08:00"
    assert red["late"] is False
    assert (red["complaint"]["state"], red["complaint"]["owner"]) == ("open", "li")
    yellow = await opened(shop, "yellow")
    assert yellow["answer_due_local"] == "2026-03-03T11:30:00+08:00"
    assert yellow["close_due_local"] is None
    listed = (await (await shop.as_("ma", "manager")).get(f"{API}/complaints")).json()["items"]
    assert len(listed) == 2


async def test_a_complaint_moves_and_every_step_is_kept(shop: Office, clock: ManualClock) -> None:
    complaint = (await opened(shop))["complaint"]
    url = f"{API}/complaints/{complaint['complaint_id']}"
    lead = await shop.as_("li", "lead")
    await shop.as_("ma", "manager")
    for body, state in [
        ({"action": "note", "text": "查了账单"}, "open"),
        ({"action": "assign", "owner": "ma"}, "open"),
        ({"action": "answer", "text": "已回电"}, "answered"),
        ({"action": "close", "text": "退款", "outcome": "substantiated"}, "closed"),
        ({"action": "reopen", "text": "没退到账"}, "answered"),
        ({"action": "close", "text": "到账", "outcome": "partly"}, "closed"),
    ]:
        await clock.advance(60)
        moved = await step(lead, url, **body)
        assert moved.json()["complaint"]["state"] == state, moved.text
    known = moved.json()
    assert (known["complaint"]["owner"], known["complaint"]["outcome"]) == ("ma", "partly")
    assert known["may"] == ["note", "reopen"]
    assert known["steps"][1]["owner"] == "ma"
    assert (await lead.get(url)).json() == known
    assert known["complaint"]["answered_at"] == EVENING.timestamp() + 180
    assert known["complaint"]["closed_at"] == EVENING.timestamp() + 360
    assert [step["action"] for step in known["steps"]] == [
        "note",
        "assign",
        "answer",
        "close",
        "reopen",
        "close",
    ]
    late = await step(lead, url, action="answer", text="x")
    assert is_problem(late, 409, "not_possible")
    agent = await shop.as_("an", "agent")
    for bad in (
        {"action": "burn", "text": "x"},
        {"action": "note"},
        {"action": "assign"},
        {"action": "note", "text": "x", "owner": "ma"},
        {"action": "note", "text": "x", "outcome": "partly"},
        {"action": "close", "text": "x"},
        {"action": "close", "text": "x", "outcome": "happy"},
        {"action": "assign", "owner": "nobody"},
        {"action": "assign", "owner": "an"},
        {"action": "note", "text": "x" * 3000},
        {"action": "note", "text": "x", "version": 0},
        {"action": "note", "text": "x", "version": None},
    ):
        assert is_problem(await step(lead, url, **bad), 422, "invalid_request")
    gone = await step(lead, f"{API}/complaints/none", action="note", text="x")
    assert is_problem(gone, 404, "not_found")
    assert is_problem(await step(agent, url, action="note", text="x"), 403, "not_permitted")
    assert [one.action for one in shop.audit()][-1] == "complaint_opened"
    assert len(shop.audit()) == 7


async def test_what_another_did_meanwhile_is_not_overwritten(shop: Office) -> None:
    complaint = await opened(shop)
    url = f"{API}/complaints/{complaint['complaint']['complaint_id']}"
    lead, manager = await shop.as_("li", "lead"), await shop.as_("ma", "manager")
    seen = complaint["version"]
    taken = (
        await manager.patch(url, json={"version": seen, "action": "assign", "owner": "ma"})
    ).json()
    assert taken["version"] == seen + 1
    for body in ({"action": "assign", "owner": "li"}, {"action": "note", "text": "我来"}):
        refused = await lead.patch(url, json={"version": seen, **body})
        assert is_problem(refused, 409, "changed_meanwhile"), body
    known = (await lead.get(url)).json()
    assert (known["complaint"]["owner"], len(known["steps"])) == ("ma", 1)
    over = {"version": known["version"], "action": "assign", "owner": "li"}
    assert (await lead.patch(url, json=over)).json()["complaint"]["owner"] == "li"


async def alert(shop: Office, call: Call, kind: str) -> str:
    await shop.world.bus.publish(
        Alert(
            at=shop.world.clock.time(),
            alert_id=f"{call.name}-{kind}",
            call_id=call.id,
            queue=call.queue,
            agent=call.agent,
            rule="r",
            kind=kind,
            severity="high",
            role="customer",
            title="t",
            title_en="t",
            phrase="p",
            start=0.0,
            end=1.0,
            suspected=False,
            evidence=Evidence(),
        )
    )
    return f"{call.name}-{kind}"


async def test_an_alert_becomes_one_complaint_however_often_it_is_opened(shop: Office) -> None:
    call = await shop.call("one")
    agent = await shop.as_("an", "agent")
    threat = await alert(shop, call, "escalation_threat")
    first = await agent.post(f"{API}/complaints", json={"alert_id": threat})
    again = await agent.post(f"{API}/complaints", json={"alert_id": threat, "card": "yellow"})
    assert first.json()["complaint"]["card"] == "red"
    assert again.json()["complaint"] == first.json()["complaint"]
    milder = await alert(shop, call, "customer_complaint")
    opened_ = await agent.post(f"{API}/complaints", json={"alert_id": milder})
    assert opened_.json()["complaint"]["card"] == "yellow"
    other = await alert(shop, call, "taboo_phrase")
    refused = await agent.post(f"{API}/complaints", json={"alert_id": other})
    assert is_problem(refused, 409, "not_a_complaint")
    foreign = await shop.call("foreign", agent="PJSIP/1002")
    theirs = await alert(shop, foreign, "customer_complaint")
    for body in (
        {"alert_id": theirs},
        {"alert_id": "none"},
        {"call_id": foreign.id, "card": "red", "text": "x"},
        {"call_id": "none", "card": "red", "text": "x"},
    ):
        assert is_problem(await agent.post(f"{API}/complaints", json=body), 404, "not_found")
    for body in (
        {},
        {"call_id": call.id},
        {"call_id": call.id, "card": "red"},
        {"call_id": call.id, "alert_id": threat, "card": "red", "text": "x"},
        {"call_id": call.id, "card": "green", "text": "x"},
        {"call_id": call.id, "queue": "收费", "card": "red", "text": "x"},
        {"call_id": call.id, "number": "13800138000", "card": "red", "text": "x"},
        {"queue": "收费"},
    ):
        assert is_problem(await agent.post(f"{API}/complaints", json=body), 422, "invalid_request")
    assert len((await agent.get(f"{API}/complaints")).json()["items"]) == 2


async def test_each_deadline_that_passes_is_told_once(shop: Office, clock: ManualClock) -> None:
    told = shop.world.bus.subscribe("test", ComplaintOverdue)
    watch = ComplaintWatch(ComplaintSettings(), shop.world.bus, clock, shop.world.engine)
    red = (await opened(shop))["complaint"]["complaint_id"]
    answered = (await opened(shop, "yellow"))["complaint"]["complaint_id"]
    lead = await shop.as_("li", "lead")
    reply = {"action": "answer", "text": "已回电"}
    await step(lead, f"{API}/complaints/{answered}", **reply)
    steps = [(2 * HOUR, 0), (1, 1), (HOUR, 1), (21 * HOUR, 2), (48 * HOUR, 2)]
    for seconds, count in steps:
        await clock.advance(seconds)
        await watch.look()
        assert told.depth == count, seconds
    events = [(await anext(told)).event for _ in range(2)]
    assert [(e.complaint_id, e.deadline, e.card) for e in events] == [
        (red, "answer", "red"),
        (red, "close", "red"),
    ]
    overdue = (await lead.get(f"{API}/complaints", params={"state": "overdue"})).json()["items"]
    assert [one["complaint"]["complaint_id"] for one in overdue] == [red]
    assert overdue[0]["late"] is True
    done = {"action": "close", "text": "办结", "outcome": "substantiated"}
    await step(lead, f"{API}/complaints/{red}", **done)
    assert (await lead.get(f"{API}/complaints", params={"state": "overdue"})).json()["items"] == []


async def listed(shop: Office, username: str, role: str, **params) -> list[str]:
    client = await shop.as_(username, role)
    answer = await client.get(f"{API}/complaints", params=params)
    assert answer.status_code == 200, answer.text
    return [one["complaint"]["text"] for one in answer.json()["items"]]


async def test_what_is_due_soonest_stands_first_and_what_is_closed_last(
    shop: Office, clock: ManualClock
) -> None:
    lead = await shop.as_("li", "lead")
    call = await shop.call("one")
    ids = {}
    for card, text in [
        ("yellow", "先到的黄牌"),
        ("red", "红牌"),
        ("yellow", "已答复"),
        ("yellow", "办结了"),
        ("red", "已答复的红牌"),
    ]:
        body = {"call_id": call.id, "card": card, "text": text}
        answer = await lead.post(f"{API}/complaints", json=body)
        ids[text] = answer.json()["complaint"]["complaint_id"]
        await clock.advance(60)
    for text, body in [
        ("已答复", {"action": "answer", "text": "已回电"}),
        ("已答复的红牌", {"action": "answer", "text": "已回电"}),
        ("办结了", {"action": "close", "text": "撤回", "outcome": "withdrawn"}),
    ]:
        await step(lead, f"{API}/complaints/{ids[text]}", **body)
    due = ["红牌", "先到的黄牌", "已答复的红牌", "已答复", "办结了"]
    assert await listed(shop, "li", "lead", order="due") == due
    assert await listed(shop, "li", "lead", order="due", state="unsettled") == due[:-1]
    first = (await lead.get(f"{API}/complaints", params={"order": "due", "limit": 2})).json()
    rest = {"order": "due", "cursor": first["next"]}
    assert await listed(shop, "li", "lead", **rest) == due[2:]
    await clock.advance(3 * HOUR)
    assert await listed(shop, "li", "lead", state="overdue") == ["红牌"]


async def test_a_complaint_is_found_by_call_team_and_who_has_it(shop: Office) -> None:
    shop.console.team("甲", queues=("预约挂号",))
    shop.console.team("乙", queues=("收费",))
    lead, agent = await shop.as_("li", "lead"), await shop.as_("an", "agent")
    call = await shop.call("one")
    by_agent = {"call_id": call.id, "card": "yellow", "text": "坐席登记"}
    filed = (await agent.post(f"{API}/complaints", json=by_agent)).json()
    assert filed["complaint"]["owner"] == ""
    assert filed["caller"] == "•••• 8000"
    letter = {"queue": "收费", "card": "red", "text": "来信", "number": "13900139000"}
    await lead.post(f"{API}/complaints", json=letter)
    assert await listed(shop, "li", "lead", call_id=call.id) == ["坐席登记"]
    assert await listed(shop, "li", "lead", team="甲") == ["坐席登记"]
    assert await listed(shop, "li", "lead", team="乙") == ["来信"]
    assert await listed(shop, "li", "lead", team="丙") == []
    assert await listed(shop, "li", "lead", unassigned="true") == ["坐席登记"]
    assert await listed(shop, "li", "lead", owner="li") == ["来信"]
    # A later call from the number of the letter pops it up; the number itself is not kept.
    again = await shop.call("again", caller="13900139000")
    caller = (await lead.get(f"{API}/calls/{again.id}/caller")).json()
    assert [one["text"] for one in caller["open_complaints"]] == ["来信"]
    owners = (await lead.get(f"{API}/complaints/owners")).json()
    assert [(one["username"], one["role"]) for one in owners] == [("li", "lead")]


async def test_what_one_filed_stays_in_sight_and_a_queue_out_of_it_is_refused(
    shop: Office,
) -> None:
    shop.console.team("甲", queues=("预约挂号",))
    agent = await shop.as_("an", "agent")
    lead = await shop.as_("zhou", "lead", teams=("甲",))
    letter = {"queue": "收费", "card": "red", "text": "窗口收到的信"}
    assert is_problem(await lead.post(f"{API}/complaints", json=letter), 404, "not_found")
    filed = (await agent.post(f"{API}/complaints", json=letter)).json()["complaint"]
    assert await listed(shop, "an", "agent") == ["窗口收到的信"]
    assert await listed(shop, "zhou", "lead") == []
    url = f"{API}/complaints/{filed['complaint_id']}"
    assert is_problem(await lead.get(url), 404, "not_found")
    everywhere = await shop.as_("li", "lead")
    await step(everywhere, url, action="assign", owner="zhou")
    assert await listed(shop, "zhou", "lead") == ["窗口收到的信"]
    other = await shop.as_("bo", "agent", agent="PJSIP/1002")
    assert is_problem(await other.get(url), 404, "not_found")
