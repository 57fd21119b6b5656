import asyncio
import contextlib

import pytest
from patience import PATIENCE_S
from qa_calls import ANSWERED, connected, ended, final, joined, legs
from qa_guidance import guidance, write_small_guidance

import qa_engine.guidance_storage
import telephony.storage
from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from backbone.store.engine import open_engine
from backbone.store.journal import StoreJournal
from qa_engine.events import (
    Alert,
    EmotionChanged,
    EmotionCourse,
    EmpathyOffered,
    EmpathyUsed,
    RulesVersioned,
    ScriptFinished,
    ScriptProgress,
    TopicDetected,
)
from qa_engine.guidance.call import CallGuidance
from qa_engine.guidance.content import load_guidance
from qa_engine.guidance.service import GuidanceService
from qa_engine.guidance_storage import (
    emotions_of,
    offers_of,
    scene_uses,
    script_of,
    topic_of,
)
from qa_engine.pack import PackError
from qa_engine.privacy import redact
from qa_engine.service import QaService
from qa_engine.settings import QaSettings

TOLD = (
    TopicDetected, ScriptProgress, ScriptFinished, EmotionChanged, EmotionCourse, EmpathyOffered,
    EmpathyUsed,
)  # fmt: skip
PROJECTIONS = {**telephony.storage.PROJECTIONS, **qa_engine.guidance_storage.PROJECTIONS}


