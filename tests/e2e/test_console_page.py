"""The team lead's page in Chromium, against the real server on a real bus and store."""

from __future__ import annotations

import asyncio

import console_floor
import pytest
from console_browser import enter, fits, looked_at, person, shot, violations
from console_world import PASSWORD, Call, World, running
from playwright.async_api import Browser, BrowserContext, Locator, expect

from qa_engine.events import AlertWithdrawn

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


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
        await console_floor.a_busy_desk(desk)
        loud = page.locator(".loud")
        await expect(loud).to_contain_text("服务禁语")
        await expect(page).to_have_title("(3) 值班台 · 听诊")
        await loud.get_by_role("button", name="查看").click()
        marked = page.locator("[data-segment].target mark")
        await expect(marked).to_contain_text("你自己不会看吗")
        await shot(page, "lead-light")
        await page.locator("body").press("a")
        await expect(loud).to_have_count(0)
        await expect(page).to_have_title("(2) 值班台 · 听诊")
        await page.reload()
        await expect(page).to_have_title("(2) 值班台 · 听诊")
        await expect(page.locator(".loud")).to_have_count(0)
        await expect(page.locator("article")).to_contain_text(["未核对身份", "敏感词"])
        await page.get_by_role("button", name="已处理").click()
        await expect(page.locator("article")).to_contain_text(["lead 已确认"])


async def test_an_opened_alert_shows_what_it_rests_on_and_what_was_done_to_it(
    desk: World, browser: Browser, axe: str
) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        call = Call(desk, "one")
        await call.join(ago=60)
        await call.connect(ago=50)
        await call.say("s1", "customer", "能治好吗？", start=3.0)
        await call.say("s2", "agent", "您放心，包治好。", start=6.0)
        await call.alert("a", segment="s2", phrase="包治好", start=6.8, span=(4, 7), version="v7")
        await page.locator(".loud").get_by_role("button", name="查看").click()
        rests = page.get_by_role("region", name="依据")
        await expect(rests).to_contain_text("规则 taboo.attitude · 版本 v7 · 识别置信度 90%")
        words = rests.get_by_role("list", name="前后双方的话").get_by_role("listitem")
        await expect(words).to_have_text(["0:03 来电者 能治好吗？", "0:06 坐席 您放心，包治好。"])
        await expect(words.locator("mark")).to_have_text("包治好")
        await call.say("s3", "customer", "那太好了。", start=9.0)
        await expect(words).to_have_count(3)
        await page.get_by_role("textbox", name="备注").fill("请复听")
        await page.get_by_role("textbox", name="备注").press("Enter")
        done = rests.get_by_role("list", name="处理记录").get_by_role("listitem")
        await expect(done).to_contain_text(["lead 备注 请复听"])
        await shot(page, "lead-alert-evidence")
        assert await violations(page, axe) == []
        await page.get_by_role("button", name="误报").click()
        await page.get_by_role("button", name="已处理").click()
        await expect(done).to_contain_text(["备注 请复听", "lead 判定 误报"])
        heard = rests.get_by_role("link", name="从 0:06 起播放")
        await expect(heard).to_have_attribute("href", f"/calls/{call.id}?t=6.8")


FILLS = """panel => {
  const main = panel.closest("main").getBoundingClientRect();
  return Math.abs(main.bottom - panel.getBoundingClientRect().bottom) < 2;
}"""


async def top(shown: Locator) -> float:
    box = await shown.bounding_box()
    assert box is not None
    return box["y"]


