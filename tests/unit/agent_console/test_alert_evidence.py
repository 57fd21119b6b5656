"""What an alert rests on, as GET /alerts/{id} tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from console_rig import Rig, rig
from console_world import Call, World

from agent_console.access import API
from agent_console.site import Site
from qa_engine.events import Alert, Evidence, RulesVersioned
from telephony.recording.events import RecordingStored


@pytest.fixture
async def console(desk: World, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(desk, site=Site(recordings=tmp_path)) as console:
        yield console


@pytest.fixture
async def wang(console: Rig) -> AsyncIterator[httpx.AsyncClient]:
    async with console.log_in("wang", "lead") as wang:
        yield wang


async def a_conversation(desk: World) -> Call:
    call = Call(desk, "one")
    await call.join(ago=90)
    await call.connect(ago=80)
    await call.say("greeting", "agent", "您好，这里是医院。", start=1.0)
    await call.say("asks", "customer", "我电话幺三八零零幺三八零零零，能治好吗？", start=30.0)
    await call.say("promise", "agent", "您放心，包治好。", start=36.0)
    await call.say("after", "customer", "那太好了。", start=41.0)
    await call.say("later", "customer", "再见。", start=70.0)
    return call


def an_alert(call: Call, **changes: Any) -> Alert:
    alert = Alert(
        at=call.joined_at + 50, alert_id="a-1", call_id=call.id, queue=call.queue,
        agent=call.agent, rule="cure_promise", kind="red_line", severity="critical", role="agent",
        title="承诺疗效", title_en="Promise of cure", phrase="包治好", start=37.0, end=38.0,
        suspected=False,
        evidence=Evidence(segment_id=call.segment("promise"), text="您放心，包治好。", span=(4, 7)),
    )  # fmt: skip
    return msgspec.structs.replace(alert, **changes)


async def evidence(client: httpx.AsyncClient, alert: str = "a-1") -> Any:
    answer = await client.get(f"{API}/alerts/{alert}")
    assert answer.status_code == 200, answer.text
    return answer.json()["evidence"]


async def in_force(desk: World, version: str, at: float, pack: str = "ours") -> None:
    await desk.bus.publish(
        RulesVersioned(at=at, pack=pack, version=version, digest=version, files={}, rules={})
    )


async def test_both_sides_words_around_it_are_told_with_times_and_confidence(
    desk: World, wang: httpx.AsyncClient
) -> None:
    call = await a_conversation(desk)
    await desk.bus.publish(an_alert(call))
    found = await evidence(wang)
    assert [(said["role"], said["start"], said["text"]) for said in found["words"]] == [
        ("customer", 30.0, "我电话＊＊＊＊＊＊＊八零零零，能治好吗？"),
        ("agent", 36.0, "您放心，包治好。"),
        ("customer", 41.0, "那太好了。"),
    ]
    asked, promised, _ = found["words"]
    assert asked["marked"] is None
    assert promised["text"][slice(*promised["marked"])] == "包治好"
    assert found["confidence"] == promised["confidence"] == 0.9


async def test_what_has_no_words_has_no_confidence(desk: World, wang: httpx.AsyncClient) -> None:
    call = await a_conversation(desk)
    silence = Evidence(measured=12.0, limit=8.0, unit="s")
    await desk.bus.publish(an_alert(call, phrase="", start=50.0, end=62.0, evidence=silence))
    found = await evidence(wang)
    assert found["confidence"] is None
    assert [said["text"] for said in found["words"]] == ["您放心，包治好。", "那太好了。", "再见。"]
    assert all(said["marked"] is None for said in found["words"])


async def test_the_version_is_the_alerts_own(desk: World, wang: httpx.AsyncClient) -> None:
    call = await a_conversation(desk)
    await in_force(desk, "v-other", call.joined_at - 10)
    await desk.bus.publish(an_alert(call, version="v-judged"))
    assert (await evidence(wang))["version"] == "v-judged"


async def test_an_alert_without_one_has_the_version_that_its_call_began_with(
    desk: World, wang: httpx.AsyncClient
) -> None:
    call = await a_conversation(desk)
    await desk.bus.publish(an_alert(call))
    assert (await evidence(wang))["version"] == ""
    await in_force(desk, "v-before", call.joined_at - 10)
    await in_force(desk, "g-before", call.joined_at - 9, pack="ours/guidance")
    await in_force(desk, "v-during", call.joined_at + 10)
    assert (await evidence(wang))["version"] == "v-before"


async def record(desk: World, call: Call, role: str, offset_s: float, seconds: float) -> None:
    await desk.bus.publish(
        RecordingStored(
            at=desk.clock.time(), call_id=call.id, leg_id=f"leg-{role}", role=role,  # type: ignore[arg-type]  # one of the two
            path=f"{role}.flac", rate=8000, offset_s=offset_s, samples=int(seconds * 8000), size=1,
            complete=True, reason="",
        )
    )  # fmt: skip


async def test_its_sound_is_pointed_to_on_the_recordings_own_clock(
    desk: World, console: Rig, wang: httpx.AsyncClient
) -> None:
    call = await a_conversation(desk)
    await desk.bus.publish(an_alert(call))
    assert (await evidence(wang))["sound"] is None
    await record(desk, call, "agent", 0.5, 39.0)
    await record(desk, call, "customer", 1.5, 30.0)
    assert (await evidence(wang))["sound"] == {
        "address": f"{API}/calls/{call.id}/audio?leg=both",
        "from_s": 34.5,
        "to_s": 39.0,
        "from_call_s": 35.0,
    }
    async with console.log_in("li", "agent", agent="PJSIP/1001") as li:
        assert (await evidence(li))["sound"] is None
    # What is no speech has no place in a recording.
    await desk.bus.publish(an_alert(call, alert_id="a-2", role="call", evidence=Evidence()))
    assert (await evidence(wang, "a-2"))["sound"] is None


async def test_who_has_it_since_when_is_told(desk: World, console: Rig, wang: httpx.AsyncClient):
    console.user("zhou", "lead")
    call = await a_conversation(desk)
    await desk.bus.publish(an_alert(call))
    given = (await wang.post(f"{API}/alerts/a-1/assign", json={"to": "zhou"})).json()
    assert given["assigned_at"] == pytest.approx(desk.clock.time(), abs=60)
    stored = (await wang.get(f"{API}/alerts/a-1")).json()["alert"]
    assert stored["assigned_at"] == given["assigned_at"]
    back = (await wang.post(f"{API}/alerts/a-1/assign", json={"to": ""})).json()
    assert back["assigned_at"] is None
