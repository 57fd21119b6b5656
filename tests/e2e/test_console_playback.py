"""A call on the real Asterisk, recorded, and its page in Chromium: seen, heard, led to."""

from __future__ import annotations

import asyncio
import re
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from console_browser import enter, looked_at
from console_world import Call, World, running
from e2e.console_hotline import hotline
from e2e.telephony_rig import settings_for
from playwright.async_api import Page, expect

from agent_console.server import ConsoleServer
from agent_console.site import Site
from backbone import audit
from qa_engine.events import ScriptFinished, ScriptStep
from telephony.recording.events import RecordingStored
from telephony.recording.listening import peaks
from telephony.recording.recorder import Recorder
from telephony.recording.storage import StoredRecording, recordings_of
from telephony.settings import RecordingSettings

pytestmark = [
    pytest.mark.lab,
    pytest.mark.browser,
    pytest.mark.alone,  # one recording for all: no second try would mend frames it has lost
    pytest.mark.asyncio(loop_scope="session"),
]

RATE = 8_000
TALK_S = 11.5
SPOKEN: dict[str, tuple[int, tuple[tuple[float, float], ...]]] = {
    "agent": (500, ((0.5, 3.0), (9.2, 11.2))),
    "customer": (900, ((2.2, 4.0),)),
}
"""Each side's pitch in Hz, and when it is heard."""
BAD = "单子上都写了，你自己不会看吗。"
HIT_AT = 9.4
LEAD_S = 2.0
"""How much the page plays before a finding."""
NEAR_S = 0.35

EAR = """
async () => {
  const audio = document.querySelector("audio");
  const context = (window.ear ??= new AudioContext());
  await context.resume();
  const source = context.createMediaStreamSource(audio.captureStream());
  const splitter = context.createChannelSplitter(2);
  source.connect(splitter);
  window.sides = [0, 1].map((side) => {
    const analyser = context.createAnalyser();
    analyser.fftSize = 4096;
    splitter.connect(analyser, side);
    return analyser;
  });
}
"""
"""Puts an ear to the element: what it decodes and plays, left and right."""

HEARS = """
([side, pitch]) => {
  const analyser = window.sides[side];
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  const loudest = levels.indexOf(Math.max(...levels));
  const hertz = (loudest * window.ear.sampleRate) / analyser.fftSize;
  return levels[loudest] > -60 && Math.abs(hertz - pitch) < 40;
}
"""

NOTE_PLAYING = """
() => {
  const audio = document.querySelector("audio");
  window.played = [];
  audio.addEventListener("playing", () => window.played.push(audio.currentTime));
  document.addEventListener("click", () => { window.left = audio.currentTime; }, true);
}
"""


@dataclass
class Recorded:
    """A call that is over, with both sides in files."""

    desk: World
    folder: Path
    call: Call
    legs: dict[str, StoredRecording]

    def server(self) -> ConsoleServer:
        return self.desk.server(site=Site(recordings=self.folder))

    def file_time(self, at: float, role: str = "") -> float:
        """Where a moment of the call stands in what is played."""
        legs = [leg for leg in self.legs.values() if role in {"", leg.role}]
        return at - min(leg.offset_s for leg in legs)


