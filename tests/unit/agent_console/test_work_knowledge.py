"""The knowledge base: what is found, in which order, and what is kept of every edit."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from console_rig import is_problem
from console_world import World
from hypothesis import given
from hypothesis import strategies as st
from work_rig import API, Office, office

from agent_console.events import KnowledgeEdited
from agent_console.work import knowledge, seed
from qa_engine.guidance.content import load_guidance

ARTICLES = f"{API}/knowledge"


@pytest.fixture
async def shop(desk: World) -> AsyncIterator[Office]:
    async with office(desk) as shop:
        yield shop


async def written(shop: Office, title: str, body: str = "正文", **more) -> dict:
    client = await shop.as_("li", "lead")
    answer = await client.post(ARTICLES, json={"title": title, "body": body, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def found(shop: Office, words: str, **params) -> list[str]:
    client = await shop.as_("an", "agent")
    answer = await client.get(ARTICLES, params={"q": words, **params})
    assert answer.status_code == 200, answer.text
    return [article["title"] for article in answer.json()["items"]]


async def test_words_of_two_characters_are_found_and_titles_come_first(shop: Office) -> None:
    await written(shop, "停车场", "投诉电话在大厅")
    await written(shop, "投诉受理", "先听完再说")
    await written(shop, "医保报销", "带发票", tags=["投诉"])
    assert await found(shop, "投诉") == ["投诉受理", "医保报销", "停车场"]
    assert await found(shop, "投诉 发票") == ["医保报销"]
    assert await found(shop, "诉") == ["投诉受理", "医保报销", "停车场"]
    assert await found(shop, "投诉挂号") == []
    assert await found(shop, "！？") == []
    assert len(await found(shop, "")) == 3


async def test_no_search_does_harm(shop: Office) -> None:
    await written(shop, "投诉受理")
    for words in ("%", "_", '"', '投诉"; DROP TABLE users; --', "*", "\\", "a" * 200):
        assert await found(shop, words) == []
    assert await found(shop, "投诉") == ["投诉受理"]


async def test_only_what_is_in_force_is_found_but_its_keepers_see_all(shop: Office) -> None:
    now = shop.world.clock.time()
    await written(shop, "国庆门诊安排", valid_until=now - 1)
    await written(shop, "春节门诊安排", valid_from=now + 3600)
    await written(shop, "门诊时间", valid_from=now - 1, valid_until=now + 3600)
    assert await found(shop, "门诊") == ["门诊时间"]
    assert await found(shop, "") == ["门诊时间"]
    assert len(await found(shop, "", every="true")) == 3
    assert sorted(await found(shop, "门诊安排", every="true")) == ["国庆门诊安排", "春节门诊安排"]


async def test_topics_narrow_the_search(shop: Office) -> None:
    await written(shop, "门诊停车", topic="parking")
    await written(shop, "门诊挂号", topic="appointment_new")
    assert await found(shop, "门诊", topic="parking") == ["门诊停车"]


async def test_every_edit_is_kept_with_who_and_when_and_stands_on_the_audit_chain(
    shop: Office,
) -> None:
    article = await written(shop, "停车", "在北门")
    url = f"{ARTICLES}/{article['article_id']}"
    lead, manager = await shop.as_("li", "lead"), await shop.as_("ma", "manager")
    edit = {"title": "停车", "body": "在东门", "version": 1}
    assert (await manager.put(url, json=edit)).json()["version"] == 2
    assert is_problem(await lead.put(url, json=edit), 409, "changed_meanwhile")
    assert await found(shop, "北门") == []
    assert await found(shop, "东门") == ["停车"]
    assert is_problem(await lead.delete(url, params={"version": 1}), 409, "changed_meanwhile")
    assert (await lead.delete(url, params={"version": 2})).status_code == 204
    assert await found(shop, "东门") == []
    assert is_problem(await lead.get(url), 404, "not_found")
    assert is_problem(await lead.put(url, json={**edit, "version": 3}), 404, "not_found")
    versions = (await lead.get(f"{url}/history")).json()
    assert [(v["version"], v["by"], v["body"], v["deleted"]) for v in versions] == [
        (3, "li", "在东门", True),
        (2, "ma", "在东门", False),
        (1, "li", "在北门", False),
    ]
    audit = [one for one in shop.audit() if one.target == article["article_id"]]
    assert [one.action for one in audit] == [
        "knowledge_deleted",
        "knowledge_edited",
        "knowledge_edited",
    ]
    for version, one in zip(versions, audit, strict=True):
        assert one.answer == f"version {version['version']} sha256:{version['digest']}"


async def test_a_deleted_article_is_found_by_its_keepers_and_restored_as_it_was(
    shop: Office,
) -> None:
    kept = await written(shop, "停车", "在北门 100%", tags=["车"], topic="parking", valid_from=5.0)
    for title in ("旧价目", "旧路线"):
        old = await written(shop, title, "作废")
        lead = await shop.as_("li", "lead")
        await lead.delete(f"{ARTICLES}/{old['article_id']}", params={"version": 1})
    url = f"{ARTICLES}/{kept['article_id']}"
    assert is_problem(await lead.post(f"{url}/restore", json={"version": 1}), 409, "not_possible")
    await lead.delete(url, params={"version": 1})

    async def gone(**params) -> list[str]:
        answer = await lead.get(f"{ARTICLES}/deleted", params=params)
        return [article["title"] for article in answer.json()["items"]]

    assert await gone() == ["停车", "旧路线", "旧价目"]
    assert await gone(q="100%") == ["停车"]
    assert await gone(q="旧") == ["旧路线", "旧价目"]
    page = (await lead.get(f"{ARTICLES}/deleted", params={"limit": 2})).json()
    assert await gone(cursor=page["next"]) == ["旧价目"]
    agent = await shop.as_("an", "agent")
    for refused in (
        await agent.get(f"{ARTICLES}/deleted"),
        await agent.post(f"{url}/restore", json={"version": 2}),
    ):
        assert is_problem(refused, 403, "not_permitted")
    stale = await lead.post(f"{url}/restore", json={"version": 1})
    assert is_problem(stale, 409, "changed_meanwhile")
    back = await lead.post(f"{url}/restore", json={"version": 2})
    said = {name: back.json()[name] for name in ("title", "body", "tags", "topic", "valid_from")}
    assert said == {name: kept[name] for name in said}
    assert (back.json()["version"], back.json()["deleted"]) == (3, False)
    assert await found(shop, "北门") == ["停车"]
    assert await gone() == ["旧路线", "旧价目"]
    [restored, *_] = [one for one in shop.audit() if one.target == kept["article_id"]]
    [newest, *_] = (await lead.get(f"{url}/history")).json()
    assert restored.action == "knowledge_restored"
    assert restored.answer == f"version 3 sha256:{newest['digest']}"
    missing = await lead.post(f"{ARTICLES}/none/restore", json={"version": 1})
    assert is_problem(missing, 404, "not_found")


async def test_a_version_written_elsewhere_does_not_fit_its_digest(shop: Office) -> None:
    article = await written(shop, "停车", "在北门", tags=["车"])
    lead = await shop.as_("li", "lead")
    [version] = (await lead.get(f"{ARTICLES}/{article['article_id']}/history")).json()
    names = KnowledgeEdited.__struct_fields__
    fields = {name: version[name] for name in names} | {"tags": tuple(version["tags"])}
    assert knowledge.digest(KnowledgeEdited(**fields)) == version["digest"]
    changed = KnowledgeEdited(**{**fields, "body": "在南门"})
    assert knowledge.digest(changed) != version["digest"]


NO_ARTICLES: list[dict] = [
    {},
    {"title": "", "body": "x"},
    {"title": " \t ", "body": "x"},
    {"title": "x" * 300, "body": "x"},
    {"title": "x", "body": "x" * 30_000},
    {"title": "x\x00y", "body": "x"},
    {"title": "x", "body": "x", "tags": ["a"] * 30},
    {"title": "x", "body": "x", "tags": [""]},
    {"title": "x", "body": "x", "valid_from": 2.0, "valid_until": 1.0},
    {"title": "x", "body": "x", "valid_from": -1},
    {"title": "x", "body": "x", "by": "somebody else"},
    {"title": ["x"], "body": "x"},
]


async def test_what_is_no_article_is_refused(shop: Office) -> None:
    lead = await shop.as_("li", "lead")
    for body in NO_ARTICLES:
        assert is_problem(await lead.post(ARTICLES, json=body), 422, "invalid_request"), body
    assert await found(shop, "") == []


def test_each_sample_is_found_by_a_topic_that_there_is() -> None:
    topics = {topic.id for topic in load_guidance().topics}
    assert {article.topic for article in seed.samples()} <= topics


async def test_the_samples_are_sown_once(shop: Office) -> None:
    world = shop.world
    sown = await seed.sow(world.bus, world.clock, world.engine)
    assert sown == len(seed.samples()) >= 8
    assert await seed.sow(world.bus, world.clock, world.engine) == 0
    assert (await found(shop, "医保"))[0] == "异地医保怎么备案和结算"


# Ranking


def test_a_rare_word_says_more_than_a_common_one_and_repetition_wears_off() -> None:
    def score(held: dict[str, int], length: int = 10) -> float:
        return knowledge.score(held, {"rare": 1, "common": 90}, 100, length, 10.0)

    assert score({"rare": 1}) > score({"common": 1}) > 0
    assert score({"rare": 2}) - score({"rare": 1}) > score({"rare": 9}) - score({"rare": 8})
    assert score({"rare": 1}, length=5) > score({"rare": 1}, length=50)


@given(st.text(max_size=20), st.lists(st.text(max_size=8), max_size=3), st.text(max_size=60))
def test_any_article_can_be_indexed(title: str, tags: list[str], body: str) -> None:
    for token, weight in knowledge.weights(title, tags, body).items():
        assert 0 < len(token) <= knowledge.LONGEST_TERM
        assert weight > 0
