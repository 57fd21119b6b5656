"""A past call as it looked live, in Chromium: every moment as it was, forwards and back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import console_floor
import numpy as np
import pytest
import pytest_asyncio
import soundfile
from console_browser import enter, looked_at, shot
from console_world import Call, World, running, world
from playwright.async_api import Browser, Page, expect

from agent_console.events import CallTaped
from agent_console.history.tape import TAPED, CallTaper
from agent_console.site import Site
from backbone.clock import ManualClock
from backbone.events import Event
from qa_engine.events import AlertWithdrawn, EmotionChanged, RunningScore
from telephony.recording.events import RecordingStored

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BEGAN = 1_790_000_000.0


class Course:
    """One call, its events at their times; each is taken in before the next."""

    def __init__(self, desk: World, clock: ManualClock, call: Call) -> None:
        self.desk = desk
        self.call = call
        self._clock = clock
        self._seen = desk.bus.subscribe("course", *TAPED, maxsize=1000)

    async def at(self, second: float) -> None:
        """Move to a moment, seconds after the caller joined."""
        await self._clock.advance(BEGAN + second - self._clock.time())

    async def passing(self, event: Event | None = None) -> None:
        """Have what is not durable taken in by all: a newer one would replace it."""
        if event is not None:
            self.desk.bus.emit(event)
        await anext(self._seen)


async def a_call_with_a_revised_complaint(desk: World, clock: ManualClock) -> Call:
    call = Call(desk, "replayed", queue="投诉建议")
    course = Course(desk, clock, call)
    await call.join()
    await course.at(2)
    await call.ring()
    await course.at(6)
    await call.connect(wait_s=6.0, rings=1)
    await call.legs()
    await course.at(7)
    call.begin("s1", "customer", 1.0)
    await course.passing()
    for moment, text in ((7.5, "我要"), (8.0, "我要投"), (8.5, "我要投诉你")):
        await course.at(moment)
        call.partial("s1", "customer", text, start=1.0, revision=round(moment * 2))
        await course.passing()
    await course.at(8.8)
    await course.passing(console_floor.provisional(clock.time(), call))
    await course.at(9.4)
    await course.passing(
        AlertWithdrawn(at=clock.time(), call_id=call.id, alert_id=f"{call.name}-provisional")
    )
    await call.say("s1", "customer", "我要投诉你们。", start=1.0)
    await course.at(10)
    await call.alert(
        "complaint", segment="s1", phrase="投诉", title="来电人投诉", title_en="Caller complains"
    )
    await course.at(11)
    await course.passing(
        EmotionChanged(
            at=clock.time(),
            call_id=call.id,
            role="customer",
            scene="angry",
            score=-0.7,
            trend="worsening",
        )
    )
    await course.passing(
        RunningScore(
            at=clock.time(), call_id=call.id, card="hotline", revision="1", score=71.0, items=()
        )
    )
    await course.at(15)
    await call.say("s2", "agent", "非常抱歉，我马上帮您登记。", start=8.0)
    await course.at(20)
    await call.end()
    return call


@pytest_asyncio.fixture(loop_scope="session")
async def past(tmp_path: Path) -> AsyncIterator[tuple[World, Call]]:
    clock = ManualClock(BEGAN)
    async with world(tmp_path, clock) as desk:
        put_away = desk.bus.subscribe("taped", CallTaped)
        taping = asyncio.create_task(CallTaper(desk.bus, desk.counters).run())
        try:
            call = await a_call_with_a_revised_complaint(desk, clock)
            await anext(put_away)
            yield desk, call
        finally:
            taping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await taping


RATE = 8_000
SOUND_FROM_S = 0.5
"""Where the recordings begin on the call's clock."""


async def recorded(desk: World, call: Call, folder: Path) -> None:
    """Both sides of the call, as its recorder would have left them."""
    tone = (np.sin(np.arange(13 * RATE) / 5) * 8_000).astype(np.int16)
    for role in ("agent", "customer"):
        path = f"{call.name}-{role}.flac"
        soundfile.write(folder / path, tone, RATE, subtype="PCM_16")
        await desk.bus.publish(
            RecordingStored(
                at=desk.clock.time(),
                call_id=call.id,
                leg_id=path,
                role=role,
                path=path,
                rate=RATE,
                offset_s=SOUND_FROM_S,
                samples=len(tone),
                size=1,
                complete=True,
                reason="",
            )
        )


