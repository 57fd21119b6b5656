"""Past calls: found by what was said and by filters, heard, replayed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
from console_rig import Rig, is_problem, rig
from console_world import CALLER, Call, World
from sqlalchemy import delete, select, text

from agent_console.access import API
from agent_console.history import index
from agent_console.live.state import LiveState
from agent_console.site import Site
from asr.events import TranscriptFinal
from backbone import audit
from backbone.events import Envelope, decode
from backbone.media import Role
from backbone.store.tables.search import call_texts
from telephony.recording.events import RecordingExpired, RecordingStored

RATE = 8000


@pytest.fixture
async def console(desk: World, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(desk, site=Site(recordings=tmp_path)) as console:
        yield console


async def a_call(desk: World, name: str, *said: str, ago: float = 100.0, **changes: Any) -> Call:
    call = Call(desk, name, queue=changes.pop("queue", "预约挂号"))
    call.agent = changes.pop("agent", "PJSIP/1001")
    await call.join(ago=ago)
    await call.connect(ago=ago - 10)
    for number, words in enumerate(said):
        role: Role = "customer" if number % 2 else "agent"
        await call.say(f"s{number}", role, words, start=number * 5.0)
    await call.end()
    return call


async def found(console: Rig, **query: Any) -> list[str]:
    async with console.log_in("wang", "lead") as wang:
        answer = await wang.get(f"{API}/calls", params=query)
    assert answer.status_code == 200, answer.text
    return [item["call_id"] for item in answer.json()["items"]]


# By words


async def test_words_of_two_characters_are_found_and_shown(desk: World, console: Rig) -> None:
    one = await a_call(desk, "one", "您好，请讲。", "我要投诉你们的医生，等了两个小时。")
    await a_call(desk, "two", "您好，请讲。", "我想挂号。")
    assert await found(console, q="投诉") == [one.id]
    assert await found(console, q="诉你") == [one.id]
    assert await found(console, q="诉") == [one.id]
    assert await found(console, q="投号") == []
    async with console.log_in("wang", "lead") as wang:
        item = (await wang.get(f"{API}/calls", params={"q": "投诉"})).json()["items"][0]
    assert "投诉" in item["excerpt"]


async def test_words_may_stand_apart_but_not_run_together(desk: World, console: Rig) -> None:
    one = await a_call(desk, "one", "这里是挂号台", "投一张票", "诉讼的事")
    assert await found(console, q="挂号 诉讼") == [one.id]
    assert await found(console, q="挂号 退款") == []
    # 投 ends no sentence here that 诉 continues.
    assert await found(console, q="票诉") == []


async def test_words_come_newest_first_page_by_page(desk: World, console: Rig) -> None:
    calls = [await a_call(desk, f"c{n}", "我要退款", queue="ab"[n % 2]) for n in range(5)]
    expected = [call.id for call in reversed(calls)]
    async with console.log_in("wang", "lead") as wang:
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"q": "退款", "limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await wang.get(f"{API}/calls", params=query)).json()
            seen += [item["call_id"] for item in page["items"]]
            cursor = page["next"]
        assert seen == expected
    assert await found(console, q="退款", queue="a") == expected[::2]
    async with console.log_in("li", "agent", agent="PJSIP/1002") as li:
        answer = await li.get(f"{API}/calls", params={"q": "退款"})
        assert answer.json()["items"] == []


async def test_what_is_heard_after_the_end_is_found_too_and_once(desk: World, console: Rig) -> None:
    one = await a_call(desk, "one", "您好")
    await one.say("late", "customer", "我还要投诉", start=60.0)
    assert await found(console, q="投诉") == [one.id]
    assert await found(console, q="您好") == [one.id]
    with desk.engine.begin() as connection:
        payload = connection.execute(
            text("SELECT kind, payload FROM journal ORDER BY seq DESC LIMIT 1")
        ).one()
        event = decode(*payload)
        assert isinstance(event, TranscriptFinal)
        for project in index.PROJECTIONS[TranscriptFinal]:
            project(connection, 1, event)
    assert await found(console, q="投诉") == [one.id]


async def test_calls_of_an_earlier_version_are_taken_in_at_the_start(
    desk: World, console: Rig
) -> None:
    one = await a_call(desk, "one", "我要投诉")
    with desk.engine.begin() as connection:
        index.remove_call(connection, one.id)
    assert await found(console, q="投诉") == []
    assert index.index_missing(desk.engine) == 1
    assert index.index_missing(desk.engine) == 0
    assert await found(console, q="投诉") == [one.id]
    with desk.engine.begin() as connection:
        connection.execute(delete(call_texts))
        assert connection.scalars(select(call_texts.c.number)).all() == []


@pytest.mark.parametrize("words", ['"', "*", "投诉*", 'NEAR("a" "b")', "a OR b", "-", "。", "'"])
async def test_no_words_break_the_search(desk: World, console: Rig, words: str) -> None:
    await a_call(desk, "one", "您好")
    assert await found(console, q=words) == []


# By filters


async def test_filters_narrow_and_go_together(desk: World, console: Rig) -> None:
    old = await a_call(desk, "old", ago=5000, queue="a", agent="PJSIP/1002")
    new = await a_call(desk, "new", ago=50, queue="b")
    await new.alert("x", severity="high")
    going = Call(desk, "going", queue="b")
    await going.join(ago=10)
    now = desk.clock.time()
    for query, expected in (
        ({"queue": "a"}, [old]),
        ({"agent": "PJSIP/1001"}, [new]),
        ({"state": "in_progress"}, [going]),
        ({"outcome": "answered"}, [new, old]),
        ({"outcome": "abandoned"}, []),
        ({"from": now - 1000}, [going, new]),
        ({"to": now - 1000}, [old]),
        ({"min_talk_s": 100}, [old]),
        ({"kind": "taboo_phrase"}, [new]),
        ({"severity": "medium"}, [new]),
        ({"severity": "critical"}, []),
        ({"queue": "b", "state": "ended"}, [new]),
    ):
        assert await found(console, **query) == [call.id for call in expected], query
    async with console.log_in("wang", "lead") as wang:
        items = (await wang.get(f"{API}/calls", params={"queue": "b"})).json()["items"]
    assert [(item["alerts"], item["severity"]) for item in items] == [(0, None), (1, "high")]


# Again as it was


async def test_a_replay_brings_a_page_to_where_the_call_ended(desk: World, console: Rig) -> None:
    call = await a_call(desk, "one", "您好", "我的电话是13912345678")
    async with console.log_in("wang", "lead") as wang:
        answer = await wang.get(f"{API}/calls/{call.id}/replay")
        events = answer.json()["events"]
        detail = (await wang.get(f"{API}/calls/{call.id}")).json()["call"]
        assert is_problem(await wang.get(f"{API}/calls/none/replay"), 404, "not_found")
    assert CALLER not in answer.text
    assert "13912345678" not in answer.text
    assert events[0]["event"]["type"] == "call_joined"
    assert events[-1]["event"]["type"] == "call_ended"
    offsets = [event["offset_s"] for event in events]
    assert offsets[0] == 0.0
    assert offsets == sorted(offsets)
    state = LiveState(1)
    for entry in events:
        event = entry["event"]
        state.apply(Envelope(event["seq"], decode(event["type"], msgspec.json.encode(event))))
    [again] = state.calls.values()
    assert msgspec.to_builtins(again)["turns"] == detail["turns"]
    assert again.state == detail["state"] == "ended"


# Its sound


async def record(desk: World, folder: Path, call: Call, role: Role, offset_s: float) -> str:
    leg_id = f"{call.name}-{role}"
    tone = (np.sin(np.arange(RATE) / 5) * 16_000).astype(np.int16)
    soundfile.write(folder / f"{leg_id}.flac", tone, RATE, subtype="PCM_16")
    await desk.bus.publish(
        RecordingStored(
            at=desk.clock.time(),
            call_id=call.id,
            leg_id=leg_id,
            role=role,
            path=f"{leg_id}.flac",
            rate=RATE,
            offset_s=offset_s,
            samples=RATE,
            size=1,
            complete=True,
            reason="",
        )
    )
    return leg_id


async def test_a_recording_is_seen_heard_in_parts_and_written_down(
    desk: World, console: Rig, tmp_path: Path
) -> None:
    call = await a_call(desk, "one")
    await record(desk, tmp_path, call, "agent", 0.0)
    await record(desk, tmp_path, call, "customer", 0.5)
    async with console.log_in("wang", "lead") as wang:
        shape = (await wang.get(f"{API}/calls/{call.id}/waveform?buckets=20")).json()
        assert [(leg["role"], leg["offset_s"]) for leg in shape["legs"]] == [
            ("agent", 0.0),
            ("customer", 0.5),
        ]
        assert all(len(leg["peaks"]) == 20 and max(leg["peaks"]) > 0.4 for leg in shape["legs"])
        for leg, channels in (("agent", 1), ("customer", 1), ("both", 2)):
            whole = await wang.get(f"{API}/calls/{call.id}/audio", params={"leg": leg})
            assert whole.headers["content-type"] == "audio/flac"
            assert whole.headers["accept-ranges"] == "bytes"
            (tmp_path / "heard").write_bytes(whole.content)
            assert soundfile.info(tmp_path / "heard").channels == channels
            part = await wang.get(
                f"{API}/calls/{call.id}/audio",
                params={"leg": leg},
                headers={"Range": "bytes=10-19"},
            )
            assert part.status_code == 206
            assert part.content == whole.content[10:20]
    with desk.engine.connect() as connection:
        entries = [e for e in audit.entries(connection) if e.action == "play"]
    assert [(e.who, e.answer, e.call_id) for e in reversed(entries)] == [
        ("wang", leg, call.id) for leg in ("agent", "customer", "both")
    ]


async def test_what_is_not_kept_is_said_so_and_not_written_down(
    desk: World, console: Rig, tmp_path: Path
) -> None:
    bare, expired = await a_call(desk, "bare"), await a_call(desk, "expired")
    leg = await record(desk, tmp_path, expired, "agent", 0.0)
    await desk.bus.publish(RecordingExpired(at=desk.clock.time(), call_id=expired.id, leg_id=leg))
    async with console.log_in("wang", "lead") as wang:
        for call in (bare, expired):
            for path in ("audio", "waveform"):
                answer = await wang.get(f"{API}/calls/{call.id}/{path}")
                assert is_problem(answer, 404, "not_kept")
    with desk.engine.connect() as connection:
        assert audit.entries(connection) == []


async def test_an_agent_and_an_admin_hear_no_recording(
    desk: World, console: Rig, tmp_path: Path
) -> None:
    call = await a_call(desk, "one")
    await record(desk, tmp_path, call, "agent", 0.0)
    async with (
        console.log_in("li", "agent", agent="PJSIP/1001") as li,
        console.log_in("root", "admin") as root,
    ):
        for client in (li, root):
            answer = await client.get(f"{API}/calls/{call.id}/audio")
            assert is_problem(answer, 403, "not_permitted")