async def test_a_red_line_stays_on_top_and_nothing_moves_under_the_pointer(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server, height=500)
        call = Call(desk, "one")
        await call.join(ago=9)
        await call.connect()
        await call.alert("red", severity="critical", title="索要红包")
        for number in range(12):
            await call.alert(f"m{number}", severity="medium", title=f"未核对身份{number}")
        cards = page.locator("article")
        await expect(cards).to_have_count(13)
        await expect(cards.first).to_contain_text("索要红包")
        await expect(cards.nth(1)).to_contain_text("未核对身份11")
        await page.keyboard.press("n")
        await expect(page.locator("article.selected")).to_contain_text("索要红包")
        await page.keyboard.press("n")
        await expect(page.locator("article.selected")).to_contain_text("未核对身份11")
        # Who points at one reads it: what comes waits above, told to screen readers all the same.
        pointed = cards.filter(has_text="未核对身份8")
        await pointed.hover()
        before = await top(pointed)
        await call.alert("threat", severity="critical", title="扬言伤人")
        told = page.get_by_role("alert").filter(has_text="新告警")
        await expect(told).to_contain_text("紧急, 扬言伤人")
        await expect(page.get_by_text("新来 1 条")).to_be_visible()
        await pointed.hover(position={"x": 12, "y": 8})  # at rest for 8 s it points no more
        await call.alert("plain", severity="medium", title="语速过快")
        await expect(page.get_by_role("status").filter(has_text="语速过快")).to_have_count(1)
        await expect(page.get_by_text("新来 2 条")).to_be_visible()
        await expect(cards).to_have_count(13)
        assert await top(pointed) == pytest.approx(before, abs=1)
        # What is acknowledged there keeps its place, so that no second click hits the next one.
        await pointed.hover(position={"x": 16, "y": 8})
        await pointed.get_by_role("button", name="确认").click()
        await expect(pointed).to_contain_text("lead 已确认")
        await shot(page, "inbox-held")
        await page.mouse.move(5, 5)
        await expect(cards).to_have_count(14)
        await expect(cards.first).to_contain_text("扬言伤人")
        await expect(cards.nth(1)).to_contain_text("索要红包")
        await expect(cards.nth(2)).to_contain_text("语速过快")


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
    await shot(page, "lead-connection-lost")
    await call.say("s2", "customer", "我要退号。", start=3.0)
    await call.alert("while-away", phrase="退号")
    async with running(desk.server(port=port)):
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        await expect(page.locator("[data-segment]")).to_contain_text(["您好，请讲。", "我要退号。"])
        await expect(page.locator(".loud")).to_contain_text("退号")
        await expect(page.locator("article")).to_have_count(1)
        await expect(page.locator(".card")).to_have_count(1)


async def test_an_agents_page_comes_back_after_a_restart_with_each_thing_once(
    desk: World, browser: Browser
) -> None:
    call = Call(desk, "one")
    async with running(desk.server()) as server:
        port = int(server.address.rsplit(":", 1)[1])
        agent = await person(server, "lina", "agent", agent=call.agent)
        page = await enter(browser, server, username=agent)
        await call.join(ago=9)
        await call.connect()
        await console_floor.people(desk, call=call)
        await call.say("s1", "agent", "您好，请讲。", start=1.0)
        await call.alert("before", severity="medium", title="未核对身份")
        await page.get_by_label("诉求").fill("退号")
        # The last thing that the page asks for; a server that stops breaks nothing off.
        await expect(page.locator("#field-topic option").nth(20)).to_be_attached()
        await expect(page.locator("[data-segment]")).to_have_count(1)
    await expect(page.locator(".page")).to_have_attribute("data-connection", "lost")
    await expect(page.get_by_text("与服务器的连接已断开")).to_be_visible()
    await expect(page.get_by_text("已断开，正在重连", exact=True)).to_be_visible()
    # What was there stays, and what was typed.
    await expect(page.locator("[data-segment]")).to_have_count(1)
    await call.say("s2", "customer", "我要退号。", start=3.0)
    await call.alert("while-away", severity="medium", title="未做结束语")
    async with running(desk.server(port=port)):
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        await expect(page.get_by_text("与服务器的连接已断开")).to_have_count(0)
        await expect(page.locator("[data-segment]")).to_contain_text(["您好，请讲。", "我要退号。"])
        await call.say("s3", "agent", "好的。", start=5.0)
        await expect(page.locator("[data-segment]")).to_have_count(3)
        for title in ("未核对身份", "未做结束语"):
            await expect(page.get_by_text(title)).to_have_count(1)
        await expect(page.get_by_label("诉求")).to_have_value("退号")


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
        context = await browser.new_context(locale="zh-CN")
        for _ in range(2):
            page = await context.new_page()
            await page.goto(link)
            await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
            assert "#" not in page.url
        stranger = await (await browser.new_context(locale="zh-CN")).new_page()
        await stranger.goto(link)
        await expect(stranger.get_by_role("alert")).to_contain_text("已用过")


async def test_login_by_hand_refusal_and_logout(desk: World, browser: Browser) -> None:
    async with running(desk.server()) as server:
        context: BrowserContext = await browser.new_context(locale="zh-CN")
        page = await context.new_page()
        await page.goto(server.address)
        await page.get_by_label("用户名").fill("lead")
        await page.get_by_label("密码").fill("not the password")
        await page.get_by_role("button", name="登录").click()
        await expect(page.get_by_role("alert")).to_have_text("用户名或密码不正确。")
        await page.get_by_label("密码").fill(PASSWORD)
        await shot(page, "login")
        await page.get_by_role("button", name="登录").click()
        await expect(page.get_by_text("现在没有通话")).to_be_visible()
        await shot(page, "lead-empty")
        await page.get_by_role("button", name="退出").click()
        await expect(page.get_by_label("密码")).to_be_visible()