def write_voices(folder: Path) -> dict[str, Path]:
    times = np.arange(round(TALK_S * RATE)) / RATE
    paths = {}
    for role, (pitch, spans) in SPOKEN.items():
        heard = np.zeros(len(times), dtype=bool)
        for start, end in spans:
            heard |= (times >= start) & (times < end)
        samples = (np.sin(2 * np.pi * pitch * times) * 6_000 * heard).astype("<i2")
        paths[role] = folder / f"{role}.wav"
        with wave.open(str(paths[role]), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(samples.tobytes())
    return paths


async def understood(call: Call, desk: World) -> None:
    """What recognition and rules would have made of these voices."""
    await call.step("opening", "开场问候", "Opening", "done", 10.0)
    await call.say("s1", "agent", "您好，市第一医院，请讲。", start=0.6)
    await call.say("s2", "customer", "我要投诉，还没排上。", start=2.2)
    await call.say("s3", "agent", BAD, start=9.3)
    await call.hit("s3", BAD, "你自己不会看吗", start=HIT_AT)
    await call.alert("taboo", segment="s3", phrase="你自己不会看吗", start=HIT_AT)
    await desk.bus.publish(
        ScriptFinished(
            at=desk.clock.time(),
            call_id=call.id,
            script="complaint",
            topic="complaint",
            title="投诉",
            title_en="Complaint",
            steps=(
                ScriptStep(
                    step="comfort", title="安抚来电者", title_en="Comfort", state="done", at=10.0
                ),
                ScriptStep(step="close", title="结束语", title_en="Closing", state="missed"),
            ),
        )
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recorded(shared_lab, tmp_path_factory):
    lab = await shared_lab.fit()
    folder = tmp_path_factory.mktemp("playback")
    voices = await asyncio.to_thread(write_voices, folder)
    kept = folder / "recordings"
    async with hotline(settings_for(lab.addresses), folder) as (desk, rig):
        stored = rig.bus.subscribe("stored", RecordingStored)
        recorder = Recorder(
            RecordingSettings(enabled=True, keep_free_mb=0),
            kept,
            rig.bus,
            rig.clock,
            rig.counters,
            engine=desk.engine,
        )
        rig.start("recorder", recorder.run())
        truth = await lab.call(
            "complaint",
            ring_s=0.3,
            talk_s=TALK_S,
            agent_wav=voices["agent"],
            customer_wav=voices["customer"],
            number="19900000931",
        )
        record = await rig.record(truth.uniqueid)
        for _ in range(2):
            await anext(stored)
        await rig.stop("recorder")
        call = Call(desk, "recorded")
        call.id = record.call_id
        await understood(call, desk)
        with desk.engine.connect() as connection:
            legs = {leg.role: leg for leg in recordings_of(connection, call.id)}
        yield Recorded(desk, kept, call, legs)


async def call_page(browser, server: ConsoleServer, recorded: Recorded, query: str = "", **look):
    page = await enter(browser, server, **look)
    await page.goto(f"{server.address}/calls/{recorded.call.id}{query}")
    await expect(page.locator("svg path.wave")).to_have_count(2)
    await page.evaluate(NOTE_PLAYING)
    return page


async def playing_from(page: Page, at: float, *, times: int = 1) -> None:
    """Wait until sound has begun for the n-th time, and hold where."""
    await page.wait_for_function("(times) => window.played.length >= times", arg=times)
    assert (await page.evaluate("window.played"))[times - 1] == pytest.approx(at, abs=NEAR_S)


async def hears(page: Page, side: int, role: str) -> None:
    await page.wait_for_function(HEARS, arg=[side, SPOKEN[role][0]])


def outline(path: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The upper edge of a drawn waveform, as heights above its middle."""
    points = [float(pair.split(",")[1]) for pair in path.strip("MZ").split("L")]
    return 20 - np.array(points[: len(points) // 2])


async def test_the_timeline_draws_the_recording_and_what_was_found_in_it(
    browser, recorded: Recorded, axe: str
) -> None:
    async with running(recorded.server()) as server:
        page = await call_page(browser, server, recorded)
        loudest = {
            role: np.array(peaks(recorded.folder / leg.path, leg.samples))
            for role, leg in recorded.legs.items()
        }
        full = max(0.1, *(values.max() for values in loudest.values()))
        for role, values in loudest.items():
            drawn = outline(await page.locator(f"path.wave.{role}").get_attribute("d") or "")
            assert drawn == pytest.approx(20 * values / full, abs=0.11)
            spoken = np.zeros(len(values), dtype=bool)
            leg = recorded.legs[role]
            for start, end in SPOKEN[role][1]:
                begin, stop = (
                    round((at - leg.offset_s) / leg.duration_s * len(values)) for at in (start, end)
                )
                spoken[begin + 20 : stop - 20] = True
            # A busy machine may lose a frame of the phone; nobody would take that for silence.
            assert np.mean(drawn[spoken] > 10) > 0.9, "who speaks is seen"
        await expect(page.locator("rect.turn.agent")).to_have_count(2)
        await expect(page.locator("rect.turn.customer")).to_have_count(1)
        caption = page.locator("figcaption")
        await expect(caption).to_contain_text("静默 1")
        await expect(caption).to_contain_text("抢话 1")
        await expect(page.get_by_role("button", name="你自己不会看吗").first).to_be_visible()
        steps = page.get_by_role("group", name="必做步骤").get_by_role("button")
        await expect(steps).to_contain_text(["开场问候", "安抚来电者"])
        await looked_at(page, axe, "call-zh-light")


async def test_a_finding_is_heard_from_just_before_it(browser, recorded: Recorded) -> None:
    async with running(recorded.server()) as server:
        page = await call_page(browser, server, recorded)
        answers = []
        page.on("response", lambda a: answers.append(a) if "/audio" in a.url else None)
        await page.locator(".marks").get_by_role("button", name="你自己不会看吗").click()
        await playing_from(page, recorded.file_time(HIT_AT - LEAD_S))
        await expect(page).to_have_url(re.compile(rf"\?t={HIT_AT - LEAD_S}$"))
        await expect(page.locator("[data-segment].target mark")).to_contain_text("你自己不会看吗")
        await page.evaluate(EAR)
        await hears(page, 0, "agent")
        await expect(page.locator("[data-segment].heard")).to_contain_text("单子上都写了")
        # Both sides at once, each in its own ear.
        await page.get_by_title("从这里播放").nth(1).click()
        await hears(page, 1, "customer")
        await hears(page, 0, "agent")
        assert answers
        for answer in answers:
            assert answer.status == 206
            assert "bytes=" in (await answer.request.all_headers())["range"]
            assert answer.headers["content-type"] == "audio/flac"
        with recorded.desk.engine.connect() as connection:
            kept = [e for e in audit.entries(connection) if e.action == "play"]
        assert ("lead", "both", recorded.call.id) in {(e.who, e.answer, e.call_id) for e in kept}


async def test_one_side_is_heard_alone_from_the_same_moment(browser, recorded: Recorded) -> None:
    async with running(recorded.server()) as server:
        page = await call_page(browser, server, recorded, "?t=2.4")
        sides = page.get_by_role("group", name="听哪一方")
        await sides.get_by_role("button", name="来电者").click()
        await expect(page.locator("audio")).to_have_attribute("src", re.compile("leg=customer"))
        await page.get_by_role("button", name="播放", exact=True).click()
        await playing_from(page, recorded.file_time(2.4, "customer"))
        await page.evaluate(EAR)
        await hears(page, 0, "customer")
        await sides.get_by_role("button", name="坐席").click()
        heard = await page.evaluate("window.left")
        apart = recorded.file_time(0.0, "agent") - recorded.file_time(0.0, "customer")
        await playing_from(page, heard + apart, times=2)
        await expect(page.get_by_role("button", name="暂停")).to_be_visible()


async def test_a_link_to_a_moment_opens_there_and_waits(browser, recorded: Recorded) -> None:
    async with running(recorded.server()) as server:
        page = await call_page(browser, server, recorded, "?t=7.4")
        await expect(page.locator("[data-segment].target")).to_contain_text("我要投诉")
        slider = page.get_by_role("slider", name="位置")
        await expect(slider).to_have_value("7.4")
        assert await page.evaluate("document.querySelector('audio').paused")
        with recorded.desk.engine.connect() as connection:
            heard = len([e for e in audit.entries(connection) if e.action == "play"])
        await page.reload()
        await expect(slider).to_have_value("7.4")
        await page.evaluate(NOTE_PLAYING)
        await page.locator("body").press("k")
        await playing_from(page, recorded.file_time(7.4))
        with recorded.desk.engine.connect() as connection:
            kept = [e for e in audit.entries(connection) if e.action == "play"]
        assert len(kept) == heard + 1, "to look is not to listen"


async def test_keys_play_skip_and_go_from_finding_to_finding(browser, recorded: Recorded) -> None:
    async with running(recorded.server()) as server:
        page = await call_page(browser, server, recorded)
        slider = page.get_by_role("slider", name="位置")
        body = page.locator("body")
        await body.press("ArrowRight")
        await expect(slider).to_have_value("5")
        await body.press("ArrowLeft")
        await expect(slider).to_have_value("0")
        await slider.focus()
        await slider.press("ArrowRight")
        await expect(slider).to_have_value("5")
        await slider.blur()
        await body.press("Space")
        await playing_from(page, recorded.file_time(5.0))
        await body.press("Space")
        await expect(page.get_by_role("button", name="播放", exact=True)).to_be_visible()
        await body.press("n")
        await playing_from(page, recorded.file_time(HIT_AT - LEAD_S), times=2)
        await body.press("k")
        await expect(page.get_by_role("button", name="播放", exact=True)).to_be_visible()
        await body.press("?")
        await expect(page.get_by_role("dialog")).to_contain_text("后退 / 前进 5 秒")


async def test_a_recorded_call_in_every_look(browser, recorded: Recorded, axe: str) -> None:
    async with running(recorded.server()) as server:
        page = await call_page(browser, server, recorded, width=360, height=760)
        await looked_at(page, axe, "call-zh-light-360")
        await page.emulate_media(color_scheme="dark")
        await page.get_by_role("button", name="English").click()
        await expect(page.get_by_role("group", name="Recording")).to_be_visible()
        await looked_at(page, axe, "call-en-dark-360")
        await page.set_viewport_size({"width": 1366, "height": 760})
        await looked_at(page, axe, "call-en-dark-1366")
