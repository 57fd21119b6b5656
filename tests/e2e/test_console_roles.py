"""Each role's day in Chromium, against the real server on a real bus and store."""

from __future__ import annotations

from http import HTTPStatus

import console_floor
import pytest
from console_browser import enter, looked_at, person, refused, shot
from console_world import Call, World, running
from playwright.async_api import Browser, expect

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_history_is_searched_and_a_call_opened_at_its_words(
    desk: World, browser: Browser, axe: str
) -> None:
    async with running(desk.server()) as server:
        bad = await console_floor.calls_of_the_past(desk)
        page = await enter(browser, server)
        await page.get_by_role("link", name="历史").click()
        await expect(page.locator("tbody tr")).to_have_count(3)
        await looked_at(page, axe, "history")
        await page.get_by_role("searchbox").fill("投诉")
        await page.get_by_role("searchbox").press("Enter")
        await expect(page.get_by_role("link", name=":")).to_have_count(1)
        await shot(page, "history-search")
        await page.reload()
        await expect(page.get_by_role("searchbox")).to_have_value("投诉")
        await page.get_by_role("link", name=":").click()
        await expect(page).to_have_url(f"{server.address}/calls/{bad.id}")
        await expect(page.locator("[data-segment]")).to_have_count(5)
        await page.get_by_role("button", name="服务禁语").click()
        await expect(page.locator("[data-segment].target mark")).to_contain_text("你自己不会看吗")
        await looked_at(page, axe, "call")
        await page.get_by_role("button", name="按当时的画面回放").click()
        await expect(page.get_by_role("group", name="回放")).to_be_visible()
        await page.get_by_role("slider", name="位置").press("End")
        await expect(page.locator("[data-segment]")).to_have_count(5)
        await shot(page, "replay")


async def test_an_agent_is_shown_who_calls_what_to_say_and_what_to_write_down(
    desk: World, browser: Browser, axe: str
) -> None:
    async with running(desk.server()) as server:
        agent = await person(server, "lina", "agent", name="李护士", agent="PJSIP/1001")
        await console_floor.calls_of_the_past(desk)
        page = await enter(browser, server, username=agent)
        await expect(page).to_have_url(f"{server.address}/agent")
        call = Call(desk, "now")
        await call.join(ago=70)
        await call.ring(ago=62)
        # The same number has called before.
        await expect(page.get_by_role("heading", name="历史来电 1")).to_be_visible()
        await call.connect(ago=60)
        await call.legs()
        await console_floor.people(desk, call=call)
        await console_floor.guidance(desk, call)
        await call.say("s1", "agent", "您好，市第一医院预约中心，请问有什么可以帮您？", start=1.0)
        await call.say(
            "s2", "customer", "我今年六十二岁，想给我自己约一个核磁检查，挂消化内科。", start=6.0
        )
        await call.alert("verify", severity="medium", title="未核对身份")
        await expect(page.get_by_text("请问您要预约的是哪一项检查？")).to_be_visible()
        await expect(page.get_by_text("未核对身份")).to_be_visible()
        await page.get_by_role("button", name="用这句").first.click()
        await expect(page.get_by_text("已使用")).to_be_visible()
        await expect(page.get_by_label("年龄")).to_have_value("62")
        await page.get_by_label("性别").select_option("女")
        await page.get_by_label("诉求").fill("预约核磁")
        await page.get_by_label("处理结果").select_option("已预约")
        await page.get_by_label("一次解决").select_option("是")
        await expect(page.get_by_text("已完整")).to_be_visible()
        await looked_at(page, axe, "agent")
        await page.get_by_role("button", name="保存").click()
        await expect(page.get_by_text("✓ 已保存")).to_be_visible()


async def test_an_admin_makes_a_team_and_a_user_who_comes_in_by_the_link(
    desk: World, browser: Browser, axe: str
) -> None:
    async with running(desk.server()) as server:
        admin = await person(server, "root", "admin")
        page = await enter(browser, server, username=admin)
        await expect(page).to_have_url(f"{server.address}/admin")
        await page.get_by_role("button", name="新增班组").click()
        await page.get_by_role("dialog").get_by_label("姓名").fill("白班")
        await page.get_by_label("队列名称").fill("预约挂号、检查预约")
        await page.get_by_role("dialog").get_by_role("button", name="保存").click()
        await page.get_by_role("button", name="新增用户").click()
        await page.get_by_label("用户名").fill("wangmin")
        await page.get_by_role("dialog").get_by_label("姓名").fill("王敏")
        await page.get_by_label("白班").check()
        await page.get_by_role("button", name="保存").click()
        link = await page.get_by_role("textbox", name="登录链接").input_value()
        await page.get_by_role("button", name="复制并关闭").click()
        await expect(page.get_by_role("row", name="wangmin")).to_contain_text("白班")
        await looked_at(page, axe, "admin")
        newcomer = await (await browser.new_context(locale="zh-CN")).new_page()
        await newcomer.goto(link)
        for label in ("新密码", "再输入一次"):
            await newcomer.get_by_label(label).fill("correct horse battery")
        await newcomer.get_by_role("button", name="进入").click()
        await expect(newcomer.locator(".page")).to_have_attribute("data-connection", "live")
        await page.goto(f"{server.address}/me")
        await expect(page.get_by_role("heading", name="推送")).to_be_visible()
        await looked_at(page, axe, "me")


