"""The pictures in docs/images, taken of the pages as they are: `python tests/console_pictures.py`.

Needs what the browser tests need, and the page built. Names of pages and more stand in `PAGES`; who
wants some of them only gives their names.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import console_day
import console_floor
from console_browser import ROOT, chromium, enter
from console_looks import routed_pages
from console_world import Call, World, running, world
from PIL import Image
from playwright.async_api import Browser, Page, expect

from agent_console import users
from agent_console.access import API
from agent_console.history.tape import TAPED, CallTaper
from agent_console.server import ConsoleServer
from agent_console.site import Site
from agent_console.work.seed import sow
from backbone.clock import ManualClock
from backbone.ids import stable_id
from qa_engine.events import RunningScore
from telephony.recording.events import RecordingStored

IMAGES = ROOT / "docs" / "images"
CALLS = ROOT / "tingzhen" / "demo" / "calls"
COMPLAINTS = (
    ("yellow", "检查预约", "02887654321", "胃镜改期两次都没有通知，白跑一趟。"),
    ("red", "预约挂号", "13912345678", "反映坐席介绍院外诊所，要求核查。"),
    ("yellow", "报告查询", "13711112222", "病理报告十天还没有出，问不到进度。"),
    ("yellow", "预约挂号", "13600003333", "老人不会用手机，现场又没有号，要求人工预约。"),
)
"""More of them: card, queue, number, words."""
RECORDS = (
    ("past-0", {"need": "问上周的检查报告", "outcome": "answered", "sex": "male"}),
    ("past-1", {"need": "挂消化内科的号", "topic": "appointment_new", "address": "外地"}),
)
"""Calls of the day and what was written of them, none complete."""
PLAYED = "c02"
"""Of the bundled calls; what is wrong in it, by the start of its sentence."""
WRONG = {12.76: "我不知道", 19.488: "不归我管", 28.57: "你自己看着办"}
BEGAN = 1_790_000_000.0
WIDTH, HEIGHT = 1366, 800
COLOURS = 128


@dataclass(frozen=True)
class Shown:
    """A page of the day: as whom, what is there when it is, what is clicked first."""

    page: str
    role: str
    ready: str
    query: str = ""
    click: str = ""


PAGES = {
    "console": Shown("desk", "lead", ".actions", click="article .body"),
    "agent": Shown("agent", "agent", "#field-age"),
    "complaints": Shown("complaint", "lead", ".detail h2"),
    "knowledge": Shown("article", "lead", ".detail h2"),
    "registers": Shown("registers", "lead", ".list > *", query="?tab=incomplete"),
    "inspection": Shown("inspection", "inspector", ".answers"),
    "manage": Shown("manage", "manager", "tbody tr"),
    "wallboard": Shown("wallboard", "manager", "tbody tr"),
}
OF_THE_PLAYED = {"call", "replay"}


async def keep(page: Page, name: str) -> None:
    """Save it with few colours, which is what makes it small."""
    # What was fetched last is painted.
    await page.wait_for_load_state("networkidle")
    path = IMAGES / f"{name}.png"
    await page.screenshot(path=path, animations="disabled")
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


async def fill(desk: World, server: ConsoleServer) -> console_day.Day:
    """The tests' day, and enough of everything for a list to look like one."""
    await sow(desk.bus, desk.clock, desk.engine)
    day = await console_day.fill(desk, server)
    async with console_day.client_of(server, users.LEAD) as lead:
        filed = [
            lead.post(
                f"{API}/complaints",
                json={"card": card, "queue": queue, "number": number, "text": text},
            )
            for card, queue, number, text in COMPLAINTS
        ]
        written = [
            lead.put(
                f"{API}/calls/{stable_id('test', name)}/register", json={**fields, "version": 0}
            )
            for name, fields in RECORDS
        ]
        await console_day.done(*filed, *written)
    return day