COUNT_TONES = """() => {
  window.tones = 0;
  const made = AudioContext.prototype.createOscillator;
  AudioContext.prototype.createOscillator = function () {
    window.tones += 1;
    return made.call(this);
  };
}"""


async def test_what_is_provisional_reaches_the_bar_and_stands_there_once(
    desk: World, browser: Browser, axe: str
) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        call = Call(desk, "one")
        await call.join(ago=9)
        await call.connect()
        bar, early, loud = page.locator(".early"), page.locator(".early li"), page.locator(".loud")
        row = page.get_by_role("region", name="告警").locator("li:not(:has(article))")
        await page.get_by_role("button", name="声音", exact=True).click()
        await call.alert("plain", severity="medium", title="语速过快")
        await expect(page.locator("article")).to_have_count(1)
        await page.evaluate(COUNT_TONES)
        console_floor.speaks(desk, call, "one")
        await expect(early).to_contain_text("未确认")
        await expect(early).to_contain_text("我要投诉")
        await expect(bar.get_by_text("话音未落，等整句确认")).to_be_visible()
        await expect(row).to_contain_text("未确认")
        await expect(page.locator(".card").get_by_title("话音未落")).to_be_visible()
        told = page.get_by_role("alert")
        await expect(told).to_contain_text(["未确认的告警: 严重, 来电人投诉"])
        # What is not certain cannot be acknowledged: the key does nothing to anything else.
        await page.locator("body").press("a")
        await shot(page, "lead-provisional")
        assert await violations(page, axe) == []
        await page.get_by_role("button", name="English").click()
        await expect(early).to_contain_text("provisional")
        await expect(early).to_contain_text("Caller complains")
        await page.get_by_role("button", name="中文").click()
        # It becomes the alert that stands, in the bar and in the list: heard once, shown once.
        await call.alert("complaint", confirms="one", title="来电人投诉")
        await expect(loud).to_contain_text("来电人投诉")
        await expect(early).to_have_count(0)
        await expect(row).to_have_count(0)
        await expect(page.locator("article").filter(has_text="来电人投诉")).to_have_count(1)
        await expect(page.locator("article").filter(has_text="语速过快")).to_contain_class("open")
        await expect(page.get_by_role("status").filter(has_text="告警已成立")).to_have_count(1)
        assert await page.evaluate("window.tones") == TONES_OF_HIGH
        # Another one is told while that stands; it is taken back in sight.
        console_floor.speaks(desk, call, "two")
        await expect(early).to_contain_text("未确认")
        before = await top(page.locator("main"))
        desk.bus.emit(AlertWithdrawn(at=desk.clock.time(), call_id=call.id, alert_id="two"))
        # Six seconds it stands there: looked for at once, not one after the other.
        await asyncio.gather(
            expect(early).to_contain_text("已撤回"),
            expect(early).to_contain_text("整句说完，并非如此"),
            expect(row).to_contain_text("已撤回"),
            expect(page.get_by_role("status").filter(has_text="告警已撤回")).to_have_count(1),
        )
        assert await top(page.locator("main")) == before, "what is taken back moves nothing"
        assert await page.evaluate("window.tones") == 2 * TONES_OF_HIGH
        assert await violations(page, axe) == []
        # One that stands below a louder one says so in the bar, and leads to its alert.
        console_floor.speaks(desk, call, "three")
        await expect(early.filter(has_text="未确认")).to_have_count(1)
        await call.alert("again", confirms="three", title="又一次投诉")
        stands = early.filter(has_text="已成立")
        await stands.get_by_role("button").click()
        await expect(page.locator("article.selected")).to_contain_text("又一次投诉")
        await expect(loud).to_contain_text("来电人投诉")
        # On a watch too, where nobody's words are shown.
        await page.set_viewport_size({"width": 198, "height": 242})
        await page.goto(f"{server.address}/watch")
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        console_floor.speaks(desk, call, "four")
        await expect(page.get_by_role("status").filter(has_text="未确认")).to_be_visible()
        await expect(page.get_by_text("我要投诉")).to_have_count(0)
        await looked_at(page, axe, "watch-provisional")


TONES_OF_HIGH = 2


