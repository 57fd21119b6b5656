"""The register of a call: prefilled, complete or not, every version kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from console_rig import is_problem
from console_world import CALLER, World
from hypothesis import given
from hypothesis import strategies as st
from work_rig import API, Office, office

from agent_console.work.register import FIELDS, Record, completeness, missing, prefilled
from asr.events import TranscriptFinal
from backbone.dispositions import CallRegistered

WHOLE = {
    "age": 35,
    "sex": "female",
    "address": "云海市",
    "channel": "phone",
    "topic": "appointment_new",
    "need": "挂心内科",
    "outcome": "booked",
    "first_contact_resolved": True,
}


@pytest.fixture
async def shop(desk: World) -> AsyncIterator[Office]:
    async with office(desk) as shop:
        yield shop


# Completeness


@pytest.mark.parametrize(
    ("record", "required", "left", "share"),
    [
        (Record(), (), [], 1.0),
        (Record(), ("sex", "age"), ["age", "sex"], 0.0),
        (Record(age=0, sex="male"), ("sex", "age"), [], 1.0),
        (Record(first_contact_resolved=False), ("first_contact_resolved",), [], 1.0),
        (Record(outcome="booked"), ("outcome", "follow_up_due"), [], 1.0),
        (Record(outcome="follow_up"), ("outcome",), ["follow_up_due"], 0.5),
        (Record(outcome="follow_up", follow_up_due=1.0), ("outcome",), [], 1.0),
    ],
)
def test_what_is_missing_is_what_is_required_and_empty(record, required, left, share) -> None:
    assert missing(record, required) == left
    assert completeness(record, required) == share


@given(st.sets(st.sampled_from(FIELDS)), st.sampled_from(["", "booked", "follow_up"]))
def test_a_record_is_whole_when_nothing_is_missing(required, outcome) -> None:
    record = Record(outcome=outcome)
    share = completeness(record, required)
    assert 0 <= share <= 1
    assert (share == 1) == (not missing(record, required))


def test_guesses_fill_only_what_is_empty() -> None:
    filled = prefilled(Record(age=40), {"age": 35, "sex": "male", "nonsense": 1})
    assert filled == Record(age=40, sex="male")


# The routes


def heard(call_id: str, role: str, text: str, segment: str) -> TranscriptFinal:
    return TranscriptFinal(
        at=1_780_000_000.0,
        call_id=call_id,
        role=role,
        leg_id="leg",
        segment_id=segment,
        start=0.0,
        end=1.0,
        text=text,
        language="zh",
        confidence=0.9,
        level_db=-20.0,
        lag_s=0.1,
        decode_s=0.1,
    )


async def test_the_form_comes_filled_with_what_was_heard(shop: Office) -> None:
    call = await shop.call("one")
    hearing = shop.console.context.desk.hearing
    hearing.heard(heard(call.id, "customer", "我想给我妈妈挂心内科，她六十二岁", "s1"))
    hearing.heard(heard(call.id, "agent", "已经帮您预约好了", "s2"))
    agent = await shop.as_("an", "agent")
    form = (await agent.get(f"{API}/calls/{call.id}/register")).json()
    assert form["stored"] is False
    assert form["record"] == {
        "age": 62,
        "sex": "female",
        "address": "",
        "channel": "phone",
        "topic": "",
        "need": "心内科",
        "outcome": "booked",
        "first_contact_resolved": None,
        "follow_up_due": None,
    }
    where = {guess["field"]: guess["segment_id"] for guess in form["guesses"]}
    assert all(guess["start"] is None for guess in form["guesses"])
    assert where == {"age": "s1", "sex": "s1", "need": "s1", "outcome": "s2", "channel": ""}
    assert form["missing"] == ["topic", "first_contact_resolved"]
    assert form["completeness"] == pytest.approx(4 / 6)


async def test_a_record_is_kept_with_its_versions_and_told_to_the_figures(shop: Office) -> None:
    told = shop.world.bus.subscribe("test", CallRegistered)
    call = await shop.call("one")
    agent = await shop.as_("an", "agent")
    url = f"{API}/calls/{call.id}/register"
    first = (await agent.put(url, json={"sex": "male"})).json()
    assert first["missing"] == ["channel", "topic", "need", "outcome", "first_contact_resolved"]
    second = (await agent.put(url, json={**WHOLE, "version": 1})).json()
    assert (second["stored"], second["version"], second["completeness"]) == (True, 2, 1.0)
    assert second["record"] == {**WHOLE, "follow_up_due": None}
    assert second["guesses"] == []
    assert [(v["version"], v["by"], v["record"]["sex"]) for v in second["history"]] == [
        (1, "an", "male"),
        (2, "an", "female"),
    ]
    assert is_problem(await agent.put(url, json={"version": 1}), 409, "changed_meanwhile")
    events = [(await anext(told)).event for _ in range(2)]
    assert [(e.version, e.complete, e.first_contact_resolved) for e in events] == [
        (1, False, None),
        (2, True, True),
    ]
    assert events[1].agent == call.agent
    assert events[1].caller_id
    assert CALLER not in repr(events)
    assert [one.action for one in shop.audit()] == ["register", "register"]


async def test_an_agent_writes_of_own_calls_only_and_sees_own_records_only(shop: Office) -> None:
    mine = await shop.call("mine")
    other = await shop.call("other", agent="PJSIP/1002")
    agent = await shop.as_("an", "agent")
    lead = await shop.as_("li", "lead")
    assert is_problem(
        await agent.put(f"{API}/calls/{other.id}/register", json=WHOLE), 404, "not_found"
    )
    assert is_problem(await agent.get(f"{API}/calls/{other.id}/register"), 404, "not_found")
    for call in (mine, other):
        await lead.put(f"{API}/calls/{call.id}/register", json=WHOLE)
    seen = (await agent.get(f"{API}/registers")).json()["items"]
    assert [one["call_id"] for one in seen] == [mine.id]
    assert len((await lead.get(f"{API}/registers")).json()["items"]) == 2
    inspector = await shop.as_("in", "inspector")
    assert is_problem(
        await inspector.put(f"{API}/calls/{mine.id}/register", json=WHOLE), 403, "not_permitted"
    )


async def test_records_are_listed_page_by_page_and_by_what_is_asked(shop: Office) -> None:
    lead = await shop.as_("li", "lead")
    bodies = [WHOLE, {"topic": "parking"}, {**WHOLE, "outcome": "follow_up", "follow_up_due": 9.0}]
    calls = []
    for number, body in enumerate(bodies):
        calls.append((await shop.call(f"c{number}")).id)
        await lead.put(f"{API}/calls/{calls[-1]}/register", json=body)

    async def listed(**params) -> list[str]:
        answer = await lead.get(f"{API}/registers", params=params)
        return [one["call_id"] for one in answer.json()["items"]]

    assert await listed() == calls[::-1]
    assert await listed(state="incomplete") == [calls[1]]
    assert await listed(state="follow_up") == [calls[2]]
    assert await listed(topic="parking") == [calls[1]]
    assert await listed(agent="PJSIP/9") == []
    page = (await lead.get(f"{API}/registers", params={"limit": 2})).json()
    rest = (await lead.get(f"{API}/registers", params={"cursor": page["next"]})).json()
    assert [one["call_id"] for one in page["items"] + rest["items"]] == calls[::-1]
    bad = await lead.get(f"{API}/registers", params={"cursor": "nonsense!"})
    assert is_problem(bad, 400, "bad_cursor")


NO_RECORDS: list[dict] = [
    {"age": -1},
    {"age": 200},
    {"age": "old"},
    {"sex": "?"},
    {"channel": "fax"},
    {"outcome": "happy"},
    {"address": "x" * 300},
    {"need": "\x07"},
    {"follow_up_due": 1e300},
    {"version": -1},
    {"agent": "PJSIP/1002"},
    {"complete": True},
]


async def test_what_is_no_record_is_refused(shop: Office) -> None:
    call = await shop.call("one")
    agent = await shop.as_("an", "agent")
    url = f"{API}/calls/{call.id}/register"
    for body in NO_RECORDS:
        assert is_problem(await agent.put(url, json=body), 422, "invalid_request"), body
    assert (await agent.get(url)).json()["stored"] is False


async def test_of_an_unknown_call_nothing_is_written(shop: Office) -> None:
    lead = await shop.as_("li", "lead")
    for answer in (
        await lead.put(f"{API}/calls/none/register", json=WHOLE),
        await lead.get(f"{API}/calls/none/register"),
    ):
        assert is_problem(answer, 404, "not_found")


async def test_what_is_typed_is_kept_until_it_is_saved_and_is_the_writers_own(
    shop: Office,
) -> None:
    call = await shop.call("one")
    agent, lead = await shop.as_("an", "agent"), await shop.as_("li", "lead")
    url = f"{API}/calls/{call.id}/register"
    typed = {"version": 0, "need": "挂心内", "age": None, "first_contact_resolved": False}
    kept = (await agent.put(f"{url}/draft", json=typed)).json()["revision"]
    form = (await agent.get(url)).json()
    assert form["stored"] is False
    draft = form["draft"]
    assert sorted(draft["fields"]) == ["age", "first_contact_resolved", "need"]
    assert (draft["version"], draft["record"]["need"]) == (0, "挂心内")
    assert draft["revision"] == kept
    assert (await lead.get(url)).json()["draft"] is None
    unwritten = (await lead.get(f"{API}/registers/unwritten")).json()["items"]
    assert [(one["call_id"], one["draft"]) for one in unwritten] == [(call.id, True)]
    assert [one.action for one in shop.audit()] == []
    saved = (await agent.put(url, json={**WHOLE, "draft": kept})).json()
    assert (saved["draft"], saved["version"]) == (None, 1)
    assert (await lead.get(f"{API}/registers/unwritten")).json()["items"] == []
    kept = (await agent.put(f"{url}/draft", json=typed)).json()["revision"]
    taken_back = {"version": 1, "revision": kept}
    assert (await agent.put(f"{url}/draft", json=taken_back)).json()["revision"] == ""
    assert (await agent.get(url)).json()["draft"] is None
    assert is_problem(await agent.put(f"{url}/draft", json={"age": 400}), 422, "invalid_request")
    assert is_problem(
        await lead.put(f"{API}/calls/none/register/draft", json=typed), 404, "not_found"
    )


async def test_two_windows_of_one_writer_do_not_overwrite_each_others_draft(shop: Office) -> None:
    call = await shop.call("one")
    agent = await shop.as_("an", "agent")
    url = f"{API}/calls/{call.id}/register"

    async def keep(need: str, revision: str) -> httpx.Response:
        return await agent.put(f"{url}/draft", json={"need": need, "revision": revision})

    first = (await keep("左边", "")).json()["revision"]
    assert is_problem(await keep("右边", ""), 409, "changed_meanwhile")
    second = (await keep("左边再写", first)).json()["revision"]
    assert second not in {"", first}
    assert is_problem(await keep("右边", first), 409, "changed_meanwhile")
    # The other window saves what it has seen: what was typed here since is still there.
    saved = (await agent.put(url, json={**WHOLE, "draft": first})).json()
    assert (saved["version"], saved["draft"]["record"]["need"]) == (1, "左边再写")
    # Taken back and begun anew is another draft.
    await agent.put(f"{url}/draft", json={"revision": second})
    assert (await keep("新的", "")).json()["revision"] not in {first, second}
    assert is_problem(await keep("旧的", second), 409, "changed_meanwhile")


async def test_follow_ups_come_by_their_time_until_they_are_made(shop: Office) -> None:
    agent = await shop.as_("an", "agent")
    now = shop.world.clock.time()
    ids = []
    for number, due in enumerate((now + 7200, now - 60, now + 90_000)):
        ids.append((await shop.call(f"c{number}")).id)
        body = {**WHOLE, "outcome": "follow_up", "follow_up_due": due}
        await agent.put(f"{API}/calls/{ids[-1]}/register", json=body)

    async def due(**params) -> list[str]:
        answer = await agent.get(f"{API}/registers", params={"state": "due", **params})
        return [one["call_id"] for one in answer.json()["items"]]

    assert await due() == [ids[1], ids[0], ids[2]]
    assert await due(due_before=now + 86_400) == [ids[1], ids[0]]
    first = (await agent.get(f"{API}/registers", params={"state": "due", "limit": 1})).json()
    assert first["items"][0]["caller"] == "•••• 8000"
    assert await due(cursor=first["next"]) == [ids[0], ids[2]]
    made = {**WHOLE, "outcome": "answered", "follow_up_due": now - 60, "version": 1}
    await agent.put(f"{API}/calls/{ids[1]}/register", json=made)
    assert await due() == [ids[0], ids[2]]


async def test_a_lead_sees_how_far_each_agent_is(shop: Office) -> None:
    lead, agent = await shop.as_("li", "lead"), await shop.as_("an", "agent")
    now = shop.world.clock.time()
    calls = [await shop.call(f"c{number}") for number in range(3)]
    other = await shop.call("other", agent="PJSIP/1002")
    late = {**WHOLE, "outcome": "follow_up", "follow_up_due": now - 60}
    await agent.put(f"{API}/calls/{calls[0].id}/register", json=late)
    await agent.put(f"{API}/calls/{calls[1].id}/register", json={"sex": "male"})
    url = f"{API}/registers/agents"
    mine = {"agent": "PJSIP/1001", "calls": 3, "written": 2, "complete": 1, "due": 1}
    theirs = {"agent": "PJSIP/1002", "calls": 1, "written": 0, "complete": 0, "due": 0}
    assert (await lead.get(url)).json() == [mine, theirs]
    assert (await agent.get(url)).json() == [mine]
    assert (await lead.get(url, params={"to": now - 9e5})).json() == []
    left = (await lead.get(f"{API}/registers/unwritten")).json()["items"]
    assert {one["call_id"] for one in left} == {calls[2].id, other.id}
    assert all(one["number"] == "•••• 8000" for one in left)
    mine_left = (await agent.get(f"{API}/registers/unwritten")).json()["items"]
    assert [one["call_id"] for one in mine_left] == [calls[2].id]
