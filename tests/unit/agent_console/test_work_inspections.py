"""Scoring by people: the draw, the agreement, the score, and the way from sample to review."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import msgspec
import pytest
from console_rig import is_problem
from console_world import World
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert
from work_rig import API, Office, office

from agent_console.work.inspections.agreement import Scored, agreement, report
from agent_console.work.inspections.sampling import Candidate, draw
from agent_console.work.inspections.scoring import (
    TRANSITIONS,
    Answer,
    AnswersError,
    Result,
    check,
    combine,
    corrected,
    score,
)
from backbone.store.tables.scoring import call_scores
from qa_engine.events import Evidence, Hit, ScoreItem
from qa_engine.pack.loader import DEFAULT_PACK, load
from qa_engine.pack.reading import read
from qa_engine.scorecard import Scorecard

_, _FILE, _ = read("scorecard.yaml", (DEFAULT_PACK / "scorecard.yaml").read_bytes())
assert _FILE is not None
assert _FILE.scorecard is not None
CARD: Scorecard = _FILE.scorecard
ITEMS = [(section, item) for section in CARD.sections for item in section.items]
NAMES = [item.id for _, item in ITEMS]


# The draw


def calls(agents: int, each: int) -> list[Candidate]:
    return [
        Candidate(f"{agent}-{call}", "q", f"a{agent}")
        for agent in range(agents)
        for call in range(each)
    ]


def test_a_draw_takes_so_many_of_each_agent_and_cuts_all_alike() -> None:
    drawn = draw(calls(4, 10), per_agent=3, most=8, inspectors=["x", "y"], each=2, seed=1)
    assert sorted(Counter(one.candidate.agent for one in drawn).values()) == [2, 2, 2, 2]
    assert all(sorted(one.inspectors) == ["x", "y"] for one in drawn)


def test_the_same_seed_draws_the_same_whatever_the_order() -> None:
    def ids(candidates: list[Candidate], seed: int) -> list[str]:
        drawn = draw(candidates, per_agent=2, most=99, inspectors=["x", "y"], each=1, seed=seed)
        return [one.candidate.call_id for one in drawn]

    assert ids(calls(5, 9), 7) == ids(calls(5, 9)[::-1], 7)
    assert ids(calls(5, 9), 7) != ids(calls(5, 9), 8)


@given(
    st.integers(0, 4), st.integers(0, 6), st.integers(1, 4), st.integers(1, 9), st.integers(2, 5)
)
def test_no_draw_is_unfair(agents, each, per_agent, most, people) -> None:
    inspectors = [f"i{number}" for number in range(people)]
    drawn = draw(
        calls(agents, each),
        per_agent=per_agent,
        most=most,
        inspectors=inspectors,
        each=2,
        seed=3,
    )
    assert len(drawn) == min(most, agents * min(each, per_agent))
    assert len({one.candidate for one in drawn}) == len(drawn)
    loads = Counter(dict.fromkeys(inspectors, 0))
    for one in drawn:
        assert len(set(one.inspectors)) == 2
        loads.update(one.inspectors)
    assert max(loads.values()) - min(loads.values()) <= 1


# Agreement


@pytest.mark.parametrize(
    ("table", "percent", "kappa"),
    [
        # Cohen's formula by hand: p_o = 35/50, p_e = (25·30 + 25·20)/50² = 0.5.
        ({("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15}, 70.0, 0.4),
        ({("y", "y"): 5, ("n", "n"): 5}, 100.0, 1.0),
        ({("y", "n"): 5, ("n", "y"): 5}, 0.0, -1.0),
        ({("y", "y"): 10}, 100.0, None),
        ({("y", "y"): 25, ("y", "n"): 25, ("n", "y"): 25, ("n", "n"): 25}, 50.0, 0.0),
        ({}, None, None),
    ],
)
def test_kappa_is_agreement_beyond_chance(table, percent, kappa) -> None:
    pairs = [pair for pair, count in table.items() for _ in range(count)]
    found = agreement(pairs)
    assert (found.answers, found.percent, found.kappa) == (len(pairs), percent, kappa)


@given(st.lists(st.tuples(st.sampled_from("yn-"), st.sampled_from("yn-")), max_size=30))
def test_kappa_stays_in_its_bounds_and_does_not_mind_who_is_first(pairs) -> None:
    found = agreement(pairs)
    assert found == agreement([(second, first) for first, second in pairs])
    assert found.kappa is None or -1.0 <= found.kappa <= 1.0
    assert found.percent != 100.0 or found.kappa in {1.0, None}


def test_a_report_compares_the_same_calls_by_item_and_pair() -> None:
    found = report(
        [
            Scored("c1", "b", {"x": "yes", "y": "no"}),
            Scored("c1", "a", {"x": "yes", "y": "yes"}),
            Scored("c2", "a", {"x": "no"}),
        ]
    )
    assert found.calls == 1
    assert found.overall.percent == 50.0
    assert {item: one.percent for item, one in found.items.items()} == {"x": 100.0, "y": 0.0}
    assert list(found.pairs) == [("a", "b")]


# The score


def answers(**changed: str) -> list[Answer]:
    return [Answer(item=name, answer=changed.get(name, "yes"), note="x") for name in NAMES]


def test_all_yes_is_full_a_critical_no_is_nothing_and_na_weighs_nothing() -> None:
    assert score(CARD, answers()) == 100.0
    critical = next(item.id for _, item in ITEMS if item.critical)
    assert score(CARD, answers(**{critical: "no"})) == 0.0
    assert score(CARD, answers(**{NAMES[0]: "na"})) == 100.0
    assert score(CARD, answers(**dict.fromkeys(NAMES, "na"))) is None
    half = [Answer(item="language", answer="no", earned=10.0)]
    assert score(CARD, half) == 50.0


@pytest.mark.parametrize(
    ("given_", "whole", "reason"),
    [
        ([Answer(item="nonsense", answer="yes")], False, "no item nonsense"),
        ([Answer(item="greeting", answer="yes")] * 2, False, "answered twice"),
        ([Answer(item="greeting", answer="no")], False, "give evidence"),
        ([Answer(item="greeting", answer="no", note="  ")], False, "give evidence"),
        ([Answer(item="greeting", answer="no", earned=11.0, note="x")], False, "has 10 points"),
        ([Answer(item="greeting", answer="yes")], True, "not answered yet: closing"),
    ],
)
def test_answers_that_do_not_fit_are_refused(given_, whole, reason) -> None:
    with pytest.raises(AnswersError, match=reason):
        check(CARD, {"greeting": "yes", "closing": "pending"}, given_, whole=whole)


def test_a_change_with_evidence_and_an_answer_to_what_was_open_are_taken() -> None:
    automatic = {"greeting": "yes", "closing": "pending"}
    for answer in (
        Answer(item="greeting", answer="no", segment_id="s1"),
        Answer(item="greeting", answer="yes"),
        Answer(item="closing", answer="no"),
        Answer(item="readback", answer="na"),
    ):
        check(CARD, automatic, [answer], whole=False)


def test_what_inspectors_agree_on_stands_and_the_rest_is_disputed() -> None:
    result = combine(CARD, [answers(), answers(greeting="no")])
    assert result.disputed == ("greeting",)
    assert [answer.item for answer in result.answers] == NAMES[1:]
    assert result.score == round((100.0 + (score(CARD, answers(greeting="no")) or 0)) / 2, 1)
    with pytest.raises(AnswersError, match="do not decide on: greeting"):
        corrected(CARD, result, [])
    final = corrected(CARD, result, [Answer(item="greeting", answer="yes")])
    assert final == Result(answers=final.answers, score=100.0)
    assert [answer.item for answer in final.answers] == NAMES


def test_no_state_is_left_without_a_way_in_and_only_the_last_without_a_way_out() -> None:
    targets = set(TRANSITIONS.values())
    sources = {state for state, _ in TRANSITIONS}
    assert targets - sources == {"reviewed"}
    assert sources - targets == {"open"}


# The routes


@pytest.fixture
async def shop(desk: World) -> AsyncIterator[Office]:
    async with office(desk) as shop:
        for name in ("in1", "in2"):
            await shop.as_(name, "inspector")
        yield shop


def scored(shop: Office, call_id: str, **found: str) -> None:
    items = tuple(
        ScoreItem(
            section=section.id,
            item=item.id,
            title=item.title,
            title_en=item.title_en,
            answer=found.get(item.id, "yes"),
            points=item.points,
            earned=item.points,
        )
        for section, item in ITEMS
    )
    with shop.world.engine.begin() as connection:
        connection.execute(
            insert(call_scores).values(
                call_id=call_id,
                queue="预约挂号",
                agent="PJSIP/1001",
                card=CARD.id,
                revision=load(DEFAULT_PACK).version,
                score=90.0,
                failed=False,
                items=msgspec.json.encode(items).decode(),
                at=1.0,
            )
        )


def plan(shop: Office, **more) -> dict:
    now = shop.world.clock.time()
    return {
        "since": now - 3600,
        "until": now + 60,
        "inspectors": ["in1", "in2"],
        "seed": 5,
        **more,
    }


def body(**changed: str) -> dict:
    return {
        "answers": [
            {"item": name, "answer": changed.get(name, "yes"), "note": "听录音 00:10"}
            for name in NAMES
        ]
    }


async def sample(shop: Office, **more) -> list[str]:
    lead = await shop.as_("li", "lead")
    answer = await lead.post(f"{API}/inspections/samples", json=plan(shop, **more))
    assert answer.status_code == 201, answer.text
    return answer.json()["inspection_ids"]


async def test_two_inspectors_score_blind_and_an_appeal_corrects_the_result(shop: Office) -> None:
    call = await shop.call("one")
    text = "你自己不会看吗"
    await call.hit("s1", text, "不会看")
    scored(shop, call.id, greeting="no")
    [inspection] = await sample(shop)
    url = f"{API}/inspections/{inspection}"
    one, two = await shop.as_("in1", "inspector"), await shop.as_("in2", "inspector")
    agent, manager = await shop.as_("an", "agent"), await shop.as_("ma", "manager")

    seen = (await one.get(url)).json()
    automatic = {item["item"]: item["automatic"] for item in seen["items"]}
    assert automatic == {name: "no" if name == "greeting" else "yes" for name in NAMES}
    assert (seen["stale"], seen["may"], seen["scores"]) == (False, ["answers", "submit"], [])
    assert is_problem(await agent.get(url), 404, "not_found")

    refused = await one.put(
        f"{url}/answers", json={"answers": [{"item": "greeting", "answer": "yes"}]}
    )
    assert is_problem(refused, 422, "bad_answers")
    assert (await one.put(f"{url}/answers", json=body())).status_code == 200
    done = (await one.post(f"{url}/submit")).json()
    assert (done["mine"]["score"], done["inspection"]["state"]) == (100.0, "open")
    assert is_problem(await one.put(f"{url}/answers", json=body()), 409, "submitted")

    blind = await two.get(url)
    assert blind.json()["scores"] == []
    for client in (two, manager):
        listed = (await client.get(f"{API}/inspections")).json()["items"]
        assert [(p["inspector"], p["submitted"], p["score"]) for p in listed[0]["inspectors"]] == [
            ("in1", True, None),
            ("in2", False, None),
        ]
    assert is_problem(await two.post(f"{url}/submit"), 422, "bad_answers")
    await two.put(f"{url}/answers", json=body(language="no"))
    both = (await two.post(f"{url}/submit")).json()
    assert both["inspection"]["state"] == "scored"
    assert both["inspection"]["result"]["disputed"] == ["language"]
    assert {one["inspector"] for one in both["scores"]} == {"in1", "in2"}

    result = (await agent.get(url)).json()
    assert (result["scores"], result["mine"], result["may"]) == ([], None, ["appeal"])
    assert (await agent.get(f"{API}/inspections")).json()["items"][0]["inspectors"] == []
    assert "in1" not in (await agent.get(url)).text
    assert (await agent.post(f"{url}/appeal", json={"text": "客户先挂断"})).status_code == 200
    assert is_problem(await agent.post(f"{url}/appeal", json={"text": "x"}), 409, "not_possible")

    undecided = await manager.post(f"{url}/review", json={"text": "成立"})
    assert is_problem(undecided, 422, "bad_answers")
    decision = {"text": "成立", "answers": [{"item": "language", "answer": "yes"}]}
    final = (await manager.post(f"{url}/review", json=decision)).json()
    assert (final["inspection"]["state"], final["inspection"]["score"]) == ("reviewed", 100.0)
    again = await manager.post(f"{url}/review", json=decision)
    assert is_problem(again, 409, "not_possible")
    assert (await agent.get(url)).json()["inspection"]["decided_by"] == ""
    assert [one.action for one in shop.audit()] == [
        "inspection_review",
        "inspection_appeal",
        "inspection_submit",
        "inspection_submit",
        "inspection_sample",
    ]
    found = (await manager.get(f"{API}/inspections/agreement")).json()
    assert found["calls"] == 1
    assert found["overall"]["percent"] == round(100 * (len(NAMES) - 1) / len(NAMES), 1)
    assert {one["item"]: one["agreement"]["percent"] for one in found["items"]}["language"] == 0.0
    assert found["pairs"][0]["inspectors"] == ["in1", "in2"]


async def test_the_evidence_of_an_item_is_where_its_kind_was_found(shop: Office) -> None:
    call = await shop.call("one")
    await call.hit("s1", "你自己不会看吗", "不会看")  # a kind that no item asks for
    found = Hit(
        at=1.0,
        hit_id="h1",
        call_id=call.id,
        rule="taboo.attitude",
        kind="taboo_phrase",
        severity="high",
        role="agent",
        phrase="不会看",
        start=4.0,
        end=5.0,
        suspected=False,
        evidence=Evidence(segment_id="s1"),
    )
    await shop.world.bus.publish(found)
    [inspection] = await sample(shop)
    one = await shop.as_("in1", "inspector")
    seen = (await one.get(f"{API}/inspections/{inspection}")).json()["items"]
    evidence = {item["item"]: item["evidence"] for item in seen if item["evidence"]}
    assert list(evidence) == ["language"]
    assert [(e["hit_id"], e["segment_id"], e["start"]) for e in evidence["language"]] == [
        ("h1", "s1", 4.0)
    ]
    assert {item["automatic"] for item in seen} == {None}  # nothing has scored this call


async def test_a_sample_takes_what_its_plan_says_and_nothing_twice(shop: Office) -> None:
    first = await shop.call("first")
    second = await shop.call("second", agent="PJSIP/1002")
    await second.alert("a", severity="critical")
    scored(shop, first.id)
    lead = await shop.as_("li", "lead")

    async def drawn(**more) -> list[str]:
        ids = await sample(shop, **more)
        listed = (await lead.get(f"{API}/inspections", params={"limit": 200})).json()["items"]
        found = {one["inspection"]["inspection_id"]: one["inspection"]["call_id"] for one in listed}
        return [found[one] for one in ids]

    assert await drawn(kind="score", max_score=50) == []
    assert await drawn(kind="duration", min_talk_s=80_000) == []
    assert await drawn(queues=["nowhere"]) == []
    assert await drawn(kind="alert", severities=["low"]) == []
    assert await drawn(kind="alert", severities=["critical"]) == [second.id]
    assert await drawn(kind="score", min_score=80) == [first.id]
    assert await drawn() == []


async def test_who_may_not_score_or_review_does_not(shop: Office) -> None:
    await shop.call("one")
    lead, two = await shop.as_("li", "lead"), await shop.as_("in2", "inspector")
    await shop.as_("in3", "inspector")
    [inspection] = await sample(shop, inspectors=["in1", "li"])
    url = f"{API}/inspections/{inspection}"
    assert is_problem(await two.get(url), 404, "not_found")
    assert is_problem(await two.put(f"{url}/answers", json=body()), 404, "not_found")
    manager = await shop.as_("ma", "manager")
    assert is_problem(await manager.put(f"{url}/answers", json=body()), 403, "not_permitted")
    for client in (await shop.as_("in1", "inspector"), lead):
        await client.put(f"{url}/answers", json=body())
        await client.post(f"{url}/submit")
    own = await lead.post(f"{url}/review", json={"text": "x"})
    assert is_problem(own, 403, "not_permitted")
    elsewhere = await shop.as_("other", "agent", agent="PJSIP/1002")
    assert is_problem(await elsewhere.post(f"{url}/appeal", json={"text": "x"}), 404, "not_found")
    gone = await manager.get(f"{API}/inspections/none")
    assert is_problem(gone, 404, "not_found")


async def test_an_inspector_sees_the_calls_that_were_given_whatever_the_team(shop: Office) -> None:
    call = await shop.call("one")
    other = await shop.call("other")
    shop.console.team("west", queues=("急诊",))
    for name in ("in1", "in2", "in3"):
        shop.console.user(name, "inspector", teams=("west",))
    one, three = await shop.as_("in1", "inspector"), await shop.as_("in3", "inspector")
    url = f"{API}/calls/{call.id}"
    assert is_problem(await one.get(url), 404, "not_found")
    assert len(await sample(shop, most=1, seed=0)) == 1
    lead = await shop.as_("li", "lead")
    [listed] = (await lead.get(f"{API}/inspections")).json()["items"]
    given = listed["inspection"]["call_id"]
    left = ({call.id, other.id} - {given}).pop()
    assert (await one.get(f"{API}/calls/{given}")).status_code == 200
    assert is_problem(await one.get(f"{API}/calls/{left}"), 404, "not_found")
    assert is_problem(await three.get(f"{API}/calls/{given}"), 404, "not_found")


async def test_what_is_no_plan_is_refused(shop: Office) -> None:
    await shop.as_("an", "agent")
    lead = await shop.as_("li", "lead")
    for bad in (
        {"inspectors": ["in1"]},
        {"inspectors": ["in1", "in1"]},
        {"inspectors": ["in1", "an"]},
        {"inspectors": ["in1", "nobody"]},
        {"until": 1.0},
        {"most": 100_000},
        {"per_agent": 0},
        {"kind": "whim"},
        {"seed": -1},
        {"min_score": 101},
        {"severities": ["awful"]},
        {"by": "me"},
    ):
        answer = await lead.post(f"{API}/inspections/samples", json=plan(shop, **bad))
        assert is_problem(answer, 422, "invalid_request"), bad
    assert (await lead.get(f"{API}/inspections")).json()["items"] == []
