"""The team lead's page in Chromium, against the real server on a real bus and store."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import console_floor
import pytest
from console_world import PASSWORD, Call, World, running, world
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from agent_console.app import STATIC
from agent_console.server import ConsoleServer
from asr.events import AsrHealth
from telephony.events import PbxHealth

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
WEB = ROOT / "agent_console" / "web"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = ROOT / "test-results" / "console"
BAD = "你自己不会看吗，烦不烦"
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def axe() -> str:
    assert (STATIC / "index.html").is_file(), "build the page first: pip install -e ."
    if not AXE.is_file():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=WEB, check=True)
    return AXE.read_text()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as desk:
        yield desk


async def enter(
    browser: Browser,
    server: ConsoleServer,
    *,
    width: int = 1366,
    height: int = 800,
    dark: bool = False,
) -> Page:
    """Log in with the one-time link; no error may reach the browser's console."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    page = await context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    await page.goto(server.login_link())
    await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
    return page


async def a_busy_desk(desk: World) -> tuple[Call, str]:
    """Four calls in different states, one with a taboo phrase and its alert."""
    desk.bus.emit(
        PbxHealth(
            at=desk.clock.time(),
            system="pbx",
            up=True,
            state="up",
            last_event_at=desk.clock.time(),
            reconnects=0,
        )
    )
    desk.bus.emit(
        AsrHealth(
            at=desk.clock.time(),
            node="one",
            ready=True,
            legs=2,
            lag_s=0.4,
            queued=0,
            segments=3,
            partials=9,
            partials_skipped=0,
            redecodes=0,
            audio_s=30.0,
            decode_s=6.0,
        )
    )
    done = Call(desk, "done", queue="投诉建议")
    await done.join(ago=300, caller="02887654321", name="")
    await done.connect(ago=280)
    await done.end(complete=False)
    waiting = Call(desk, "waiting", queue="投诉建议")
    await waiting.join(ago=42, caller="13912345678", name="")
    ringing = Call(desk, "ringing", queue="检查预约")
    ringing.agent = "PJSIP/1002"
    await ringing.join(ago=6, caller="13711112222", name="")
    await ringing.ring(ago=3)
    talking = Call(desk, "talking")
    await talking.join(ago=70)
    await talking.connect(ago=60, wait_s=18.0, rings=4)
    await talking.legs()
    await talking.step("opening", "开场问候", "Opening", "done", 10.0)
    await talking.step("verify", "核对身份", "Verify identity", "missing", 30.0)
    await talking.step("closing", "结束语", "Closing", "pending", None)
    await talking.say("s1", "agent", "您好，市第一医院预约中心，请问有什么可以帮您？", start=1.0)
    await talking.say(
        "s2", "customer", "你好，我想问一下我妈的核磁检查，等了两个星期了还没排上。", start=6.2
    )
    await talking.say("s3", "agent", f"单子上都写了，{BAD}。", start=14.0)
    await talking.hit("s3", f"单子上都写了，{BAD}。", "你自己不会看吗")
    alert = await talking.alert("taboo", segment="s3", phrase="你自己不会看吗")
    await talking.alert(
        "verify", severity="medium", title="未核对身份", title_en="Identity not verified"
    )
    await talking.alert(
        "suspected",
        severity="low",
        title="敏感词",
        title_en="Sensitive word",
        phrase="投诉",
        suspected=True,
    )
    await talking.say("s4", "customer", "你这是什么态度？我要投诉。", start=19.5)
    await console_floor.people(desk, call=talking)
    await console_floor.guidance(desk, talking)
    return talking, alert


async def test_a_transcript_is_revised_in_place(desk: World, browser: Browser) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        call = Call(desk, "one")
        await call.join(ago=9)
        await call.connect()
        call.begin("s1", "customer", 1.0)
        call.partial("s1", "customer", "我想挂一个", start=1.0, revision=1)
        line = page.locator("[data-segment]")
        await expect(line).to_contain_text("我想挂一个")
        await expect(line).to_contain_class("partial")
        call.partial("s1", "customer", "我想挂一个消化科的号", start=1.0, revision=2)
        await expect(line).to_contain_text("消化科")
        await call.say("s1", "customer", "我想挂一个消化内科的号。", start=1.0)
        await expect(line).to_contain_text("我想挂一个消化内科的号。")
        await expect(line).to_have_count(1)
        await expect(line).not_to_contain_class("partial")


async def test_an_alert_is_loud_leads_to_its_words_and_its_acknowledgement_stays(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        await a_busy_desk(desk)
        loud = page.locator(".loud")
        await expect(loud).to_contain_text("服务禁语")
        await expect(page).to_have_title("(3) 听诊")
        await loud.get_by_role("button", name="查看").click()
        marked = page.locator("[data-segment].target mark")
        await expect(marked).to_contain_text("你自己不会看吗")
        SHOTS.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=SHOTS / "lead-light.png")
        await page.locator("body").press("a")
        await expect(loud).to_have_count(0)
        await expect(page).to_have_title("(2) 听诊")
        await page.reload()
        await expect(page).to_have_title("(2) 听诊")
        await expect(page.locator(".loud")).to_have_count(0)
        await expect(page.locator("article")).to_contain_text(["敏感词", "未核对身份"])
        await page.get_by_role("button", name="已处理").click()
        await expect(page.locator("article")).to_contain_text(["lead 已确认"])


