"""What a live page showed on the way is kept, covered, and given back at its moments."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import AsyncIterator

import pytest
from console_rig import rig
from console_world import Call, World
from sqlalchemy import func, select

from agent_console.access import API
from agent_console.events import CallTaped
from agent_console.history.tape import PIECE_BYTES, CallTaper, Tape, unpacked
from asr.events import TranscriptPartial
from backbone.events import Event, kind_of
from backbone.store.schema import journal
from telephony.events import CallEnded


def partial(at: float, text: str, revision: int = 1) -> TranscriptPartial:
    return TranscriptPartial(
        at=at,
        call_id="c",
        role="customer",
        segment_id="s",
        start=0.0,
        end=1.0,
        text=text,
        stable=0,
        revision=revision,
    )


def piece(tape: bytes) -> CallTaped:
    return CallTaped(at=0.0, call_id="c", tape=tape)


# The tape alone


def test_a_tape_gives_back_what_it_took_by_its_time_with_personal_data_covered() -> None:
    tape = Tape()
    for event in (partial(3.0, "后来"), partial(2.0, "我的电话是13912345678")):
        assert tape.add(event) is None
    packed = tape.cut()
    assert packed is not None
    assert tape.cut() is None
    events = unpacked([piece(packed)])
    assert [event["at"] for event in events] == [2.0, 3.0]
    assert events[0]["type"] == "transcript_partial"
    assert "1391234" not in json.dumps(events, ensure_ascii=False)


def test_a_long_call_is_cut_into_pieces_and_an_endless_one_fills_no_disk() -> None:
    tape, pieces, added = Tape(), [], 0
    while not tape.full:
        cut = tape.add(partial(float(added), "话" * 1000))
        added += 1
        pieces += [cut] if cut else []
    assert len(pieces) > 1
    assert tape.cut() is None, "a full one was put away"
    assert [event["at"] for event in unpacked(map(piece, pieces))] == [*map(float, range(added))]
    assert all(len(zlib.decompress(cut)) < PIECE_BYTES + 10_000 for cut in pieces)


def test_a_spoiled_piece_does_not_hide_the_others() -> None:
    tape = Tape()
    tape.add(partial(1.0, "好"))
    whole = tape.cut()
    assert whole is not None
    spoiled = [b"", b"no tape", whole[:-4], zlib.compress(b"{"), whole]
    assert len(unpacked(map(piece, spoiled))) == 1


# On the bus


@pytest.fixture
async def taping(desk: World) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(CallTaper(desk.bus, desk.counters).run())
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def spoken(desk: World, taping: asyncio.Task[None], *, end: bool = True) -> Call:
    """A call with a sentence that was revised twice; the tape has been put away when it ended."""
    put_away = desk.bus.subscribe("taped", CallTaped)
    call = Call(desk, "one")
    await call.join(ago=9)
    await call.connect()
    call.begin("s1", "customer", 1.0)
    for revision, text in enumerate(("我要", "我要投", "我要投诉"), 1):
        call.partial("s1", "customer", text, start=1.0, revision=revision)
        # Each is read before the next replaces it.
        await settled(desk, call.id, revision)
    await call.say("s1", "customer", "我要投诉。", start=1.0)
    if end:
        await call.end()
    else:
        taping.cancel()
    await anext(put_away)
    put_away.close()
    return call


async def settled(desk: World, call_id: str, revision: int) -> None:
    """Wait until all subscribers have been given what was emitted."""
    probe = desk.bus.subscribe("probe", TranscriptPartial)
    event = TranscriptPartial(
        at=desk.clock.time(),
        call_id=f"not {call_id}",
        role="agent",
        segment_id="probe",
        start=0.0,
        end=0.1,
        text="",
        stable=0,
        revision=revision,
    )
    desk.bus.emit(event)
    await anext(probe)
    await asyncio.sleep(0)
    probe.close()


@pytest.mark.parametrize("end", [True, False])
async def test_a_replay_has_the_revisions_before_their_final(
    desk: World, taping: asyncio.Task[None], *, end: bool
) -> None:
    call = await spoken(desk, taping, end=end)
    async with rig(desk) as console, console.log_in("wang", "lead") as wang:
        events = (await wang.get(f"{API}/calls/{call.id}/replay")).json()["events"]
    offsets = [entry["offset_s"] for entry in events]
    assert offsets == sorted(offsets)
    kinds = [entry["event"]["type"] for entry in events]
    assert kinds.index("speech_started") < kinds.index("transcript_partial")
    assert kinds.index("transcript_partial") < kinds.index("transcript_final")
    texts = [e["event"]["text"] for e in events if e["event"]["type"] == "transcript_partial"]
    assert texts == ["我要", "我要投", "我要投诉"]
    assert all(e["event"]["seq"] == 0 for e in events if e["event"]["type"].endswith("partial"))


async def test_what_comes_after_the_end_begins_no_new_tape(
    desk: World, taping: asyncio.Task[None]
) -> None:
    call = await spoken(desk, taping)
    call.partial("s2", "agent", "再见", start=9.0, revision=1)
    await settled(desk, call.id, 9)
    ended = desk.bus.subscribe("ended", CallEnded)
    await call.end()
    await anext(ended)
    await asyncio.sleep(0)
    with desk.engine.connect() as connection:
        assert connection.scalar(select(func.count()).where(_of(CallTaped))) == 1


def _of(event: type[Event]):
    return journal.c.kind == kind_of(event)
