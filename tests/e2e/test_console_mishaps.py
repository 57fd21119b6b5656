"""The lead's pages when something cannot be had, goes away under the keyboard, or is very long."""

from __future__ import annotations

import console_floor
import pytest
from console_browser import enter, fits, shot
from console_world import Call, World, running
from playwright.async_api import Browser, Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LONG = "Taboo phrase: passing the buck, blaming or mocking the caller on the night line"


async def lose(route: Route) -> None:
    await route.abort()


async def in_english(page: Page) -> None:
    await page.get_by_role("button", name="English").click()


async def test_evidence_that_cannot_be_had_says_so_and_is_asked_for_again(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        await console_floor.a_busy_desk(desk)
        page = await enter(browser, server)
        await page.route("**/api/v1/alerts/*", lose)
        card = page.locator("article").first
        await card.locator(".body").click()
        await expect(card.get_by_role("alert")).to_contain_text("依据: 连接不到服务器")
        await page.unroute("**/api/v1/alerts/*", lose)
        await card.get_by_role("button", name="立即重试").click()
        await expect(card.get_by_role("region", name="依据")).to_contain_text("taboo.attitude")
        await expect(card.get_by_role("alert")).to_have_count(0)


async def test_a_page_that_cannot_be_loaded_says_why_and_is_loaded_again(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        await page.route("**/assets/HistoryPage-*", lose)
        await page.get_by_role("link", name="历史").click()
        told = page.get_by_role("alert").filter(has_text="这一页没有载入")
        await expect(told).to_contain_text("系统刚刚升级")
        await expect(page.get_by_text("页面的一部分没有载入")).to_have_count(0)
        await page.unroute("**/assets/HistoryPage-*", lose)
        await told.get_by_role("button", name="重新载入").click()
        await expect(page.get_by_role("searchbox")).to_be_visible()
        # What the build's loader says of a part of a page that it has not got.
        await page.evaluate("dispatchEvent(new Event('vite:preloadError'))")
        part = page.get_by_role("status").filter(has_text="页面的一部分没有载入")
        await part.get_by_role("button", name="重新载入").click()
        await expect(page.get_by_role("searchbox")).to_be_visible()
        await expect(part).to_have_count(0)


async def test_a_keyboard_goes_on_with_the_next_alert(desk: World, browser: Browser) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        call = Call(desk, "one")
        await call.join(ago=60)
        await call.connect(ago=40)
        for name, severity in (("a", "high"), ("b", "medium"), ("c", "low")):
            await call.alert(name, severity=severity, title=name)
        cards = page.locator("article")
        await expect(cards).to_have_count(3)
        await cards.nth(1).get_by_role("button", name="确认").press("Enter")
        await expect(cards).to_have_count(2)
        await expect(cards.nth(1).locator(".body")).to_be_focused()
        await cards.nth(1).get_by_role("button", name="确认").press("Enter")
        await expect(cards).to_have_count(1)
        await expect(cards.first.locator(".body")).to_be_focused()
        await call.alert("d", severity="medium", title="d")
        await expect(cards).to_have_count(2)
        await page.locator(".loud .ack").press("Enter")
        await expect(page.locator(".loud")).to_have_count(0)
        await expect(cards.first.locator(".body")).to_be_focused()


async def test_a_long_title_leaves_a_watch_its_button(desk: World, browser: Browser) -> None:
    async with running(desk.server()) as server:
        page = await enter(browser, server)
        await in_english(page)
        call = Call(desk, "one")
        await call.join(ago=60)
        await call.connect(ago=40)
        await call.alert("a", severity="critical", title_en=LONG)
        await page.set_viewport_size({"width": 184, "height": 224})
        await page.goto(f"{server.address}/watch")
        await expect(page.get_by_role("alert")).to_contain_text(LONG)
        await expect(page.get_by_role("button", name="Got it")).to_be_in_viewport(ratio=1)
        await shot(page, "watch-long")
        assert await fits(page)
