"""What the rules answered beside what people answer, over edits of the scorecard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from console_world import Call, World
from qa_calls import connected, dialogue, ended, joined, legs, run, spoken
from qa_packs import MANNER_ITEMS, MANNER_LISTS, MANNER_RULES
from work_rig import API, Office, office

from agent_console.work.desk import Desk
from agent_console.work.settings import WorkSettings
from qa_engine.events import Hit, Score
from qa_engine.judge import CallJudge
from qa_engine.pack import load
from qa_engine.score_storage import scores_of

PACK = f"""\
pack: test
version: "1"
lists:
{MANNER_LISTS}rules:
{MANNER_RULES}scorecard:
  id: card
  title: 评分
  title_en: Score
  sections:
    - id: manner
      title: 态度
      title_en: Manner
      weight: 100
{MANNER_ITEMS}"""
MORE = """\
        - {id: calm, title: 平和, title_en: Calm, points: 10, forbidden: [fast_speech]}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    return folder


@pytest.fixture
async def shop(desk: World, rules: Path) -> AsyncIterator[Office]:
    async with office(desk) as shop:
        shop.console.context.desk = Desk.build(
            WorkSettings(inspections={"inspectors": 1}), desk.bus, desk.clock, rules=rules
        )
        await shop.as_("in1", "inspector")
        yield shop


async def judged(shop: Office, rules: Path, name: str, *lines: str) -> Call:
    """A call that the rules as they are now have judged to its end."""
    call = await shop.call(name)
    finals = dialogue(*[("agent", line) for line in lines])
    over = finals[-1].at + 5
    events = [joined(), connected(), *legs(), *spoken(finals), ended(over)]
    judge = CallJudge(load(rules), call.id)
    told = run(judge, sorted(events, key=lambda event: event.at), over + 15)
    for event in told:
        if isinstance(event, Hit | Score):
            await shop.world.bus.publish(event)
    return call


async def drawn(shop: Office) -> list[str]:
    now = shop.world.clock.time()
    plan = {"since": now - 3600, "until": now + 60, "inspectors": ["in1"], "seed": 1}
    lead = await shop.as_("li", "lead")
    answer = await lead.post(f"{API}/inspections/samples", json=plan)
    assert answer.status_code == 201, answer.text
    return [f"{API}/inspections/{one}" for one in answer.json()["inspection_ids"]]


def answered(seen: dict) -> dict[str, tuple[object, object]]:
    return {item["item"]: (item["automatic"], item["automatic_earned"]) for item in seen["items"]}


async def test_a_persons_answers_stand_beside_the_automatic_ones(shop: Office, rules: Path) -> None:
    call = await judged(shop, rules, "one", "随便你", "我们包治百病", "随便你吧")
    [url] = await drawn(shop)
    client = await shop.as_("in1", "inspector")
    seen = (await client.get(url)).json()
    automatic = {"polite": ("no", 10.0), "honest": ("no", 0.0)}
    assert answered(seen) == automatic
    assert (seen["automatic_score"], seen["stale"]) == (0.0, False)
    mine = [
        {"item": "polite", "answer": "no", "earned": 15.0, "note": "第二次是引用"},
        {"item": "honest", "answer": "yes", "note": "说的是别家"},
    ]
    assert (await client.put(f"{url}/answers", json={"answers": mine})).status_code == 200
    done = (await client.post(f"{url}/submit")).json()
    assert done["inspection"]["score"] == 87.5
    # What the rules had answered stays as it was, in the view and in the store.
    assert (answered(done), done["automatic_score"]) == (automatic, 0.0)
    with shop.world.engine.connect() as connection:
        stored = scores_of(connection, [call.id])[call.id]
    assert (stored.score, stored.failed) == (0.0, True)


async def test_an_edited_card_is_another_revision_and_reaches_no_earlier_sample(
    shop: Office, rules: Path
) -> None:
    await judged(shop, rules, "one", "您好")
    [before] = await drawn(shop)
    await judged(shop, rules, "two", "您好")
    (rules / "pack.yaml").write_text(PACK + MORE, encoding="utf-8")
    await judged(shop, rules, "three", "您好")
    client = await shop.as_("in1", "inspector")
    seen = {url: (await client.get(url)).json() for url in [before, *await drawn(shop)]}
    first = seen.pop(before)
    assert (first["stale"], list(answered(first))) == (False, ["polite", "honest"])
    # Drawn after the edit: one call was judged before it, one after.
    by_stale = {view["stale"]: view for view in seen.values()}
    assert answered(by_stale[True])["calm"] == (None, None)
    assert answered(by_stale[False])["calm"] == ("yes", 10.0)
    revisions = {view["revision"] for view in by_stale.values()}
    assert len(revisions | {first["revision"]}) == 2
    # What the older rules did not ask must still be answered by a person.
    url = next(url for url, view in seen.items() if view["stale"])
    two = [{"item": name, "answer": "yes"} for name in ("polite", "honest")]
    await client.put(f"{url}/answers", json={"answers": two})
    assert (await client.post(f"{url}/submit")).status_code == 422


async def test_the_score_of_a_call_that_is_told_twice_is_stored_once(
    shop: Office, rules: Path
) -> None:
    call = await judged(shop, rules, "one", "随便你")
    with shop.world.engine.connect() as connection:
        once = scores_of(connection, [call.id])
    again = await judged(shop, rules, "one", "随便你")
    with shop.world.engine.connect() as connection:
        twice = scores_of(connection, [call.id])
    assert again.id == call.id
    assert msgspec.to_builtins(once) == msgspec.to_builtins(twice)