async def test_the_wallboard_and_the_watch_show_what_needs_a_person(
    desk: World, browser: Browser, axe: str
) -> None:
    server = desk.server()
    await console_floor.a_busy_desk(desk)
    async with running(server):
        page = await enter(browser, server, width=1920, height=1080)
        await page.goto(f"{server.address}/wallboard")
        await expect(page.get_by_role("row", name="投诉建议")).to_contain_text("▲ 1")
        await looked_at(page, axe, "wallboard")
        watch = await enter(browser, server, width=198, height=242)
        await watch.goto(f"{server.address}/watch")
        await expect(watch.get_by_role("alert")).to_contain_text("服务禁语")
        await looked_at(watch, axe, "watch")
        await watch.get_by_role("button", name="知道了").click()
        await expect(watch.get_by_text("lead 已确认")).to_be_visible()


async def test_two_inspectors_score_blind_and_their_lead_decides(
    desk: World, browser: Browser, axe: str
) -> None:
    async with running(desk.server()) as server:
        names = [await person(server, name, "inspector") for name in ("he", "zhou")]
        bad = await console_floor.calls_of_the_past(desk)
        await desk.bus.publish(console_floor.final_score(desk.clock.time(), bad))
        lead = await enter(browser, server)
        await lead.goto(f"{server.address}/inspect")
        await lead.get_by_role("button", name="抽样").click()
        await lead.get_by_label("方式").select_option("有告警的通话")
        await lead.get_by_label("质检员用户名").fill("、".join(names))
        await lead.get_by_role("button", name="抽取").click()
        await expect(lead.locator("tbody tr")).to_have_count(1)
        for name, answer in zip(names, ("是", "否"), strict=True):
            page = await enter(browser, server, username=name)
            await page.get_by_role("link", name=":").click()
            groups = page.locator(".answers")
            await expect(groups.first).to_be_visible()
            if name == "he":  # keeps what the rules answered in another window meanwhile
                other = await enter(browser, server, username=name)
                await other.get_by_role("link", name=":").click()
                await other.get_by_role("button", name="保存").click()
                await expect(other.get_by_text("已保存")).to_be_visible()
            for group in await groups.all():
                await group.get_by_role("button", name="是", exact=True).click()
            await groups.first.get_by_role("button", name=answer, exact=True).click()
            # What the rules answered is changed with a reason only.
            for reason in await page.get_by_label("备注").all():
                await reason.fill("听录音确认")
                await reason.blur()
            if name == "he":
                await looked_at(page, axe, "inspection")
                with refused(HTTPStatus.CONFLICT):
                    await page.get_by_role("button", name="提交").click()
                    await expect(page.get_by_text("您在另一个窗口改过这份评分")).to_be_visible()
                await expect(page.get_by_label("备注").first).to_have_value("听录音确认")
            await page.get_by_role("button", name="提交").click()
            if name == "he":
                await expect(page.get_by_text("另一位质检员提交后")).to_be_visible()
        await expect(page.get_by_text("意见不一")).to_be_visible()
        await lead.reload()
        await looked_at(lead, axe, "inspect")
        await lead.get_by_role("link", name=":").click()
        await lead.get_by_label("复核意见").fill("以录音为准。")
        await lead.get_by_role("button", name="完成复核").click()
        await expect(lead.get_by_text("已复核")).to_be_visible()


async def test_a_manager_reads_the_day_the_rules_and_the_audit_chain(
    desk: World, browser: Browser, axe: str
) -> None:
    async with running(desk.server()) as server:
        boss = await person(server, "boss", "manager")
        await console_floor.calls_of_the_past(desk)
        page = await enter(browser, server, username=boss)
        await expect(page).to_have_url(f"{server.address}/manage")
        await expect(page.get_by_role("list", name="指标与目标")).to_contain_text("≥ 98%")
        await expect(page.get_by_role("row", name="投诉建议")).to_be_visible()
        await looked_at(page, axe, "manage")
        await page.get_by_role("link", name="规则").click()
        await expect(page.get_by_role("region", name="规则")).to_be_visible()
        await looked_at(page, axe, "manage-rules")
        await page.get_by_role("link", name="审计").click()
        await page.get_by_role("button", name="校验审计链").click()
        await expect(page.get_by_text("审计链完整")).to_be_visible()
        await looked_at(page, axe, "manage-audit")