async def test_a_call_that_can_be_saved_is_loud_before_one_that_is_over_and_keys_go_on(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        over, still = Call(desk, "one"), Call(desk, "two")
        for call in (over, still):
            await call.join(ago=60)
            await call.connect(ago=50)
        await over.alert("old", severity="critical", title="索要红包")
        loud, cards = page.locator(".loud"), page.locator("article")
        await expect(loud).to_contain_text("索要红包")
        await expect(loud).to_contain_text("通话中")
        await over.end()
        await expect(loud).to_contain_text("已挂机")
        await still.alert("new", severity="high", title="服务禁语")
        for number in (1, 2):
            await still.alert(f"m{number}", severity="medium", title=f"未核对身份{number}")
        await expect(loud).to_contain_text("服务禁语")
        await expect(cards).to_contain_text(["索要红包", "服务禁语", "未核对身份2", "未核对身份1"])
        await page.get_by_role("button", name="通话中", exact=True).click()
        await expect(cards).to_have_count(3)
        # Without the pointer: choose, open, judge, take, comment, and on to the next each time.
        body, chosen = page.locator("body"), page.locator("article.selected")
        await body.press("n")
        await expect(chosen).to_contain_text("服务禁语")
        await body.press("a")
        await expect(loud).to_contain_text("索要红包")
        await expect(chosen).to_contain_text("未核对身份2")
        await expect(page.get_by_role("button", name="本通 2 条全部确认")).to_be_visible()
        await body.press("f")
        await expect(chosen).to_contain_text("未核对身份1")
        await expect(page.locator("#alerts-title .count")).to_have_text("2 条未处理")
        await body.press("t")
        await expect(chosen).to_contain_text("指派给 lead")
        await body.press("c")
        await expect(page.get_by_role("textbox", name="备注")).to_be_focused()
        # Nothing that is out of sight makes the page longer than the screen.
        assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")


async def test_all_alerts_of_a_call_are_acknowledged_together(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        calls = Call(desk, "one"), Call(desk, "two")
        for call in calls:
            await call.join(ago=9)
            await call.connect()
        await calls[0].alert("other", severity="critical", title="索要红包")
        for number in range(3):
            await calls[1].alert(f"m{number}", severity="medium", title=f"未核对身份{number}")
        await page.locator("article").filter(has_text="未核对身份1").locator(".body").click()
        await page.get_by_role("button", name="本通 3 条全部确认").click()
        await page.mouse.move(5, 5)
        await expect(page.locator("article")).to_contain_text(["索要红包"])
        await expect(page.locator("article")).to_have_count(1)


async def test_a_lead_sees_what_helps_the_agent_now(desk: World, browser: Browser) -> None:
    server = desk.server()
    talking, _ = await console_floor.a_busy_desk(desk)
    async with running(server):
        await console_floor.guidance(desk, talking)
        page = await enter(browser, server)
        guide = page.get_by_role("region", name="现在能帮上坐席的")
        await expect(guide).to_contain_text("下一步")
        await expect(guide).to_contain_text("来电者：愤怒")
        await expect(guide).to_contain_text("换作是我也会着急")
        await expect(guide).to_contain_text("失分")
        await guide.get_by_text("下一步").click()
        await expect(guide.get_by_role("listitem").first).to_be_visible()
        await shot(page, "lead-guide")


@pytest.mark.parametrize("look", ["light", "dark", "english", "phone"])
async def test_every_look_is_accessible_and_fits(
    desk: World, browser: Browser, axe: str, look: str
) -> None:
    server = desk.server()  # health that is told before it runs is not lost
    talking, _ = await console_floor.a_busy_desk(desk)
    async with running(server):
        # What only the newest of counts is told to whoever listens.
        await console_floor.people(desk, call=talking)
        await console_floor.guidance(desk, talking)
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
            await shot(page, f"lead-{look}-{panel}")
            shown = page.locator(".panel:visible").last
            assert await shown.evaluate(FILLS), "a panel ends where the page does"
            assert await violations(page, axe) == []
            assert await fits(page)


async def test_keys_move_between_calls_and_show_the_help_sheet(
    desk: World, browser: Browser
) -> None:
    await console_floor.a_busy_desk(desk)
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        pressed = page.locator('.card[aria-pressed="true"]')
        await expect(pressed).to_contain_text("•••• 8000")
        await page.locator("body").press("j")
        await expect(pressed).to_contain_text("•••• 5678")
        await page.locator("body").press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await shot(page, "help")
