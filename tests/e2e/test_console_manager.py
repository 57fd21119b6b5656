"""What a manager plans with, in Chromium against the real server: forecast, reports, users."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path

import console_day
import pytest
from console_browser import enter, person, refused, shot
from console_world import World, running
from playwright.async_api import Browser, Page, expect

from agent_console.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def seats(page: Page) -> int:
    """Seats in the busiest half hour of the first day."""
    return int(await page.locator("td.busiest b").first.inner_text())


async def test_a_manager_sees_the_week_ahead_and_what_a_better_service_costs(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        boss = await person(server, "boss", "manager")
        page = await enter(browser, server, username=boss)
        with refused(HTTPStatus.CONFLICT):
            await page.get_by_role("link", name="预测").click()
            # The first forecast of a server loads what it calculates with.
            hint = page.get_by_text("至少需要一整周的来电记录")
            await expect(hint).to_be_visible()
        console_day.two_weeks(desk, a_day=60, every_s=60)
        await page.reload()
        table = page.get_by_role("region", name="预测")
        await expect(table.get_by_role("columnheader")).to_have_count(1 + 7)
        await expect(table.get_by_role("row", name="来电")).to_contain_text("60")
        await expect(table.get_by_role("row", name="09:30")).to_be_visible()
        usual = await seats(page)
        async with page.expect_response("**/api/v1/forecast?service_level=0.95") as answered:
            await page.get_by_label("目标服务水平").select_option("95%")
        assert (await answered.value).ok
        await expect(page.locator("td.busiest b").first).not_to_have_text(str(usual))
        assert await seats(page) > usual
        await shot(page, "manage-forecast")


async def test_a_manager_takes_home_reports_in_each_format(
    desk: World, browser: Browser, tmp_path: Path
) -> None:
    async with running(desk.server(site=console_day.site(tmp_path))) as server:
        boss = await person(server, "boss", "manager")
        page = await enter(browser, server, username=boss)
        await page.get_by_role("link", name="报告").click()
        for name in console_day.REPORTS:
            async with page.expect_download() as download:
                form = name.rsplit(".", 1)[1].upper()
                await page.get_by_role("link", name=form, exact=True).click()
            taken = await download.value
            assert taken.suggested_filename == name
            path = await taken.path()
            assert await asyncio.to_thread(path.read_bytes) == b"made"


async def test_a_report_that_is_asked_for_is_made_and_taken_home(
    desk: World, browser: Browser, tmp_path: Path
) -> None:
    async with running(desk.server(site=Site(reports=tmp_path / "reports"))) as server:
        boss = await person(server, "boss", "manager")
        console_day.two_weeks(desk)
        page = await enter(browser, server, username=boss)
        await page.get_by_role("link", name="报告").click()
        await expect(page.get_by_text("还没有报告")).to_be_visible()
        await page.get_by_label("HTML").check()
        await page.get_by_role("button", name="生成报告").click()
        await expect(page.locator(".asked")).to_contain_text("正在生成")
        await shot(page, "manage-report-made")
        table = page.get_by_role("region", name="报告")
        await expect(table.get_by_role("link")).to_have_count(3)
        await expect(page.get_by_text("正在生成")).to_have_count(0)
        begins = {"PDF": b"%PDF-", "XLSX": b"PK", "HTML": b"<!doctype html>"}
        for form, first in begins.items():
            async with page.expect_download() as download:
                await table.get_by_role("link", name=form, exact=True).click()
            path = await (await download.value).path()
            made = await asyncio.to_thread(path.read_bytes)
            assert made[:20].lower().startswith(first.lower())
