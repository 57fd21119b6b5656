"""What the services that follow calls share: forgetting calls, loading files again."""

import asyncio
import contextlib

import pytest
from qa_calls import ANSWERED, connected, joined
from qa_guidance import write_small_guidance

from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from qa_engine.guidance.service import GuidanceService
from qa_engine.live_calls import Reloaded
from qa_engine.pack import PackError, Problem
from qa_engine.service import QaService
from qa_engine.settings import QaSettings


@pytest.mark.parametrize(
    ("service", "dropped"),
    [(QaService, "qa_calls_dropped"), (GuidanceService, "guidance_calls_dropped")],
)
async def test_a_call_that_nothing_is_heard_of_is_given_up(tmp_path, service, dropped):
    write_small_guidance(tmp_path)
    (tmp_path / "pack.yaml").write_text("pack: small\n", encoding="utf-8")
    counters, clock = Counters(), ManualClock(ANSWERED)
    bus = Bus(counters)
    following = service(QaSettings(rules=tmp_path, forget_s=60, tick_s=1), bus, clock, counters)
    running = asyncio.create_task(following.run())
    for event in (joined(), connected()):
        await bus.publish(event)
    for _ in range(50):
        await asyncio.sleep(0)
    await clock.advance(50)
    assert following.open_calls == 1
    await clock.advance(20)
    assert following.open_calls == 0
    assert counters.get(dropped, reason="silent") == 1
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


class Files:
    """Files that are written while they are read."""

    def __init__(self):
        self.text = "one"
        self.edits = []

    def read(self):
        text = self.text
        if self.edits:
            self.text = self.edits.pop(0)
        if text == "broken":
            raise PackError([Problem("pack.yaml", 1, 1, "", "is broken")])
        return text


async def test_a_file_that_is_being_written_is_looked_at_again_before_it_is_refused():
    files = Files()
    loaded = Reloaded(lambda: files.text, files.read)
    assert not await loaded.look()
    files.text, files.edits = "broken", ["two"]  # half of it was there
    assert not await loaded.look()
    assert (loaded.value, loaded.refused) == ("one", None)
    assert await loaded.look()
    assert loaded.value == "two"
    files.text = "broken"
    assert await loaded.look()
    assert (loaded.value, str(loaded.refused)) == ("two", "pack.yaml:1:1: error: is broken")
    assert not await loaded.look()  # told once
    files.text = "three"
    assert await loaded.look()
    assert (loaded.value, loaded.refused) == ("three", None)


def test_what_cannot_be_made_at_first_is_told():
    files = Files()
    files.text = "broken"
    with pytest.raises(PackError, match="is broken"):
        Reloaded(lambda: files.text, files.read)