class World:
    """A service on a bus with a real journal; it can be started again on the same store."""

    def __init__(self, folder, settings=None):
        self.url = f"sqlite:///{folder / 'store.db'}"
        self.settings = settings or QaSettings()
        self.clock = ManualClock(ANSWERED)

    @contextlib.asynccontextmanager
    async def running(self):
        self.counters = Counters()
        self.engine = open_engine(self.url)
        journal = StoreJournal(self.engine, self.counters, PROJECTIONS, redact)
        self.bus = Bus(self.counters, journal)
        journal.start()
        await self.bus.start()
        self.service = GuidanceService(
            self.settings, self.bus, self.clock, self.counters, self.engine
        )
        self.seen = self.bus.subscribe("test", *TOLD)
        self.waiting = []
        running = asyncio.create_task(self.service.run())
        try:
            yield self
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await journal.close()
            self.engine.dispose()

    async def take(self, kind, **wanted):
        """The next event of a class with these values; what else comes is kept for later.

        What is durable is told once it is stored, so it may come after what is not.
        """

        def fits(event):
            return isinstance(event, kind) and all(
                getattr(event, name) == value for name, value in wanted.items()
            )

        async with asyncio.timeout(PATIENCE_S):
            while not any(map(fits, self.waiting)):
                self.waiting.append((await anext(self.seen)).event)
        found = next(filter(fits, self.waiting))
        self.waiting.remove(found)
        return found

    async def begin(self, call_id="c1"):
        for event in (joined(call_id=call_id), connected(call_id=call_id), *legs(call_id)):
            await self.bus.publish(event)

    async def say(self, role, start, text, call_id="c1"):
        await self.bus.publish(final(role, start, start + 3, text, call_id=call_id))

    async def until(self, condition):
        """Let the clock run until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await self.clock.advance(1)
                await asyncio.sleep(0.005)  # the journal writes in a thread of its own


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr("qa_engine.guidance.service.load_guidance", guidance)
    return World(tmp_path)


GREETING = "您好，云海市中心医院，工号1026，请问有什么可以帮您？"


async def test_a_call_is_followed_from_the_answer_to_the_end(world):
    async with world.running():
        await world.begin()
        await world.say("agent", 1, GREETING)
        progress = await world.take(ScriptProgress, next_step="need")
        assert progress.steps[0].state == "done"
        await world.say("customer", 6, "我要投诉你们！同一个检查收了我两次钱，气死我了！")
        topic = await world.take(TopicDetected)
        assert topic.topic == "complaint"
        assert (await world.take(EmotionChanged)).scene == "angry"
        offer = await world.take(EmpathyOffered)
        assert 2 <= len(offer.sentences) <= 3
        await world.say("agent", 12, offer.sentences[0].zh)
        used = await world.take(EmpathyUsed)
        assert (used.used, used.sentence_id) == (True, offer.sentences[0].id)
        await world.bus.publish(ended(ANSWERED + 30, call_id="c1"))
        await world.until(lambda: world.service.open_calls == 0)
        with world.engine.connect() as connection:
            assert topic_of(connection, "c1") == "complaint"
            script = script_of(connection, "c1")
            assert script is not None
            assert {s.state for s in script.steps if s.required} == {"done", "missed"}
            assert emotions_of(connection, "c1")[0].scene == "angry"
            assert offers_of(connection, "c1")[0].used is True
            assert scene_uses(connection, 0, 2e9)[0].used == 1


async def test_after_a_restart_a_call_goes_on_where_it_stood(world):
    async with world.running():
        await world.begin()
        await world.say("agent", 1, GREETING)
        await world.say("customer", 6, "我要投诉你们！同一个检查收了我两次钱，气死我了！")
        offer = await world.take(EmpathyOffered)
        await world.say("agent", 12, "好的，您说。")
        before = await world.take(ScriptProgress, topic="complaint")
    async with world.running():
        again = await world.take(ScriptProgress)
        assert (again.script, again.next_step) == (before.script, before.next_step)
        assert [s.state for s in again.steps] == [s.state for s in before.steps]
        assert (await world.take(EmotionChanged)).scene == "angry"
        await world.say("agent", 16, offer.sentences[1].zh)
        used = await world.take(EmpathyUsed)
        assert used.offer_id == offer.offer_id
        with world.engine.connect() as connection:
            assert len(offers_of(connection, "c1")) == 1


async def test_what_was_marked_in_the_console_is_not_told_again(world):
    async with world.running():
        await world.begin()
        await world.say("customer", 6, "我要投诉你们！气死我了！")
        offer = await world.take(EmpathyOffered)
        marked = EmpathyUsed(
            at=ANSWERED + 10, call_id="c1", offer_id=offer.offer_id,
            sentence_id=offer.sentences[0].id, used=True, by="agent1",
        )  # fmt: skip
        await world.bus.publish(marked)
        assert await world.take(EmpathyUsed) == marked
        await world.bus.publish(ended(ANSWERED + 30, call_id="c1"))
        await world.until(lambda: world.service.open_calls == 0)
        with world.engine.connect() as connection:
            stored = offers_of(connection, "c1")[0]
        assert (stored.used, stored.used_by) == (True, "agent1")


async def test_a_call_that_breaks_does_not_end_the_others(world, monkeypatch, capfd):
    whole = CallGuidance.feed

    def feed(self, event, now):
        if self.state.call_id == "bad":
            raise RuntimeError("13900000000 张三")
        return whole(self, event, now)

    monkeypatch.setattr(CallGuidance, "feed", feed)
    async with world.running():
        await world.say("agent", 1, GREETING, call_id="bad")
        await world.begin("c2")
        await world.say("agent", 1, GREETING, call_id="c2")
        assert (await world.take(ScriptProgress, next_step="need")).call_id == "c2"
        assert world.counters.get("guidance_failures") == 1
    written = "".join(capfd.readouterr())
    assert "call_not_followed" in written
    assert "13900000000" not in written


async def test_only_so_many_calls_are_kept(world):
    world.settings = QaSettings(calls=2)
    async with world.running():
        for number in range(4):
            await world.begin(f"c{number}")
        await world.take(ScriptProgress, call_id="c3")
        assert world.service.open_calls == 2
        assert world.counters.get("guidance_calls_dropped", reason="too_many") == 2


async def test_edited_guidance_is_for_new_calls_and_broken_guidance_is_refused(tmp_path):
    pack = tmp_path / "pack"
    scripts = write_small_guidance(pack) / "scripts.yaml"
    good = scripts.read_text(encoding="utf-8")
    world = World(tmp_path, QaSettings(rules=pack))
    async with world.running():
        before = world.service.guidance
        scripts.write_text("scripts: [", encoding="utf-8")
        await world.until(lambda: world.counters.get("guidance_refused") == 1)
        assert world.service.guidance is before
        scripts.write_text(good.replace("title: 通用话术", "title: 通用"), encoding="utf-8")
        await world.until(lambda: world.service.guidance is not before)
        assert world.service.guidance.script("").script.title == "通用"
        assert load_guidance(pack).version == world.service.guidance.version


async def test_guidance_of_an_included_pack_is_inherited_reloaded_and_keeps_calls(tmp_path):
    base, own = tmp_path / "base", tmp_path / "own"
    scripts = write_small_guidance(base) / "scripts.yaml"
    (base / "pack.yaml").write_text("pack: base\n", encoding="utf-8")
    own.mkdir()
    (own / "pack.yaml").write_text("pack: own\ninclude: [../base]\n", encoding="utf-8")
    world = World(tmp_path, QaSettings(rules=own))
    async with world.running():
        versions = world.bus.subscribe("versions", RulesVersioned)
        assert (await anext(versions)).event.pack == "base/guidance"
        before = world.service.guidance
        await world.begin("old")
        await world.say("agent", 1, GREETING, call_id="old")
        await world.take(ScriptProgress, call_id="old", next_step="need")
        title = before.script("report_query").script.title
        text = scripts.read_text(encoding="utf-8").replace(f"title: {title}\n", "title: 新的\n")
        scripts.write_text(text, encoding="utf-8")
        await world.until(lambda: world.service.guidance is not before)
        edited = (await anext(versions)).event
        assert (edited.pack, edited.version) == ("base/guidance", world.service.guidance.version)
        await world.begin("new")
        for call_id in ("new", "old"):
            await world.say("customer", 6, "我想查一下我的化验报告出来了没有", call_id=call_id)
        progress = {
            call_id: await world.take(ScriptProgress, call_id=call_id, topic="report_query")
            for call_id in ("new", "old")
        }
        # The call that was there goes on where it stood, by the scripts it began with.
        assert {call_id: told.title for call_id, told in progress.items()} == {
            "new": "新的",
            "old": title,
        }
        assert progress["old"].steps[0].state == "done"
        # A folder of its own takes the place of what was inherited.
        write_small_guidance(own)
        await world.until(lambda: world.service.guidance.pack == "own")
        assert (await anext(versions)).event.pack == "own/guidance"


def test_without_usable_guidance_there_is_no_start(tmp_path):
    pack = tmp_path / "pack"
    (write_small_guidance(pack) / "scenes.yaml").unlink()
    counters = Counters()
    with pytest.raises(PackError, match=r"scenes\.yaml"):
        GuidanceService(QaSettings(rules=pack), Bus(counters), ManualClock(), counters)


async def test_a_topic_puts_rules_in_force_that_ask_for_it(tmp_path):
    (tmp_path / "pack.yaml").write_text(
        """\
pack: test
version: "1"
lists:
  bad: {about: 词, words: [随便你]}
rules:
  - {id: on_complaints, type: words, kind: taboo_phrase, severity: high, role: agent,
     lists: [bad], title: 禁语, title_en: Taboo, only: {topics: [complaint]}}
""",
        encoding="utf-8",
    )
    counters = Counters()
    bus = Bus(counters)
    service = QaService(QaSettings(rules=tmp_path), bus, ManualClock(ANSWERED), counters)
    seen = bus.subscribe("test", Alert)
    running = asyncio.create_task(service.run())
    await bus.publish(connected(call_id="c1"))
    await bus.publish(final("agent", 1, 2, "随便你", call_id="c1"))
    await bus.publish(
        TopicDetected(at=ANSWERED + 3, call_id="c1", topic="complaint", confidence=0.9)
    )
    await bus.publish(final("agent", 4, 5, "随便你", call_id="c1"))
    async with asyncio.timeout(PATIENCE_S):
        alert = (await anext(seen)).event
    assert alert.start >= 4
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
