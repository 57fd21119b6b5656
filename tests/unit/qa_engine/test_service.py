import asyncio
import contextlib
import shutil

import pytest
from patience import PATIENCE_S
from qa_calls import ANSWERED, connected, ended, final, joined, legs

from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from qa_engine.events import Alert, ComplianceStep, Hit, RulesLoaded, RulesVersioned
from qa_engine.judge import CallJudge
from qa_engine.pack import PackError
from qa_engine.service import QaService
from qa_engine.settings import QaSettings

PACK = """\
pack: test
version: "1"
lists:
  bad: {{about: 禁语, words: [{word}]}}
rules:
  - {{id: taboo, type: words, kind: taboo_phrase, severity: high, role: agent, lists: [bad],
     title: 禁语, title_en: Taboo}}
"""


class World:
    def __init__(self, folder, settings=None):
        self.folder = folder
        self.counters = Counters()
        self.clock = ManualClock(ANSWERED)
        self.bus = Bus(self.counters)
        if settings is None:
            self.write("不归我管")
        settings = settings or QaSettings(rules=folder)
        self.service = QaService(settings, self.bus, self.clock, self.counters)
        self.seen = self.bus.subscribe("test", Hit, Alert, ComplianceStep, RulesLoaded)

    @contextlib.asynccontextmanager
    async def running(self):
        task = asyncio.create_task(self.service.run())
        await self.take(RulesLoaded)
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def write(self, word):
        self.raw(PACK.format(word=word))

    def raw(self, text):
        (self.folder / "pack.yaml").write_text(text, encoding="utf-8")

    async def take(self, *kinds):
        """The next event of these classes."""
        async with asyncio.timeout(PATIENCE_S):
            async for envelope in self.seen:
                if isinstance(envelope.event, kinds):
                    return envelope.event
        raise AssertionError("closed")

    async def reloaded(self):
        """Let the clock run until the rules are told of again."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await self.clock.advance(1)
                # Files are read in a thread, which no clock of ours moves.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        return await self.take(RulesLoaded)

    async def settle(self):
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path).running() as world:
        yield world


async def begin(world, call_id="c1"):
    for event in (joined(call_id=call_id), connected(call_id=call_id), *legs(call_id)):
        await world.bus.publish(event)


async def test_calls_are_judged_each_by_itself(world):
    await begin(world, "c1")
    await begin(world, "c2")
    await world.bus.publish(final("agent", 1, 2, "不归我管", call_id="c2"))
    alert = await world.take(Alert)
    assert (alert.call_id, alert.rule) == ("c2", "taboo")
    assert world.service.open_calls == 2


async def test_an_edited_pack_is_taken_for_new_calls(world):
    await begin(world, "old")
    world.write("随便你")
    loaded = await world.reloaded()
    assert loaded.error == ""
    await begin(world, "new")
    await world.bus.publish(final("agent", 1, 2, "随便你", call_id="old"))
    await world.bus.publish(final("agent", 3, 4, "不归我管", call_id="old"))
    await world.bus.publish(final("agent", 1, 2, "随便你", call_id="new"))
    assert (await world.take(Alert)).phrase == "不归我管"
    assert (await world.take(Alert)).call_id == "new"


async def test_an_edited_list_of_an_included_pack_is_for_new_calls_and_keeps_the_old_ones_state(
    tmp_path,
):
    base, own = tmp_path / "base", tmp_path / "own"
    for folder in (base, own):
        folder.mkdir()

    def lists(help_):
        (base / "lists.yaml").write_text(
            "lists:\n"
            "  pain: {about: x, words: [胸口疼]}\n"
            f"  help: {{about: x, words: [{help_}]}}\n",
            encoding="utf-8",
        )

    lists("拨打120")
    (own / "pack.yaml").write_text(
        """\
pack: own
version: "1"
include: [../base]
rules:
  - {id: r, type: response, kind: emergency_not_directed, severity: critical, title: 急,
     title_en: Urgent, trigger: {role: customer, lists: [pain]},
     expected: {role: agent, lists: [help]}, within_s: 20}
