"""One inspector scores a call in two windows: none writes over the other unseen."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from console_rig import is_problem
from console_world import World
from work_rig import API, Office, office

from agent_console.work.inspections import draws, store
from agent_console.work.inspections.scoring import Answer


@pytest.fixture
async def shop(desk: World) -> AsyncIterator[Office]:
    async with office(desk) as shop:
        yield shop


async def given(shop: Office) -> str:
    """The path of an inspection of the inspectors in1 and in2."""
    for name in ("in1", "in2"):
        await shop.as_(name, "inspector")
    await shop.call("one")
    lead = await shop.as_("li", "lead")
    now = shop.world.clock.time()
    plan = {"since": now - 3600, "until": now + 60, "inspectors": ["in1", "in2"], "seed": 5}
    drawn = await lead.post(f"{API}/inspections/samples", json=plan)
    [inspection] = drawn.json()["inspection_ids"]
    return f"{API}/inspections/{inspection}"


def kept(answer: httpx.Response) -> tuple[int, dict[str, str]]:
    assert answer.status_code == 200, answer.text
    mine = answer.json()["mine"]
    return mine["version"], {one["item"]: one["answer"] for one in mine["answers"]}


def body(version: int, **answers: str) -> dict[str, object]:
    said = [{"item": item, "answer": given, "note": "x"} for item, given in answers.items()]
    return {"version": version, "answers": said}


async def test_the_second_window_is_told_and_may_then_write_over_it(shop: Office) -> None:
    url = await given(shop)
    one = await shop.as_("in1", "inspector")
    assert kept(await one.get(url)) == (0, {})
    first = body(0, greeting="no")
    assert kept(await one.put(f"{url}/answers", json=first)) == (1, {"greeting": "no"})
    second = await one.put(f"{url}/answers", json=body(0, greeting="yes", closing="no"))
    assert is_problem(second, 409, "changed_meanwhile")
    assert kept(await one.get(url)) == (1, {"greeting": "no"})
    again = await one.put(f"{url}/answers", json=body(1, greeting="yes"))
    assert kept(again) == (2, {"greeting": "yes"})
    other = await shop.as_("in2", "inspector")
    assert kept(await other.put(f"{url}/answers", json=body(0, closing="no")))[0] == 1


async def test_only_the_answers_that_were_seen_are_submitted(shop: Office) -> None:
    url = await given(shop)
    one = await shop.as_("in1", "inspector")
    items = [item["item"] for item in (await one.get(url)).json()["items"]]
    whole = dict.fromkeys(items, "yes")
    await one.put(f"{url}/answers", json=body(0, **whole))
    await one.put(f"{url}/answers", json=body(1, **{**whole, items[0]: "no"}))
    stale = await one.post(f"{url}/submit", params={"version": 1})
    assert is_problem(stale, 409, "changed_meanwhile")
    assert (await one.get(url)).json()["mine"]["submitted_at"] is None
    done = (await one.post(f"{url}/submit", params={"version": 2})).json()
    assert done["mine"]["submitted_at"] is not None
    late = await one.put(f"{url}/answers", json=body(2, **whole))
    assert is_problem(late, 409, "submitted")


async def test_two_programs_do_not_write_the_same_version(shop: Office) -> None:
    # Within one program a lock lets one write at a time; the store holds it among several.
    url = await given(shop)
    inspection = url.rsplit("/", 1)[-1]
    answers = (Answer(item="greeting", answer="no", note="x"),)
    with shop.world.engine.begin() as connection:
        found = store.find(connection, inspection)
        assert found is not None
        card, _ = draws.card_of(connection, found.sample_id)
        written = [
            store.keep_answers(
                connection,
                inspection,
                "in1",
                given,
                version=0,
                card=card,
                submitted_at=None,
            )
            for given in (answers, ())
        ]
        mine = store.score_of(connection, inspection, "in1")
    assert written == [True, False]
    assert mine is not None
    assert (mine.version, mine.answers) == (1, answers)
