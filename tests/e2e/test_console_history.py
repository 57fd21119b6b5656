"""Past calls in Chromium: found by words and filters that the address holds, by keys, or not."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import console_floor
import pytest
from console_browser import enter, looked_at
from console_world import Call, World, running
from playwright.async_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MORE_THAN_A_PAGE = 53


async def a_past_call(
    desk: World,
    name: str,
    *said: str,
    ago: float,
    queue: str = "预约挂号",
    agent: str = "PJSIP/1001",
    severity: str = "",
) -> Call:
    call = Call(desk, name, queue=queue)
    call.agent = agent
    await call.join(ago=ago)
    await call.connect(ago=ago - 10)
    for number, text in enumerate(said):
        await call.say(f"s{number}", "customer", text, start=2.0 + number * 5)
    if severity:
        await call.alert("any", severity=severity)
    await call.end()
    return call


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


async def test_words_filters_and_their_address(browser: Browser, desk: World, axe: str) -> None:
    await a_past_call(desk, "long", "我想改约", "我要投诉那位医生", ago=900, severity="high")
    await a_past_call(desk, "other", "挂号", ago=200, queue="报告查询", agent="PJSIP/1002")
    await a_past_call(desk, "short", "投诉没有人管", ago=60, queue="投诉建议")
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        await page.goto(f"{server.address}/history")
        rows = page.locator("tbody tr:not(.excerpt)")
        await expect(rows).to_have_count(3)
        await page.locator("body").press("/")
        words = page.get_by_role("searchbox")
        await expect(words).to_be_focused()
        await words.fill("投诉")
        await words.press("Enter")
        await expect(rows).to_have_count(2)
        await expect(page.locator(".excerpt mark")).to_have_text(["投诉", "投诉"])
        assert asked(page) == {"q": ["投诉"]}
        await page.locator("[name=severity]").select_option("严重")
        await expect(rows).to_have_count(1)
        await page.locator("[name=min_talk_s]").select_option("通话 ≥ 10 分钟")
        await expect(rows).to_have_count(1)
        assert asked(page) == {"q": ["投诉"], "severity": ["high"], "min_talk_s": ["600"]}
        await page.reload()
        await expect(rows).to_have_count(1)
        await expect(words).to_have_value("投诉")
        await expect(page.locator("[name=severity]")).to_have_value("high")
        # The words lead to where they were said, and back to the search.
        await page.locator(".excerpt a").click()
        await expect(page.locator("[data-segment].target")).to_contain_text("我要投诉那位医生")
        await page.go_back()
        await expect(rows).to_have_count(1)
        await page.get_by_role("link", name="清除条件").click()
        await expect(rows).to_have_count(3)
        assert asked(page) == {}
        for field, value, left in (("队列", "报告查询", 1), ("坐席", "PJSIP/1001", 2)):
            await page.get_by_role("textbox", name=field).fill(value)
            await page.get_by_role("textbox", name=field).press("Enter")
            await expect(rows).to_have_count(left)
            await page.get_by_role("link", name="清除条件").click()
            await expect(rows).to_have_count(3)
        await page.locator("[name=outcome]").select_option("放弃")
        await expect(page.get_by_text("没有找到通话")).to_be_visible()
        await expect(page.get_by_text("换一个词")).to_be_visible()
        await looked_at(page, axe, "history-nothing")


async def test_first_nothing_then_by_days_the_hospitals_own_the_last_one_whole(
    browser: Browser, desk: World
) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        await page.goto(f"{server.address}/history")
        await expect(page.get_by_text("还没有通话记录")).to_be_visible()
        await expect(page.get_by_text("通话结束后会保存在这里")).to_be_visible()
        await a_past_call(desk, "now", ago=60)
        await a_past_call(desk, "week", ago=7 * 86_400)
        await page.reload()
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(2)
        today = await page.evaluate(
            "new Intl.DateTimeFormat('sv', {timeZone: 'Asia/Shanghai'}).format(Date.now() - 60_000)"
        )
        await page.get_by_label("从", exact=True).fill(today)
        await page.get_by_label("到", exact=True).fill(today)
        await expect(rows).to_have_count(1)
        assert asked(page) == {"from": [today], "to": [today]}
        await page.get_by_label("从", exact=True).fill("")
        await expect(rows).to_have_count(2)


async def test_many_calls_come_page_by_page_and_are_gone_through_by_keys(
    browser: Browser, desk: World
) -> None:
    for number in range(MORE_THAN_A_PAGE):
        await a_past_call(desk, f"n{number}", ago=10_000 - number * 60)
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        await page.goto(f"{server.address}/history")
        rows, body = page.locator("tbody tr"), page.locator("body")
        await expect(rows).to_have_count(50)
        await page.get_by_role("button", name="更多").click()
        await expect(rows).to_have_count(MORE_THAN_A_PAGE)
        await expect(page.get_by_role("button", name="更多")).to_have_count(0)
        await body.press("j")
        await expect(rows.nth(0).get_by_role("link")).to_be_focused()
        for key, at in (("j", 1), ("j", 2), ("k", 1)):
            await page.keyboard.press(key)
            await expect(rows.nth(at).get_by_role("link")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile("/calls/"))


async def test_history_on_a_phone_and_in_the_dark(browser: Browser, desk: World, axe: str) -> None:
    await console_floor.a_busy_desk(desk)
    await a_past_call(
        desk, "past", "我要投诉，等了两个星期还没排上核磁。", ago=900, severity="high"
    )
    async with running(desk.server()) as server:
        page = await enter(browser, server, width=360, height=760)
        await page.goto(f"{server.address}/history?q=投诉")
        await expect(page.locator(".excerpt")).to_have_count(1)
        await looked_at(page, axe, "history-zh-light-360")
        assert await page.locator(".list").evaluate("list => list.scrollWidth <= list.clientWidth")
        await page.emulate_media(color_scheme="dark")
        await page.set_viewport_size({"width": 1366, "height": 760})
        await page.goto(f"{server.address}/history")
        await page.get_by_role("button", name="English").click()
        await expect(page.get_by_role("button", name="Search")).to_be_visible()
        await expect(page.locator("tbody tr")).to_have_count(5)
        await looked_at(page, axe, "history-en-dark-1366")