async def test_after_a_restart_of_the_server_the_page_comes_back_and_misses_nothing(
    desk: World, browser: Browser
) -> None:
    call = Call(desk, "one")
    async with running(desk.server()) as server:
        port = int(server.address.rsplit(":", 1)[1])
        page = await enter(browser, server)
        await call.join(ago=9)
        await call.connect()
        await call.say("s1", "agent", "您好，请讲。", start=1.0)
        await expect(page.locator("[data-segment]")).to_have_count(1)
    await expect(page.locator(".page")).to_have_attribute("data-connection", "lost")
    await page.screenshot(path=SHOTS / "lead-connection-lost.png")
    await call.say("s2", "customer", "我要退号。", start=3.0)
    await call.alert("while-away", phrase="退号")
    async with running(desk.server(port=port)):
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        await expect(page.locator("[data-segment]")).to_contain_text(["您好，请讲。", "我要退号。"])
        await expect(page.locator(".loud")).to_contain_text("退号")


async def test_a_cut_connection_is_resumed_by_number(desk: World, browser: Browser) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        call = Call(desk, "one")
        await call.join(ago=9)
        await call.connect()
        await call.say("s1", "agent", "您好，请讲。", start=1.0)
        await expect(page.locator("[data-segment]")).to_have_count(1)
        greetings: list[str] = []
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda text: greetings.append(str(text))),
        )
        for client in list(server.context.hub._clients):
            await client.websocket.close(1013)
        await call.say("s2", "customer", "我要退号。", start=3.0)
        await expect(page.locator("[data-segment]")).to_contain_text(["您好，请讲。", "我要退号。"])
        assert any('"hello"' in text and '"snapshot":null' in text for text in greetings)


async def test_a_login_link_opens_again_for_who_is_in_and_for_nobody_else(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        link = server.login_link()
        context = await browser.new_context()
        for _ in range(2):
            page = await context.new_page()
            await page.goto(link)
            await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
            assert "#" not in page.url
        stranger = await (await browser.new_context()).new_page()
        await stranger.goto(link)
        await expect(stranger.get_by_role("alert")).to_contain_text("已用过")


async def test_login_by_hand_refusal_and_logout(desk: World, browser: Browser) -> None:
    async with running(desk.server()) as server:
        context: BrowserContext = await browser.new_context()
        page = await context.new_page()
        await page.goto(server.address)
        await page.get_by_label("密码").fill("not the password")
        await page.get_by_role("button", name="登录").click()
        await expect(page.get_by_role("alert")).to_have_text("用户名或密码不正确。")
        await page.get_by_label("密码").fill(PASSWORD)
        await page.screenshot(path=SHOTS / "login.png")
        await page.get_by_role("button", name="登录").click()
        await expect(page.get_by_text("现在没有通话")).to_be_visible()
        await page.screenshot(path=SHOTS / "lead-empty.png")
        await page.get_by_role("button", name="退出").click()
        await expect(page.get_by_label("密码")).to_be_visible()


@pytest.mark.parametrize("look", ["light", "dark", "english", "phone"])
async def test_every_look_is_accessible_and_fits(
    desk: World, browser: Browser, axe: str, look: str
) -> None:
    server = desk.server()  # health that is told before it runs is not lost
    await a_busy_desk(desk)
    async with running(server):
        phone = look == "phone"
        page = await enter(
            browser, server, width=360 if phone else 1366, height=760, dark=look == "dark"
        )
        if look == "english":
            await page.get_by_role("button", name="English").click()
        for panel in ("calls", "people", "conversation", "alerts") if phone else ("all",):
            if phone:
                await (
                    page.locator("nav:not(.rail) button")
                    .nth(["calls", "people", "conversation", "alerts"].index(panel))
                    .click()
                )
            await expect(page.locator(".loud")).to_be_visible()
            SHOTS.mkdir(parents=True, exist_ok=True)
            await page.screenshot(path=SHOTS / f"lead-{look}-{panel}.png")
            assert await violations(page, axe) == []
            wide = await page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
            assert not wide


async def test_keys_move_between_calls_and_show_the_help_sheet(
    desk: World, browser: Browser
) -> None:
    await a_busy_desk(desk)
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        pressed = page.locator('.card[aria-pressed="true"]')
        await expect(pressed).to_contain_text("•••• 8000")
        await page.locator("body").press("j")
        await expect(pressed).to_contain_text("•••• 5678")
        await page.locator("body").press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.screenshot(path=SHOTS / "help.png")


async def violations(page: Page, axe: str) -> list[str]:
    # The page's own CSP allows no inline script, so axe is run in the debugger's world.
    await page.evaluate(axe)
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{v['id']}: {v['help']}: {[node['html'][:120] for node in v['nodes']]}"
        for v in found["violations"]
        if v["impact"] in {"serious", "critical"}
    ]