APART = """
() => {
  const [audio, slider] = [document.querySelector("audio"), document.querySelector("[type=range]")];
  return Number(slider.value) - audio.currentTime;
}
"""
"""How much later it is on the replay's clock than on the recording's."""

PLAYING = """
(from) => {
  const audio = document.querySelector("audio");
  return !audio.paused && audio.currentTime > from;
}
"""
RESTING = "() => document.querySelector('audio').paused"


async def begun(page: Page, address: str, call: Call, replay: str = "按当时的画面回放") -> None:
    """Open the call's replay; its clock stands still from now on, until a test lets it run."""
    await page.goto(f"{address}/calls/{call.id}")
    button = page.get_by_role("button", name=replay)
    await expect(button).to_be_visible()
    await page.clock.install()
    now = await page.evaluate("Date.now()")
    await page.clock.pause_at(now + 10_000)  # not to be over before a busy machine comes to it
    await button.click()


async def shows(page: Page, second: float) -> None:
    slider = page.get_by_role("slider")
    await slider.fill(str(second))
    await expect(slider).to_have_value(str(second))


async def test_every_moment_is_shown_as_it_was_forwards_and_back(
    browser: Browser, past: tuple[World, Call]
) -> None:
    desk, call = past
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        await begun(page, server.address, call)
        line, state = page.locator("[data-segment]"), page.locator("header .state")
        alerts, provisional = page.locator("article"), page.get_by_title("话音未落")
        await shows(page, 3)
        await expect(state).to_have_text("振铃")
        await expect(line).to_have_count(0)
        for second, text in ((7.6, "我要"), (8.1, "我要投"), (8.6, "我要投诉你")):
            await shows(page, second)
            await expect(line).to_have_count(1)
            await expect(line.locator("p")).to_contain_text(text)
            await expect(line).to_contain_class("partial")
        await expect(state).to_have_text("通话")
        await expect(page.get_by_text("来电者 正在说话")).to_be_visible()
        await shows(page, 8.9)
        await expect(provisional).to_contain_text("我要投诉")
        await expect(alerts).to_have_count(0)
        await shot(page, "replay-partial")
        await shows(page, 9.6)
        await expect(line.locator("p")).to_contain_text("我要投诉你们。")
        await expect(line).not_to_contain_class("partial")
        await expect(provisional).to_have_count(0)
        await expect(alerts).to_have_count(0)
        await shows(page, 10.1)
        await expect(alerts).to_contain_text(["来电人投诉"])
        await expect(page.get_by_title("情绪: 愤怒")).to_have_count(0)
        await shows(page, 11.5)
        await expect(page.get_by_title("情绪: 愤怒")).to_be_visible()
        await expect(page.get_by_label("得分 71")).to_be_visible()
        await shows(page, 7.6)
        await expect(alerts).to_have_count(0)
        await expect(line.locator("p")).to_contain_text("我要")
        await expect(line).to_contain_class("partial")
        await page.get_by_role("button", name="关闭").click()
        await expect(line).to_have_count(2)
        await expect(state).to_have_text("已接听")


async def test_it_plays_pauses_at_the_speed_that_is_asked_for_and_by_keys(
    browser: Browser, past: tuple[World, Call]
) -> None:
    desk, call = past
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        await begun(page, server.address, call)
        slider = page.get_by_role("slider")
        group = page.get_by_role("group", name="回放")
        body = page.locator("body")

        async def moved(ms: int) -> float:
            before = float(await slider.input_value())
            await page.clock.run_for(ms)
            return float(await slider.input_value()) - before

        assert await moved(1000) == pytest.approx(4.0, abs=0.5)
        await group.get_by_role("button", name="1×").click()
        assert await moved(2000) == pytest.approx(2.0, abs=0.25)
        await group.get_by_role("button", name="暂停").click()
        assert await moved(2000) == 0
        await body.press("n")
        await expect(slider).to_have_value("10")
        await expect(page.locator("article")).to_contain_text(["来电人投诉"])
        await body.press("ArrowRight")
        await expect(slider).to_have_value("15")
        await body.press("p")
        await expect(slider).to_have_value("10")
        await body.press("ArrowLeft")
        await expect(slider).to_have_value("5")
        await expect(page.locator("article")).to_have_count(0)
        await group.get_by_role("button", name="8×").click()
        await body.press("k")
        await expect(group.get_by_role("button", name="暂停")).to_be_visible()
        await page.clock.run_for(3000)
        await expect(slider).to_have_value("20")
        await expect(group.get_by_role("button", name="播放")).to_be_visible()
        await expect(page.locator("[data-segment]")).to_have_count(2)
        await body.press("k")
        await page.clock.run_for(500)
        assert float(await slider.input_value()) < 6, "from its end it begins again"