async def pages(browser: Browser, wanted: set[str], folder: Path) -> None:
    """Those of a hotline in the middle of its day."""
    async with world(folder) as desk:
        server = desk.server(site=console_day.site(folder))
        async with running(server):
            day = await fill(desk, server)
            for name in wanted:
                shown = PAGES[name]
                page = await enter(
                    browser, server, username=day.people[shown.role], width=WIDTH, height=HEIGHT
                )
                address = day.address(shown.page, routed_pages()[shown.page][0])
                await page.goto(f"{server.address}{address}{shown.query}")
                if shown.click:
                    await page.locator(shown.click).first.click()
                await expect(page.locator(shown.ready).first).to_be_visible()
                await keep(page, name)
                await page.context.close()


async def played(desk: World, clock: ManualClock, recordings: Path) -> Call:
    """A bundled call with its sound and what was found in it, each at its time."""
    told = json.loads((CALLS / f"{PLAYED}.json").read_text())
    call = Call(desk, "played", queue="检查报告")
    seen = desk.bus.subscribe("pictures", *TAPED, maxsize=1000)

    async def at(second: float) -> None:
        await clock.advance(BEGAN + second - clock.time())

    await call.join(caller=told["caller"], name="")
    await at(8)
    await call.connect()
    await call.legs()
    await call.step("opening", "开场问候", "Opening", "done", 10.0)
    for number, said in enumerate(told["utterances"]):
        segment, start, text = f"s{number}", said["start"], said["text"]
        await at(8 + said["end"] + 0.8)
        await call.say(segment, said["role"], text, start=start)
        if phrase := WRONG.get(start):
            place = text.index(phrase)
            begin = start + place / 5
            await call.hit(segment, text, phrase, start=begin)
            await call.alert(
                segment,
                segment=segment,
                phrase=phrase,
                start=begin,
                span=(place, place + len(phrase)),
            )
    desk.bus.emit(console_floor.score(clock.time(), call.id, 62.5))
    async for envelope in seen:
        if isinstance(envelope.event, RunningScore):
            break
    await at(8 + told["duration"])
    await desk.bus.publish(console_floor.final_score(clock.time(), call))
    await call.end()
    for role, file in told["files"].items():
        shutil.copy(CALLS / file, recordings / file)
        await desk.bus.publish(
            RecordingStored(
                at=clock.time(),
                call_id=call.id,
                leg_id=file,
                role=role,
                path=file,
                rate=told["sample_rate"],
                offset_s=0.0,
                samples=round(told["duration"] * told["sample_rate"]),
                size=(CALLS / file).stat().st_size,
                complete=True,
                reason="",
            )
        )
    return call


@contextlib.asynccontextmanager
async def past(folder: Path) -> AsyncIterator[tuple[ConsoleServer, Call]]:
    """A console with that call on its tape."""
    clock = ManualClock(BEGAN)
    async with world(folder, clock) as desk:
        taping = asyncio.create_task(CallTaper(desk.bus, desk.counters).run())
        try:
            call = await played(desk, clock, folder)
            server = desk.server(site=replace(Site(), recordings=folder))
            async with running(server):
                yield server, call
        finally:
            taping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await taping


async def sound(browser: Browser, wanted: set[str], folder: Path) -> None:
    """A call's page with its recording, and its replay."""
    async with past(folder) as (server, call):
        page = await enter(browser, server, width=WIDTH, height=HEIGHT)
        await page.goto(f"{server.address}/calls/{call.id}?t=20.6")
        await expect(page.get_by_role("slider").first).to_be_visible()
        if "call" in wanted:
            await keep(page, "call")
        if "replay" in wanted:
            await page.get_by_role("button", name="按当时的画面回放").click()
            await page.get_by_role("button", name="暂停").click()
            await page.get_by_role("slider").fill("34")
            await expect(page.locator("article")).to_have_count(2)
            await keep(page, "replay")


async def main(names: list[str]) -> None:
    """Take those with these names, or all."""
    wanted = set(names) or {*PAGES, *OF_THE_PLAYED}
    async with chromium() as browser:
        for take, of in ((pages, wanted & set(PAGES)), (sound, wanted & OF_THE_PLAYED)):
            if of:
                with tempfile.TemporaryDirectory() as folder:
                    await take(browser, of, Path(folder))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
