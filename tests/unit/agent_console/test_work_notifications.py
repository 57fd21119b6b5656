"""One's own pushes over the API: addresses come in, work, and never come out again."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from console_rig import is_problem
from console_world import World
from push_service import SECRET, Service
from work_rig import API, Office, office

from agent_console.work.notify import store
from agent_console.work.notify.plan import Notice
from agent_console.work.notify.webpush import public_key
from agent_console.work.service import people

MINE = f"{API}/me/notifications"


@pytest.fixture
async def shop(desk: World) -> AsyncIterator[Office]:
    async with office(desk, notify={"schemes": ["json", "ntfys"], "tests_per_minute": 2}) as shop:
        yield shop


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    threading.Thread(target=service.server.serve_forever, daemon=True).start()
    yield service
    service.server.shutdown()
    service.server.server_close()


async def test_an_address_goes_in_and_never_comes_out(shop: Office, service: Service) -> None:
    lead = await shop.as_("li", "lead")
    target = {"name": "手机", "url": service.url, "severities": ["critical", "critical"]}
    quiet = {"start": "22:00", "end": "07:30"}
    answer = await lead.put(MINE, json={"targets": [target], "quiet": quiet})
    assert answer.status_code == 200, answer.text
    kept = answer.json()
    assert kept["quiet"] == quiet
    assert kept["zone"] == "Asia/Shanghai"
    [known] = kept["targets"]
    assert (known["name"], known["scheme"], known["severities"]) == ("手机", "json", ["critical"])
    again = await lead.get(MINE)
    assert SECRET not in answer.text + again.text
    assert again.json() == kept
    assert [(one.action, one.answer) for one in shop.audit()] == [("notifications", "1 targets")]

    tried = (await lead.post(f"{MINE}/test")).json()
    assert tried == [{"target_id": known["target_id"], "taken": True}]
    assert service.received[0]["title"].startswith("听诊")

    renamed = {"target_id": known["target_id"], "name": "手表", "severities": ["high"]}
    new = {"url": "ntfys://ntfy.example/" + SECRET}
    changed = await lead.put(MINE, json={"targets": [renamed, new]})
    assert [t["scheme"] for t in changed.json()["targets"]] == ["json", "ntfys"]
    assert changed.json()["quiet"] is None
    service.answers = [500]
    assert [t["taken"] for t in (await lead.post(f"{MINE}/test")).json()] == [False, False]
    assert is_problem(await lead.post(f"{MINE}/test"), 429, "too_many_trials")


async def test_nobody_touches_the_targets_of_others(shop: Office, service: Service) -> None:
    lead, manager = await shop.as_("li", "lead"), await shop.as_("ma", "manager")
    answer = await lead.put(MINE, json={"targets": [{"url": service.url}]})
    theirs = answer.json()["targets"][0]["target_id"]
    stolen = await manager.put(MINE, json={"targets": [{"target_id": theirs, "name": "x"}]})
    assert is_problem(stolen, 404, "not_found")
    assert (await manager.get(MINE)).json()["targets"] == []
    assert (await manager.post(f"{MINE}/test")).json() == []
    agent = await shop.as_("an", "agent")
    assert is_problem(await agent.get(MINE), 403, "not_permitted")


async def test_what_cannot_be_used_is_refused_whole(shop: Office, service: Service) -> None:
    lead = await shop.as_("li", "lead")
    await lead.put(MINE, json={"targets": [{"name": "old", "url": service.url}]})
    good = {"url": service.url}
    for bad in (
        {"url": "file:///etc/" + SECRET},
        {"url": "wecombot://" + SECRET},
        {"url": "json://h/?keyfile=/" + SECRET},
    ):
        answer = await lead.put(MINE, json={"targets": [good, bad]})
        assert is_problem(answer, 422, "bad_address"), bad
        assert SECRET not in answer.text
    for bad in (
        {"targets": [{}]},
        {"targets": [{"url": service.url, "severities": ["awful"]}]},
        {"targets": [good] * 30},
        {"targets": [good], "quiet": {"start": "24:00", "end": "07:00"}},
        {"targets": [good], "quiet": {"start": "22:00"}},
        {"targets": [good], "username": "ma"},
    ):
        assert is_problem(await lead.put(MINE, json=bad), 422, "invalid_request"), bad
    assert [t["name"] for t in (await lead.get(MINE)).json()["targets"]] == ["old"]


async def test_a_browser_subscribes_with_the_installations_key(shop: Office) -> None:
    lead = await shop.as_("li", "lead")
    key = (await lead.get(MINE)).json()["web_push_key"]
    assert key == public_key(shop.console.context.desk.keyring)
    browser = {
        "endpoint": f"https://fcm.googleapis.com/fcm/send/{SECRET}",
        "p256dh": key,
        "auth": "k9Xzm43nBGo0123456789A",
    }
    answer = await lead.put(MINE, json={"targets": [{"name": "浏览器", "web_push": browser}]})
    assert [t["scheme"] for t in answer.json()["targets"]] == ["webpush"]
    assert SECRET not in answer.text
    elsewhere = {**browser, "endpoint": f"https://intranet.example/{SECRET}"}
    refused = await lead.put(MINE, json={"targets": [{"web_push": elsewhere}]})
    assert is_problem(refused, 422, "bad_address")
    assert SECRET not in refused.text
    for bad in ({"web_push": browser, "url": "ntfys://h/t"}, {"web_push": {"endpoint": "x"}}):
        answer = await lead.put(MINE, json={"targets": [bad]})
        assert is_problem(answer, 422, "invalid_request"), bad


async def test_who_hears_of_a_call_is_who_may_see_it(shop: Office, service: Service) -> None:
    shop.console.team("east", queues=("预约挂号",))
    shop.console.team("west", queues=("急诊",))
    for name, role, details in (
        ("li", "lead", {"teams": ("east",)}),
        ("wu", "lead", {"teams": ("west",)}),
        ("ma", "manager", {}),
    ):
        client = await shop.as_(name, role, **details)
        await client.put(MINE, json={"targets": [{"url": service.url}]})
    await shop.as_("without", "lead")
    notice = Notice("alert", "a", "taboo", "high", "预约挂号", "PJSIP/1001")
    with shop.world.engine.connect() as connection:
        found = {one.username: one.sees for one in people(connection, notice)}
        assert set(store.all_targets(connection)) == {"li", "wu", "ma"}
    assert found == {"li": True, "wu": False, "ma": True}