""",
        encoding="utf-8",
    )
    world = World(tmp_path / "unused", QaSettings(rules=own))
    versions = world.bus.subscribe("versions", RulesVersioned)
    async with world.running():
        first = (await anext(versions)).event
        await begin(world, "answered")
        await begin(world, "open")
        for call_id in ("answered", "open"):
            await world.bus.publish(final("customer", 1, 3, "他胸口疼", call_id=call_id))
        lists("马上叫救护车")
        await world.reloaded()
        second = (await anext(versions)).event
        assert first.digest != second.digest
        assert first.rules["r"] != second.rules["r"]
        # Both calls wait for what the rules of their beginning ask for.
        await world.bus.publish(final("agent", 5, 7, "您拨打120", call_id="answered"))
        await world.bus.publish(final("agent", 5, 7, "马上叫救护车", call_id="open"))
        await world.settle()
        await world.clock.advance(40)
        alert = await world.take(Alert)
        assert (alert.call_id, alert.rule) == ("open", "r")
        await begin(world, "new")
        await world.bus.publish(final("customer", 31, 33, "他胸口疼", call_id="new"))
        await world.bus.publish(final("agent", 35, 37, "马上叫救护车", call_id="new"))
        await world.settle()
        await world.clock.advance(60)
        assert world.service.open_calls == 3
        marker = final("customer", 1, 2, "他胸口疼", call_id="last")
        await begin(world, "last")
        await world.bus.publish(marker)
        await world.settle()
        await world.clock.advance(60)
        assert (await world.take(Alert)).call_id == "last"  # none of the call answered as asked


@pytest.mark.parametrize("broken", ["pack: [", "pack: test\nrules: 7\n", ""])
async def test_a_broken_pack_is_refused_and_the_old_one_stays(world, broken):
    world.raw(broken)
    refused = await world.reloaded()
    assert "pack.yaml" in refused.error
    assert refused.rules == 1
    assert world.counters.get("qa_rules_refused") == 1
    await begin(world)
    await world.bus.publish(final("agent", 1, 2, "不归我管", call_id="c1"))
    assert (await world.take(Alert)).phrase == "不归我管"
    world.write("随便你")
    assert (await world.reloaded()).error == ""


async def test_a_pack_that_disappears_is_refused(world):
    shutil.rmtree(world.folder)
    assert "no directory" in (await world.reloaded()).error


def test_without_any_rules_there_is_no_start(tmp_path):
    counters = Counters()
    with pytest.raises(PackError, match=r"holds no \.yaml"):
        QaService(QaSettings(rules=tmp_path), Bus(counters), ManualClock(), counters)


async def test_calls_are_forgotten_after_their_end(world):
    await begin(world)
    await world.bus.publish(ended(ANSWERED + 10, call_id="c1"))
    await world.settle()
    assert world.service.open_calls == 1
    await world.clock.advance(60)
    assert world.service.open_calls == 0


async def test_a_call_that_breaks_does_not_end_the_others(world, monkeypatch, capfd):
    whole = CallJudge.feed

    def feed(self, event, now):
        if self.state.call_id == "c1":
            raise RuntimeError("13900000000 张三 不归我管")
        return whole(self, event, now)

    monkeypatch.setattr(CallJudge, "feed", feed)
    await world.bus.publish(final("agent", 1, 2, "不归我管", call_id="c1"))
    await world.bus.publish(final("agent", 1, 2, "不归我管", call_id="c2"))
    assert (await world.take(Alert)).call_id == "c2"
    assert world.counters.get("qa_call_failures") == 1
    written = "".join(capfd.readouterr())
    assert "call_not_judged" in written
    for secret in ("13900000000", "张三", "不归我管"):
        assert secret not in written


async def test_only_so_many_calls_are_kept(tmp_path):
    world = World(tmp_path)
    settings = QaSettings(rules=tmp_path, calls=3)
    service = QaService(settings, world.bus, world.clock, world.counters)
    running = asyncio.create_task(service.run())
    for number in range(5):
        await begin(world, f"c{number}")
    await world.settle()
    assert service.open_calls == 3
    assert world.counters.get("qa_calls_dropped", reason="too_many") == 2
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def test_the_kinds_that_alerts_can_have(tmp_path):
    assert World(tmp_path).service.alert_kinds() == [
        ("taboo_phrase", "high"),
        ("taboo_phrase", "medium"),
    ]
