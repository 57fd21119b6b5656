"""One's own pushes over the API: addresses come in, work, and never come out again."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from browser_push import Subscriber, browser_push_service
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


BROWSER = {
    "endpoint": f"https://fcm.googleapis.com/fcm/send/{SECRET}",
    "p256dh": Subscriber().p256dh,
    "auth": "k9Xzm43nBGo0123456789A",
}


@pytest.fixture
async def open_shop(desk: World) -> AsyncIterator[Office]:
    """A site that allows pushes to browsers."""
    async with office(desk, notify={"web_push": True}) as shop:
        yield shop


async def test_a_browser_comes_in_only_where_the_site_allows_it(shop: Office) -> None:
    lead = await shop.as_("li", "lead")
    assert not (await lead.get(MINE)).json()["web_push_key"]
    answer = await lead.post(f"{MINE}/browser", json={"subscription": BROWSER})
    assert is_problem(answer, 422, "bad_address")
    assert not (await lead.get(MINE)).json()["targets"]


async def test_a_browser_is_one_target_however_often_it_subscribes(open_shop: Office) -> None:
    lead = await open_shop.as_("li", "lead")
    body = {"name": "Firefox", "subscription": BROWSER}
    first = (await lead.post(f"{MINE}/browser", json=body)).json()["target_id"]
    [target] = (await lead.get(MINE)).json()["targets"]
    assert target == {
        "target_id": first,
        "name": "Firefox",
        "scheme": "webpush",
        "severities": ["high", "critical"],
    }
    kept = {"target_id": first, "name": "值班机", "severities": ["critical"]}
    await lead.put(MINE, json={"targets": [kept]})
    again = await lead.post(f"{MINE}/browser", json=body)
    assert again.json() == {"target_id": first}
    assert SECRET not in again.text
    assert (await lead.get(MINE)).json()["targets"] == [{**kept, "scheme": "webpush"}]


async def test_a_browser_is_whose_it_was_last_and_goes_by_its_owners_hand(
    open_shop: Office,
) -> None:
    li, wu = await open_shop.as_("li", "lead"), await open_shop.as_("wu", "lead")
    body = {"subscription": BROWSER}
    await li.post(f"{MINE}/browser", json=body)
    target = (await wu.post(f"{MINE}/browser", json=body)).json()["target_id"]
    assert not (await li.get(MINE)).json()["targets"]
    assert is_problem(await li.delete(f"{MINE}/{target}"), 404, "not_found")
    assert (await wu.delete(f"{MINE}/{target}")).status_code == 204
    assert is_problem(await wu.delete(f"{MINE}/{target}"), 404, "not_found")
    assert not (await wu.get(MINE)).json()["targets"]


async def test_there_is_an_end_to_ones_browsers(open_shop: Office) -> None:
    lead = await open_shop.as_("li", "lead")

    async def subscribe(number: int) -> httpx.Response:
        endpoint = f"{BROWSER['endpoint']}{number}"
        browser = {"subscription": {**BROWSER, "endpoint": endpoint}}
        return await lead.post(f"{MINE}/browser", json=browser)

    for number in range(store.MOST_TARGETS):
        assert (await subscribe(number)).status_code == 200
    assert is_problem(await subscribe(99), 409, "too_many_targets")
    assert (await subscribe(0)).status_code == 200


async def test_a_trial_that_finds_a_browser_gone_removes_it(desk: World, tmp_path: Path) -> None:
    with browser_push_service(tmp_path) as service:
        async with office(desk, notify={"web_push": True, "web_push_hosts": ["localhost"]}) as shop:
            lead = await shop.as_("li", "lead")
            subscription = Subscriber().subscription(service.endpoint).model_dump()
            await lead.post(f"{MINE}/browser", json={"subscription": subscription})
            [trial] = (await lead.post(f"{MINE}/test")).json()
            assert trial["taken"] is True
            service.status = 410
            [trial] = (await lead.post(f"{MINE}/test")).json()
            assert trial["taken"] is False
            assert not (await lead.get(MINE)).json()["targets"]


async def test_a_browser_subscribes_with_the_installations_key(open_shop: Office) -> None:
    lead, browser = await open_shop.as_("li", "lead"), BROWSER
    key = (await lead.get(MINE)).json()["web_push_key"]
    assert key == public_key(open_shop.console.context.desk.keyring)
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