async def test_a_replay_is_accessible_and_fits_in_every_look(
    browser: Browser, past: tuple[World, Call], axe: str
) -> None:
    desk, call = past
    async with running(desk.server()) as server:
        page = await enter(browser, server, width=360, height=760)
        await begun(page, server.address, call)
        await shows(page, 8.9)
        await page.clock.resume()
        await page.get_by_role("button", name="暂停").click()
        await shows(page, 12)
        await looked_at(page, axe, "replay-zh-light-360")
        await page.emulate_media(color_scheme="dark")
        await page.get_by_role("button", name="English").click()
        await expect(page.get_by_role("group", name="Replay")).to_be_visible()
        await looked_at(page, axe, "replay-en-dark-360")
        await page.set_viewport_size({"width": 1366, "height": 760})
        await looked_at(page, axe, "replay-en-dark-1366")


@pytest.mark.alone
async def test_its_sound_goes_with_it_where_there_is_a_recording(
    browser: Browser, past: tuple[World, Call], tmp_path: Path, axe: str
) -> None:
    desk, call = past
    await recorded(desk, call, tmp_path)
    async with running(desk.server(site=Site(recordings=tmp_path))) as server:
        page = await enter(browser, server, dark=True, width=360, height=740)
        await page.goto(f"{server.address}/calls/{call.id}")
        await expect(page.locator("svg path.wave")).to_have_count(2)
        await page.get_by_role("button", name="按当时的画面回放").click()
        bar = page.get_by_role("group", name="回放")
        await expect(bar.get_by_role("button", name="1×")).to_have_attribute("aria-pressed", "true")
        slider, body = page.get_by_role("slider"), page.locator("body")
        await body.press("k")
        # The caller waits for six seconds, and the recording begins half a second after the answer.
        await shows(page, 5.5)
        assert await page.evaluate(RESTING)
        await body.press("k")
        await page.wait_for_function(PLAYING, arg=0.3)
        begins = 6.0 + SOUND_FROM_S
        assert await page.evaluate(APART) == pytest.approx(begins, abs=0.4)
        await expect(page.locator("[data-segment]")).to_contain_text(["我要"])
        # A jump takes the sound with it; so do the keys and the speed.
        await shows(page, 14)
        await page.wait_for_function(PLAYING, arg=14.2 - begins)
        assert await page.evaluate(APART) == pytest.approx(begins, abs=0.4)
        await body.press("k")
        await page.wait_for_function(RESTING)
        await expect(bar.get_by_role("button", name="播放")).to_be_visible()
        await body.press("m")
        await expect(bar.get_by_role("button", name="声音")).to_have_attribute(
            "aria-pressed", "false"
        )
        await body.press("m")
        await bar.get_by_role("button", name="8×").click()
        await expect(bar).to_contain_text("快于 2× 没有声音")
        await looked_at(page, axe, "replay-sound-zh-dark-360")
        await bar.get_by_role("button", name="播放").click()
        await expect(slider).to_have_value("20")
        assert await page.evaluate(RESTING)


async def test_without_a_recording_it_says_so(browser: Browser, past: tuple[World, Call]) -> None:
    desk, call = past
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        await begun(page, server.address, call)
        bar = page.get_by_role("group", name="回放")
        await expect(bar).to_contain_text("没有录音，只有画面")
        await expect(bar.get_by_role("button", name="声音")).to_have_count(0)
