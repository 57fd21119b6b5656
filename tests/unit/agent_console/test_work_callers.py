"""What pops up while the phone rings: who calls, and nothing that is not this user's to see."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from console_rig import is_problem
from console_world import CALLER, Call, World
from sqlalchemy import event, insert
from work_rig import API, Office, office

from agent_console.work import callers
from agent_console.work.secrets import Keyring
from backbone.errors import UserError
from backbone.store.schema import calls


@pytest.fixture
async def shop(desk: World) -> AsyncIterator[Office]:
    async with office(desk) as shop:
        yield shop


async def test_the_agent_whose_phone_rings_is_told_who_calls(shop: Office) -> None:
    before = await shop.call("before", ago=3600)
    elsewhere = await shop.call("elsewhere", agent="PJSIP/1002", ago=1800)
    await shop.call("somebody else", caller="13900139000", ago=900)
    lead, agent = await shop.as_("li", "lead"), await shop.as_("an", "agent")
    await lead.put(f"{API}/calls/{elsewhere.id}/register", json={"need": "退号"})
    body = {"call_id": before.id, "card": "red", "text": "等了三小时"}
    complaint = (await lead.post(f"{API}/complaints", json=body)).json()["complaint"]
    call = Call(shop.world, "now")
    await call.join()
    assert is_problem(await agent.get(f"{API}/calls/{call.id}/caller"), 404, "not_found")
    await call.ring()
    while shop.console.context.projector.state.calls[call.id].state != "ringing":
        await call.ring()
    answer = await agent.get(f"{API}/calls/{call.id}/caller")
    known = answer.json()
    assert (known["number"], known["name"]) == ("•••• 8000", "王＊＊")
    assert CALLER not in answer.text
    assert known["calls"] == 2
    assert [past["call_id"] for past in known["past_calls"]] == [elsewhere.id, before.id]
    assert [one["complaint_id"] for one in known["open_complaints"]] == [complaint["complaint_id"]]
    assert known["last_register"]["record"]["need"] == "退号"
    assert known["card"]["version"] == 0
    for client in (lead, await shop.as_("ma", "manager"), await shop.as_("ad", "admin")):
        assert CALLER not in (await client.get(f"{API}/calls/{call.id}/caller")).text


async def test_a_withheld_number_is_nobody(shop: Office) -> None:
    first = await shop.call("first", caller="anonymous", ago=60)
    call = await shop.call("second", caller="anonymous")
    lead = await shop.as_("li", "lead")
    known = (await lead.get(f"{API}/calls/{call.id}/caller")).json()
    assert (known["caller_id"], known["calls"], known["past_calls"]) == ("", 0, [])
    card = {"call_id": first.id, "tags": ["老"]}
    assert is_problem(await lead.put(f"{API}/callers/x/card", json=card), 404, "not_found")


async def test_a_card_goes_with_the_number_and_is_written_by_those_who_had_the_call(
    shop: Office,
) -> None:
    first = await shop.call("first", ago=60)
    call = await shop.call("second")
    foreign = await shop.call("foreign", agent="PJSIP/1002", caller="13900139000")
    agent = await shop.as_("an", "agent")
    lead = await shop.as_("li", "lead")
    caller_id = (await agent.get(f"{API}/calls/{first.id}/caller")).json()["caller_id"]
    url = f"{API}/callers/{caller_id}/card"
    body = {"call_id": first.id, "name": "王女士", "tags": ["听力差", "听力差"], "note": "说慢一点"}
    assert (await agent.put(url, json=body)).json()["version"] == 1
    card = (await agent.get(f"{API}/calls/{call.id}/caller")).json()["card"]
    assert (card["name"], card["tags"], card["by"]) == ("王女士", ["听力差"], "an")
    assert is_problem(await lead.put(url, json=body), 409, "changed_meanwhile")
    assert (await lead.put(url, json={**body, "version": 1})).json()["version"] == 2
    theirs = (await lead.get(f"{API}/calls/{foreign.id}/caller")).json()["caller_id"]
    for wrong in (
        await agent.put(f"{API}/callers/{theirs}/card", json={**body, "call_id": foreign.id}),
        await agent.put(f"{API}/callers/{theirs}/card", json=body),
        await agent.put(url, json={**body, "call_id": "none"}),
    ):
        assert is_problem(wrong, 404, "not_found")
    for bad in ({"tags": ["x"] * 30}, {"note": "x" * 3000}, {"name": "\x00"}, {"by": "me"}):
        assert is_problem(await agent.put(url, json={**body, **bad}), 422, "invalid_request")
    assert [one.action for one in shop.audit()] == ["caller_card", "caller_card"]
    with shop.world.engine.connect() as connection:
        cards = connection.exec_driver_sql("SELECT * FROM caller_cards").all()
    assert CALLER not in repr(cards)


async def test_the_card_is_read_by_indexes_however_many_calls_there_are(desk: World) -> None:
    rows = [
        {
            "call_id": f"c{number}",
            "system": "pbx",
            "uniqueid": f"{number}.1",
            "visit": 1,
            "queue": "预约",
            "caller": f"138{number % 500:08d}",
            "joined_at": float(number),
        }
        for number in range(5000)
    ]
    asked: list[tuple[str, object]] = []
    with desk.engine.begin() as connection:
        connection.execute(insert(calls), rows)
    event.listen(
        desk.engine,
        "before_cursor_execute",
        lambda _c, _k, statement, parameters, *_: asked.append((statement, parameters)),
    )
    with desk.engine.connect() as connection:
        known = callers.find(connection, Keyring.made_up(), "c4999")
        assert known is not None
        assert (known.calls, len(known.past_calls)) == (9, 9)
        assert len(asked) >= 5
        for statement, parameters in tuple(asked):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            assert not [step.detail for step in plan if step.detail.startswith("SCAN")], statement


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path) -> None:
    path = tmp_path / "console.key"
    first = Keyring.load(path)
    assert path.stat().st_mode & 0o077 == 0
    assert Keyring.load(path).open(first.seal("geheim")) == "geheim"
    assert Keyring.load(path).pseudonym(CALLER) == first.pseudonym(CALLER)
    assert Keyring.made_up().pseudonym(CALLER) != first.pseudonym(CALLER)
    for content in ("", "short", "é", "!" * 44):
        path.write_text(content, "utf-8")
        with pytest.raises(UserError, match="holds no key"):
            Keyring.load(path)
    with pytest.raises(UserError):
        Keyring.load(tmp_path / "none" / "console.key")
