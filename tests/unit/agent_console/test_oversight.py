"""Alerts that people work on, the floor, the numbers, the rules, the audit chain, users."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from console_rig import Rig, is_problem, rig
from console_world import Call, World
from sqlalchemy import text

from agent_console.access import API
from agent_console.site import Site
from backbone import audit
from qa_engine.events import AlertEscalated, RuleMuted
from qa_engine.pack import DEFAULT_PACK, load
from telephony.events import AgentState, QueueState, WaitingCaller


@pytest.fixture
async def console(desk: World) -> AsyncIterator[Rig]:
    async with rig(desk, site=Site(pack=lambda: load(DEFAULT_PACK))) as console:
        yield console


@pytest.fixture
async def wang(console: Rig) -> AsyncIterator[httpx.AsyncClient]:
    async with console.log_in("wang", "lead") as wang:
        yield wang


async def an_alert(desk: World, name: str = "one", **details: Any) -> tuple[Call, str]:
    call = Call(desk, name)
    await call.join(ago=50)
    await call.connect(ago=40)
    return call, await call.alert("a", **details)


# Alerts


async def test_an_alert_is_given_remarked_on_passed_up_and_judged(
    desk: World, console: Rig, wang: httpx.AsyncClient
) -> None:
    console.user("zhou", "inspector")
    _, alert = await an_alert(desk)
    path = f"{API}/alerts/{alert}"
    assert (await wang.post(f"{path}/assign", json={"to": "zhou"})).json()["assigned_to"] == "zhou"
    assert (await wang.post(f"{path}/comment", json={"text": "请复听"})).json()["comments"] == 1
    assert (await wang.post(f"{path}/escalate")).json()["escalation"] == 2
    judged = (await wang.post(f"{path}/feedback", json={"verdict": "false_alarm"})).json()
    assert (judged["state"], judged["verdict"]) == ("judged", "false_alarm")
    assert judged["acknowledged_by"] == "wang"
    detail = (await wang.get(path)).json()
    assert detail["alert"]["verdict"] == "false_alarm"
    assert [(step["what"], step["detail"] or step["text"]) for step in detail["steps"]] == [
        ("alert_assigned", "zhou"),
        ("alert_commented", "请复听"),
        ("alert_escalated", "2"),
        ("alert_feedback", "false_alarm"),
    ]
    with desk.engine.connect() as connection:
        assert {entry.who for entry in audit.entries(connection)} == {"wang"}
        assert audit.verify(connection).whole


async def test_what_is_judged_is_not_passed_up_any_more(
    desk: World, wang: httpx.AsyncClient
) -> None:
    _, alert = await an_alert(desk)
    await wang.post(f"{API}/alerts/{alert}/feedback", json={"verdict": "correct"})
    answer = await wang.post(f"{API}/alerts/{alert}/escalate")
    assert is_problem(answer, 409, "not_possible")


async def test_passing_up_ends_at_the_top(desk: World, wang: httpx.AsyncClient) -> None:
    call, alert = await an_alert(desk)
    top = AlertEscalated(at=desk.clock.time(), alert_id=alert, call_id=call.id, by="timer", level=9)
    await desk.bus.publish(top)
    answer = await wang.post(f"{API}/alerts/{alert}/escalate")
    assert is_problem(answer, 409, "not_possible")


@pytest.mark.parametrize("to", ["nobody-known", "li"])
async def test_an_alert_is_given_to_nobody_who_could_not_see_to_it(
    desk: World, console: Rig, wang: httpx.AsyncClient, to: str
) -> None:
    console.user("li", "agent")
    _, alert = await an_alert(desk)
    answer = await wang.post(f"{API}/alerts/{alert}/assign", json={"to": to})
    assert is_problem(answer, 422, "invalid_request")


async def test_alerts_are_filtered(desk: World, console: Rig, wang: httpx.AsyncClient) -> None:
    console.user("zhou", "inspector")
    _, high = await an_alert(desk, "one", severity="high")
    _, low = await an_alert(desk, "two", severity="low", title="等候过久", title_en="Long wait")
    await wang.post(f"{API}/alerts/{high}/assign", json={"to": "zhou"})
    await wang.post(f"{API}/alerts/{low}/ack")
    for query, expected in (
        ({"severity": ["high", "critical"]}, {high}),
        ({"assigned": "zhou"}, {high}),
        ({"assigned": "me"}, set()),
        ({"assigned": "nobody"}, {low}),
        ({"unread": "true"}, {high}),
        ({"state": "acknowledged"}, {low}),
        ({"q": "等候"}, {low}),
        ({"q": "%"}, set()),
        ({"rule": "taboo.attitude"}, {high, low}),
        ({"queue": "other"}, set()),
        ({"from": desk.clock.time() + 5}, set()),
    ):
        answer = await wang.get(f"{API}/alerts", params=query)
        assert {item["alert_id"] for item in answer.json()["items"]} == expected, query


async def test_an_agent_is_not_told_what_leads_say_of_an_alert(
    desk: World, console: Rig, wang: httpx.AsyncClient
) -> None:
    _, alert = await an_alert(desk)
    await wang.post(f"{API}/alerts/{alert}/comment", json={"text": "又是他"})
    await wang.post(f"{API}/alerts/{alert}/feedback", json={"verdict": "correct"})
    async with console.log_in("li", "agent", agent="PJSIP/1001") as li:
        detail = (await li.get(f"{API}/alerts/{alert}")).json()
        assert detail["steps"] == []
        assert (detail["alert"]["comments"], detail["alert"]["verdict"]) == (0, None)


async def test_a_rule_is_muted_on_one_call(desk: World, wang: httpx.AsyncClient) -> None:
    heard = desk.bus.subscribe("test", RuleMuted)
    call, _ = await an_alert(desk)
    for muted in (True, False):
        body = {"rule": "taboo.attitude", "muted": muted}
        assert (await wang.post(f"{API}/calls/{call.id}/mute", json=body)).status_code == 204
        event = (await anext(heard)).event
        assert isinstance(event, RuleMuted)
        assert (event.call_id, event.by, event.muted) == (call.id, "wang", muted)


# The floor


async def test_the_floor_tells_agents_and_queues_to_whom_they_belong(
    desk: World, console: Rig
) -> None:
    now = desk.clock.time()
    for agent, queue in (("PJSIP/1001", "a"), ("PJSIP/1002", "b")):
        desk.bus.emit(
            AgentState(
                at=now,
                system="pbx",
                agent=agent,
                name=f"员{agent[-1]}",
                state="paused",
                since=now - 60,
                reason="午餐",
                queues=(queue,),
                missed_in_a_row=2,
            )
        )
        desk.bus.emit(
            QueueState(
                at=now,
                system="pbx",
                queue=queue,
                waiting=(WaitingCaller(call_id="c", position=1, since=now - 30),),
                longest_since=now - 30,
                members=3,
                available=1,
                paused=1,
            )
        )
    call = Call(desk, "answered", queue="a")
    await call.join(ago=20)
    await call.connect(ago=10)
    await call.end()
    await console.context.projector.reach(desk.bus.last_seq)
    console.team("甲组", queues=("a",))
    async with (
        console.log_in("all", "manager") as everything,
        console.log_in("team", "lead", teams=("甲组",)) as team,
        console.log_in("li", "agent", agent="PJSIP/1002") as li,
    ):
        rows = (await everything.get(f"{API}/agents")).json()
        assert [(row["agent"], row["state"], row["missed_rings"]) for row in rows] == [
            ("PJSIP/1001", "paused", 2),
            ("PJSIP/1002", "paused", 2),
        ]
        queues = (await everything.get(f"{API}/queues")).json()
        assert [queue["queue"] for queue in queues] == ["a", "b"]
        assert queues[0]["longest_wait_s"] == pytest.approx(30, abs=20)
        assert (queues[0]["offered"], queues[0]["answered"]) == (1, 1)
        assert queues[0]["service_level"] == 1.0
        assert queues[0]["waiting"][0]["call_id"] == "c"
        for path in ("agents", "queues"):
            assert len((await team.get(f"{API}/{path}")).json()) == 1
        assert [row["agent"] for row in (await li.get(f"{API}/agents")).json()] == ["PJSIP/1002"]
        mine = (await li.get(f"{API}/queues")).json()
        assert [queue["queue"] for queue in mine] == ["b"]
        assert mine[0]["waiting"][0]["call_id"] == ""


# Numbers, rules, the chain


async def test_the_numbers_stand_beside_their_targets_and_within_the_scope(
    desk: World, console: Rig
) -> None:
    for queue in ("a", "a", "b"):
        call = Call(desk, f"{queue}{desk.bus.last_seq}", queue=queue)
        await call.join(ago=20)
        await call.connect(ago=10)
        await call.end()
    console.team("甲组", queues=("b",))
    async with (
        console.log_in("all", "manager") as everything,
        console.log_in("team", "lead", teams=("甲组",)) as team,
    ):
        whole = (await everything.get(f"{API}/kpi", params={"by": "queue"})).json()
        assert whole["total"]["answered"] == 3
        assert whole["targets"]["answer_rate"] == {
            "direction": "at_least",
            "value": 0.98,
            "met": True,
        }
        assert [(row["key"], row["kpis"]["answered"]) for row in whole["rows"]] == [
            ("a", 2),
            ("b", 1),
        ]
        assert (await team.get(f"{API}/kpi")).json()["total"]["answered"] == 1
        for period in ("day", "week", "month"):
            for by in ("queue", "agent", "team", "hour", "day"):
                query = {"period": period, "by": by, "on": "2026-02-28"}
                answer = await everything.get(f"{API}/kpi", params=query)
                assert answer.json()["total"]["answered"] == 0
        for on in ("0001-01-01", "9999-12-31", "2026-02-30"):
            answer = await everything.get(f"{API}/kpi", params={"on": on, "period": "month"})
            assert answer.status_code in {200, 422}, on


async def test_each_rule_tells_how_often_it_was_right(desk: World, wang: httpx.AsyncClient) -> None:
    for name, verdict in (("one", "correct"), ("two", "correct"), ("three", "false_alarm")):
        _, alert = await an_alert(desk, name)
        await wang.post(f"{API}/alerts/{alert}/feedback", json={"verdict": verdict})
    rules = (await wang.get(f"{API}/rules")).json()
    pack = load(DEFAULT_PACK)
    assert (rules["pack"], rules["version"]) == (pack.name, pack.version)
    assert len(rules["rules"]) >= len(pack.rules)
    judged = [rule for rule in rules["rules"] if rule["rule"] == "taboo.attitude"]
    assert [(rule["alerts"], rule["correct"], rule["false_alarm"]) for rule in judged] == [
        (3, 2, 1)
    ]
    assert judged[0]["precision"] == pytest.approx(2 / 3)
    assert (await wang.get(f"{API}/rules/versions")).json() == []


async def test_the_chain_is_shown_filtered_and_checked(desk: World, console: Rig) -> None:
    async with console.log_in("root", "admin") as root:
        body = {"username": "li", "role": "agent"}
        assert (await root.post(f"{API}/users", json=body)).status_code == 201
        await root.put(f"{API}/teams/{'甲组'}", json={"queues": ["a"]})
        rows = (await root.get(f"{API}/audit")).json()["items"]
        assert [(row["action"], row["target"]) for row in rows] == [
            ("team_changed", "甲组"),
            ("user_created", "li"),
        ]
        first = (await root.get(f"{API}/audit", params={"limit": 1})).json()
        rest = await root.get(f"{API}/audit", params={"limit": 1, "cursor": first["next"]})
        assert [row["number"] for row in rest.json()["items"]] == [1]
        only = await root.get(f"{API}/audit", params={"action": "user_created", "who": "root"})
        assert len(only.json()["items"]) == 1
        verdict = (await root.post(f"{API}/audit/verify")).json()
        assert (verdict["whole"], verdict["rows"]) == (True, 2)
        with desk.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER IF EXISTS audit_no_update"))
            triggers = connection.execute(
                text("SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='audit'")
            ).scalars()
            for trigger in list(triggers):
                connection.execute(text(f"DROP TRIGGER {trigger}"))
            connection.execute(text("UPDATE audit SET who='somebody' WHERE number=1"))
        verdict = (await root.post(f"{API}/audit/verify")).json()
        assert (verdict["whole"], verdict["broken"]) == (False, 1)


# Users


async def test_users_are_made_changed_let_in_and_removed(console: Rig) -> None:
    async with console.log_in("root", "admin") as root, console.client() as li:
        made = await root.post(
            f"{API}/users", json={"username": "li", "role": "agent", "agent": "PJSIP/1001"}
        )
        assert made.json()["has_password"] is False
        again = await root.post(f"{API}/users", json={"username": "li", "role": "lead"})
        assert is_problem(again, 409, "user_exists")
        link = (await root.post(f"{API}/users/li/link")).json()
        token = link["path"].partition("#t=")[2]
        assert (await li.post(f"{API}/login/link", json={"token": token})).status_code == 200
        assert (await li.patch(f"{API}/me", json={"language": "en"})).json()["language"] == "en"
        chosen = await li.post(f"{API}/me/password", json={"new": "a good long one"})
        assert chosen.status_code == 204
        [mine] = (await li.get(f"{API}/sessions")).json()
        assert (mine["username"], mine["via"], mine["current"]) == ("li", "password", True)
        # A changed role takes hold at once: the old session is no more.
        await root.patch(f"{API}/users/li", json={"role": "lead"})
        assert is_problem(await li.get(f"{API}/me"), 401, "login_required")
        assert (await root.delete(f"{API}/users/li")).status_code == 204
        assert is_problem(await root.delete(f"{API}/users/li"), 404, "not_found")
        assert is_problem(await root.delete(f"{API}/users/root"), 422, "invalid_request")


async def test_a_manager_makes_no_admin_and_touches_none(console: Rig) -> None:
    console.user("root", "admin")
    console.user("li", "agent")
    async with console.log_in("wu", "manager") as wu:
        for answer in (
            await wu.post(f"{API}/users", json={"username": "me2", "role": "admin"}),
            await wu.patch(f"{API}/users/li", json={"role": "admin"}),
            await wu.patch(f"{API}/users/root", json={"name": "x"}),
            await wu.delete(f"{API}/users/root"),
            await wu.post(f"{API}/users/root/link"),
        ):
            assert is_problem(answer, 403, "not_permitted")


async def test_sessions_are_ended_from_afar(console: Rig) -> None:
    async with (
        console.log_in("root", "admin") as root,
        console.log_in("wang", "lead") as wang,
        console.log_in("zhou", "inspector") as zhou,
    ):
        known = {s["username"]: s["id"] for s in (await root.get(f"{API}/sessions")).json()}
        foreign = await zhou.delete(f"{API}/sessions/{known['wang']}")
        assert is_problem(foreign, 404, "not_found")
        assert (await wang.get(f"{API}/me")).status_code == 200
        assert (await root.delete(f"{API}/sessions/{known['wang']}")).status_code == 204
        assert is_problem(await wang.get(f"{API}/me"), 401, "login_required")


async def test_a_team_that_somebody_has_stays(console: Rig) -> None:
    async with console.log_in("root", "admin") as root:
        await root.put(f"{API}/teams/night", json={"queues": ["b", "a"], "agents": []})
        console.user("wang", "lead", teams=("night",))
        shown = (await root.get(f"{API}/teams")).json()
        assert shown == [{"team": "night", "queues": ["a", "b"], "agents": []}]
        assert is_problem(await root.delete(f"{API}/teams/night"), 409, "team_in_use")
        await root.patch(f"{API}/users/wang", json={"teams": []})
        assert (await root.delete(f"{API}/teams/night")).status_code == 204
        assert is_problem(await root.delete(f"{API}/teams/night"), 404, "not_found")


# What calls are about


async def test_everybody_may_read_what_calls_can_be_about(console: Rig) -> None:
    async with console.log_in("li", "agent") as agent:
        topics = (await agent.get(f"{API}/topics")).json()
    assert len(topics) == 42
    assert all(topic["topic"] and topic["title"] and topic["title_en"] for topic in topics)


async def test_without_guidance_that_can_be_used_there_are_no_topics(
    console: Rig, tmp_path: Path
) -> None:
    (tmp_path / "guidance").mkdir()
    (tmp_path / "guidance" / "topics.yaml").write_text("topics: 5")
    console.context.desk.rules = tmp_path
    async with console.log_in("li", "agent") as agent:
        assert (await agent.get(f"{API}/topics")).json() == []
