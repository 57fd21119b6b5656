"""Complaints, knowledge and registers in Chromium: each role's part of the day, as it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

import console_floor
import pytest
import pytest_asyncio
from console_browser import enter, fits, person, refused, shot, violations
from console_world import Call, World, running
from playwright.async_api import Browser, Locator, Page, expect

from agent_console.events import Card, ComplaintMoved, ComplaintOpened, KnowledgeEdited
from agent_console.server import ConsoleServer
from backbone.dispositions import CallRegistered

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HOUR = 3600.0
PHONE = {"width": 360, "height": 740}
ARTICLE = """## 备案

1. 在**国家医保服务平台**办理备案
2. 没有备案的先自费

- [ ] 保留发票
- [x] 出院小结

| 窗口 | 时间 |
|---|---|
| 一楼 3 号 | 8:00–17:00 |"""
HOSTILE = (
    """<img src=x onerror="alert(1)"> [点这里](javascript:alert(1)) <script>alert(1)</script>"""
)
TITLES = {
    "parking": ("停车场与交通路线", "parking", ("停车", "地铁")),
    "remote": ("异地医保怎么备案和结算", "insurance_remote", ("医保",)),
    "hostile": ("粘贴来的文字", "", ()),
}


async def looked_at(page: Page, axe: str, name: str) -> None:
    """Keep the picture; the page must fit and shut nobody out."""
    await shot(page, name)
    assert await violations(page, axe) == []
    assert await fits(page)


async def complaint(  # noqa: PLR0917 - what a complaint is made of
    desk: World, name: str, call: Call, card: Card, ago: float, text: str
) -> None:
    """One that was filed some time ago."""
    at = desk.clock.time() - ago
    red = card == "red"
    await desk.bus.publish(
        ComplaintOpened(
            at=at,
            complaint_id=name,
            call_id=call.id,
            alert_id="",
            card=card,
            caller_id="",
            queue=call.queue,
            agent=call.agent,
            text=text,
            owner="",
            by="lina",
            answer_due=at + (2 if red else 12) * HOUR,
            close_due=at + 24 * HOUR if red else None,
        )
    )


async def article(desk: World, name: str, version: int, body: str, **more: float | None) -> None:
    """A version of an article."""
    title, topic, tags = TITLES[name]
    await desk.bus.publish(
        KnowledgeEdited(
            at=desk.clock.time() - 90_000 / version,
            article_id=name,
            version=version,
            by="boss",
            title=title,
            body=body,
            tags=tags,
            topic=topic,
            valid_from=None,
            valid_until=more.get("until"),
            deleted=False,
        )
    )


async def record(desk: World, call: Call, need: str, due: float | None) -> None:
    """A call's record; with a time it asks for a follow-up."""
    await desk.bus.publish(
        CallRegistered(
            at=desk.clock.time() - 600,
            call_id=call.id,
            version=1,
            queue=call.queue,
            agent=call.agent,
            by="lina",
            caller_id="",
            age=62,
            sex="female",
            address="",
            channel="phone",
            topic="parking" if due else "",
            need=need,
            outcome="follow_up" if due else "answered",
            first_contact_resolved=False if due else None,
            follow_up_due=due,
            complete=due is not None,
        )
    )


@pytest_asyncio.fixture(loop_scope="session")
async def day(desk: World) -> AsyncIterator[ConsoleServer]:
    """Three calls that are over, complaints about them, articles, and records to follow up."""
    now = desk.clock.time()
    async with running(desk.server()) as server:
        await person(server, "lina", "agent", name="李护士", agent="PJSIP/1001")
        await person(server, "boss", "manager", name="陈主任")
        await person(server, "he", "inspector", name="何老师")
        bad = await console_floor.calls_of_the_past(desk)
        past = [Call(desk, f"past-{number}") for number in (0, 1)]
        await complaint(
            desk, "late", bad, "red", 2.2 * HOUR, "等了两个星期还没排上核磁，说要打12345。"
        )
        await complaint(desk, "soon", past[0], "red", 1.7 * HOUR, "窗口重复收费，要求退款并道歉。")
        await complaint(desk, "calm", past[1], "yellow", HOUR, "电话里说的地点与通知单不一致。")
        await complaint(desk, "done", past[1], "yellow", 30 * HOUR, "停车费收错了。")
        await desk.bus.publish(
            ComplaintMoved(
                at=now - 25 * HOUR,
                step_id="s1",
                complaint_id="done",
                call_id=past[1].id,
                action="close",
                state="closed",
                by="boss",
                text="已退费，来电者认可。",
                owner="boss",
                outcome="substantiated",
            )
        )
        await article(desk, "parking", 1, "地下停车场入口在医院北门。\n急诊车辆从东门进。")
        await article(
            desk, "parking", 2, "地下停车场入口在医院**东门**。\n急诊车辆从东门进。\n建议乘坐地铁。"
        )
        await article(desk, "remote", 1, ARTICLE, until=now + 5 * 86_400)
        await record(desk, past[0], "改约核磁，等排期回电", now - 1800)
        await record(desk, past[1], "发票补打", None)
        yield server


def texts(rows: Locator) -> Locator:
    """Where a list says what each of its items is about."""
    return rows.locator(".text")


async def test_a_lead_handles_what_is_due_first_and_closes_it_with_a_finding(
    day: ConsoleServer, browser: Browser, axe: str
) -> None:
    page = await enter(browser, day)
    entry = page.get_by_role("navigation").get_by_role("link", name="投诉")
    await expect(entry).to_contain_text("■ 1")
    await entry.click()
    rows = page.get_by_role("list", name="投诉").get_by_role("listitem")
    await expect(texts(rows)).to_contain_text(["12345", "重复收费", "通知单"])
    await expect(rows.nth(0)).to_contain_text("■ 首次答复 逾期 12 分")
    await expect(rows.nth(1)).to_contain_text("▲ 首次答复 剩 18 分")
    await expect(rows.nth(2)).to_contain_text("首次答复 剩 11 小时 0 分")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(rows.nth(1).get_by_role("link")).to_have_attribute("aria-current", "true")
    await page.keyboard.press("k")
    await page.get_by_role("button", name="我来处理").click()
    await expect(rows.nth(0)).to_contain_text("lead")
    await page.get_by_label("怎样答复投诉人的").fill("已回电致歉，今天协调影像科。")
    await page.locator("form").get_by_role("button", name="首次答复").click()
    await expect(page.get_by_text("■ 迟了")).to_be_visible()
    await expect(entry).not_to_contain_text("■")
    await looked_at(page, axe, "complaints")
    await page.get_by_role("group", name="操作").get_by_role("button", name="办结").click()
    await page.get_by_label("结论").select_option("属实")
    await page.get_by_label("怎样解决的").fill("安排明天上午检查，来电者认可。")
    await page.locator("form").get_by_role("button", name="办结").click()
    await expect(page.get_by_text("已办结 · 属实")).to_be_visible()
    await expect(rows).to_have_count(2)
    await page.get_by_role("button", name="已办结").click()
    await expect(rows).to_have_count(2)
    await page.get_by_role("button", name="逾期").click()
    await expect(page.get_by_text("没有符合条件的投诉单")).to_be_visible()
    # A letter, from scratch.
    await page.keyboard.press("n")
    sheet = page.get_by_role("dialog")
    await sheet.get_by_label("涉及的队列或窗口").fill("收费处")
    await sheet.get_by_label("红牌").check()
    await sheet.get_by_label("投诉的内容").fill("来信：收费处排队一小时无人维持秩序。")
    await shot(page, "complaint-filing")
    await sheet.get_by_role("button", name="登记投诉").click()
    await expect(page.get_by_text("首次答复 剩 2 小时 0 分")).to_be_visible()
    await expect(page.locator("article")).to_contain_text("收费处")


async def test_an_agent_writes_without_loss_files_a_complaint_and_calls_back(
    day: ConsoleServer, desk: World, browser: Browser, axe: str
) -> None:
    page = await enter(browser, day, username="lina")
    # What was promised stands on the page between two calls.
    due = page.get_by_role("region", name="今天要回访")
    await expect(due).to_contain_text("改约核磁，等排期回电")
    await due.get_by_role("button", name="已回访").click()
    await due.get_by_label("回访结果").select_option("已预约")
    await due.get_by_role("button", name="保存").click()
    await expect(due).to_be_hidden()
    call = Call(desk, "now")
    await call.join(ago=70)
    await call.connect(ago=60)
    await call.say("s1", "customer", "我今年六十二岁，停车场怎么走？", start=6.0)
    await expect(page.get_by_label("年龄")).to_have_value("62")
    await expect(page.get_by_role("button", name="听到 0:06")).to_be_visible()
    await page.get_by_role("searchbox", name="知识库").fill("停车")
    await page.get_by_role("button", name="停车场与交通路线").click()
    await page.get_by_role("button", name="记入登记").click()
    await page.get_by_label("性别").select_option("女")
    await expect(page.get_by_text("草稿已存")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("上次没存完的草稿已恢复")).to_be_visible()
    await expect(page.get_by_label("诉求")).to_have_value("按知识库答复：停车场与交通路线")
    await page.get_by_role("button", name="登记投诉").click()
    sheet = page.get_by_role("dialog")
    await expect(sheet).to_contain_text("•••• 8000")
    await sheet.get_by_label("投诉的内容").fill("停车场指示牌看不清，绕了三圈。")
    await sheet.get_by_role("button", name="登记投诉").click()
    await expect(page.get_by_role("region", name="本次通话的投诉")).to_contain_text("未分派")
    await looked_at(page, axe, "agent-complaint")
    await page.get_by_label("处理结果").select_option("需回访")
    await expect(page.get_by_text("还缺")).to_be_visible()
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_text("✓ 已保存")).to_be_visible()
    await page.get_by_role("link", name="登记", exact=True).click()
    await page.get_by_role("button", name="不完整").click()
    rows = page.get_by_role("list", name="不完整").get_by_role("listitem")
    await expect(rows).to_contain_text(["停车场与交通路线", "发票补打"])
    await rows.nth(1).get_by_role("link").click()
    await expect(page.get_by_label("年龄")).to_have_value("62")
    await looked_at(page, axe, "registers")
    await page.get_by_role("button", name="未登记").click()
    await expect(page.get_by_role("list", name="未登记")).to_contain_text("投诉建议")
    await page.get_by_role("link", name="投诉", exact=True).click()
    await page.get_by_text("停车场指示牌看不清").click()
    await expect(page.get_by_text("组长和经理处理投诉")).to_be_visible()


async def test_a_manager_writes_an_article_on_the_phone_and_takes_a_change_back(
    day: ConsoleServer, desk: World, browser: Browser, axe: str
) -> None:
    await article(desk, "hostile", 1, HOSTILE)
    page = await enter(browser, day, username="boss", dark=True, **PHONE)
    await page.get_by_role("button", name="English").click()
    await page.get_by_role("button", name="Menu").click()
    await shot(page, "phone-menu")
    await page.get_by_role("link", name="Knowledge").click()
    rows = page.get_by_role("list", name="Knowledge").get_by_role("listitem")
    await expect(rows).to_have_count(3)
    await rows.get_by_role("link", name="粘贴来的文字").click()
    await expect(page.locator(".marked")).to_have_text(HOSTILE)
    await page.get_by_role("link", name="← Back").click()
    await page.keyboard.press("/")
    await page.keyboard.insert_text("医保")
    await expect(rows).to_have_count(1)
    await looked_at(page, axe, "knowledge-phone")
    await rows.get_by_role("link").click()
    await expect(page.get_by_role("heading", name="备案", exact=True)).to_be_visible()
    await looked_at(page, axe, "article-phone")
    await page.get_by_role("link", name="← Back").click()
    await page.get_by_role("searchbox").fill("停车")
    await page.get_by_role("link", name="停车场与交通路线").click()
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_label("Text (Markdown)").fill("停车场**装修**，请停到体育馆。")
    await expect(page.locator(".preview strong")).to_have_text("装修")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("button", name="press again to discard")).to_be_visible()
    await looked_at(page, axe, "editor-phone")
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("version 3")).to_be_visible()
    await page.get_by_role("link", name="Versions").click()
    await expect(page.locator("ins")).to_contain_text(["请停到体育馆"])
    await page.get_by_role("button", name="version 2").click()
    await expect(page.locator("del").first).to_have_text("北")
    await page.get_by_role("button", name="Restore this version").click()
    await expect(page.locator("article")).to_contain_text("建议乘坐地铁")
    await expect(page.get_by_role("button", name="version 4")).to_be_visible()
    await looked_at(page, axe, "article-history-phone")


async def test_a_deleted_article_is_found_again_and_restored(
    day: ConsoleServer, browser: Browser, axe: str
) -> None:
    page = await enter(browser, day, username="boss", dark=True, **PHONE)
    await page.goto(f"{day.address}/knowledge/parking")
    await page.get_by_role("button", name="删除条目").click()
    await page.get_by_role("button", name="再点一次确认删除").click()
    rows = page.get_by_role("list", name="知识库").get_by_role("listitem")
    await expect(rows).to_have_count(1)
    await page.get_by_label("已删除的").check()
    await page.get_by_role("searchbox").fill("东门")
    await expect(rows).to_contain_text(["停车场与交通路线"])
    await looked_at(page, axe, "knowledge-deleted-phone")
    await rows.get_by_role("link").click()
    await expect(page.get_by_text("boss 删除")).to_be_visible()
    await page.get_by_role("link", name="版本").click()
    await expect(page.get_by_role("button", name="第 3 版")).to_contain_text("删除")
    await looked_at(page, axe, "article-deleted-phone")
    # Who has its address only is led to it.
    with refused(HTTPStatus.NOT_FOUND):
        await page.goto(f"{day.address}/knowledge/parking")
        await page.get_by_role("link", name="到已删除的里找").click()
        await page.get_by_role("button", name="恢复条目").click()
    await expect(page.get_by_text("第 4 版")).to_be_visible()
    await expect(page.get_by_role("link", name="编辑")).to_be_visible()
    await page.get_by_role("link", name="← 返回").click()
    await expect(rows).to_have_count(2)


async def test_two_editors_of_one_article_and_one_record_are_told_of_each_other(
    day: ConsoleServer, browser: Browser, axe: str
) -> None:
    one = await enter(browser, day, username="boss", dark=True)
    await one.get_by_role("button", name="English").click()
    other = await enter(browser, day)
    for page in (one, other):
        await page.goto(f"{day.address}/knowledge/parking?view=edit")
    await other.get_by_label("正文").fill("入口在西门。")
    await other.get_by_role("button", name="保存").click()
    await expect(other.get_by_text("第 3 版")).to_be_visible()
    await one.get_by_label("Text (Markdown)").fill("入口在南门。")
    one_save = one.get_by_role("button", name="Save")
    with refused(HTTPStatus.CONFLICT):
        await one_save.click()
        await expect(one.get_by_text("lead has saved a newer version")).to_be_visible()
    await one.get_by_role("button", name="Compare").click()
    await expect(one.locator("del")).to_have_text("西")
    await looked_at(one, axe, "editor-conflict")
    await one_save.click()
    await expect(one.get_by_text("version 4")).to_be_visible()
    # The same of a record: both see the other's words before they write over them.
    for page in (one, other):
        await page.goto(f"{day.address}/registers?tab=all")
        await page.get_by_role("link", name="发票补打").click()
    await other.get_by_label("诉求").fill("发票补打，已寄出")
    await other.get_by_role("button", name="保存").click()
    await expect(other.get_by_text("✓ 已保存")).to_be_visible()
    await one.get_by_label("Need").fill("发票补打，来院自取")
    with refused(HTTPStatus.CONFLICT):
        await one.get_by_role("button", name="Save").click()
        await expect(one.get_by_role("alert")).to_contain_text("发票补打，已寄出")
    await looked_at(one, axe, "record-conflict")
    await one.get_by_role("button", name="Take theirs").click()
    await expect(one.get_by_label("Need")).to_have_value("发票补打，已寄出")


async def test_two_who_handle_one_complaint_see_each_others_steps_before_they_submit(
    day: ConsoleServer, browser: Browser, axe: str
) -> None:
    one = await enter(browser, day, username="boss", dark=True, **PHONE)
    await one.get_by_role("button", name="English").click()
    other = await enter(browser, day)
    for page in (one, other):
        await page.goto(f"{day.address}/complaints/calm")
    await one.get_by_label("What the complainant was told").fill("已道歉。")
    await other.get_by_role("button", name="我来处理").click()
    await expect(other.get_by_text("分派给 lead")).to_be_visible()
    submit = one.locator("form").get_by_role("button", name="First answer")
    with refused(HTTPStatus.CONFLICT):
        await submit.click()
        await expect(one.get_by_role("alert").filter(has_text="meanwhile")).to_contain_text(
            "assigned it to lead"
        )
    await looked_at(one, axe, "complaint-conflict-phone")
    await expect(one.get_by_label("What the complainant was told")).to_have_value("已道歉。")
    await submit.click()
    await expect(one.get_by_text("gave the first answer")).to_be_visible()
    await expect(one.get_by_role("definition").filter(has_text="lead")).to_be_visible()


async def test_two_windows_of_one_writer_keep_what_was_typed_in_either(
    day: ConsoleServer, desk: World, browser: Browser, axe: str
) -> None:
    call = Call(desk, "twice")
    await call.join(ago=70)
    await call.connect(ago=60)
    one = await enter(browser, day, username="lina")
    other = await one.context.new_page()
    for page in (one, other):
        await page.goto(f"{day.address}/registers/{call.id}")
        await expect(page.get_by_label("诉求")).to_be_visible()
    await one.get_by_label("诉求").fill("停车发票")
    await one.get_by_label("年龄").fill("41")
    await expect(one.get_by_text("草稿已存")).to_be_visible()
    await other.get_by_label("诉求").fill("停车卡丢失")
    with refused(HTTPStatus.CONFLICT):
        told = other.get_by_role("alert").filter(has_text="另一个窗口")
        await expect(told).to_contain_text("停车发票")
    await expect(other.get_by_label("年龄")).to_have_value("41")
    await expect(other.get_by_text("选定之后才存草稿")).to_be_visible()
    await looked_at(other, axe, "draft-two-windows")
    await other.get_by_role("button", name="用本窗口的").click()
    await expect(other.get_by_text("草稿已存")).to_be_visible()
    await one.get_by_label("诉求").fill("停车发票两张")
    with refused(HTTPStatus.CONFLICT):
        await one.get_by_role("button", name="用另一窗口的").click()
    await expect(one.get_by_label("诉求")).to_have_value("停车卡丢失")
    await one.get_by_role("button", name="保存").click()
    await expect(one.get_by_text("✓ 已保存")).to_be_visible()
    await other.reload()
    await expect(other.get_by_label("诉求")).to_have_value("停车卡丢失")
    await expect(other.get_by_text("草稿已恢复")).to_have_count(0)


async def test_an_inspector_reads_it_all_and_a_lead_sees_who_lags_behind(
    day: ConsoleServer, browser: Browser, axe: str
) -> None:
    page = await enter(browser, day, username="he", **PHONE)
    await page.get_by_role("button", name="English").click()
    await page.goto(f"{day.address}/complaints")
    first = page.get_by_role("link", name="12345")
    await expect(first).to_be_visible()
    await looked_at(page, axe, "complaints-phone")
    await first.click()
    await expect(page.get_by_text("Leads and managers handle it")).to_be_visible()
    await expect(page.get_by_role("button", name="File a complaint")).to_have_count(0)
    await looked_at(page, axe, "complaint-phone")
    await page.get_by_role("link", name="Open the call").click()
    await expect(page.get_by_role("region", name="Complaints about this call")).to_contain_text(
        "12345"
    )
    await page.get_by_role("link", name="Call record").click()
    await expect(page.get_by_label("Need")).to_be_disabled()
    lead = await enter(browser, day, dark=True)
    await lead.get_by_role("link", name="登记", exact=True).click()
    row = lead.get_by_role("row", name="1001")
    await expect(row).to_contain_text("33%")
    await looked_at(lead, axe, "registers-agents")
    await row.get_by_role("link").click()
    await lead.get_by_role("list", name="未登记").get_by_role("link").click()
    await expect(lead.get_by_label("诉求")).to_be_visible()
    await lead.get_by_role("link", name="知识库").click()
    await lead.get_by_role("link", name="异地医保").click()
    await expect(lead.get_by_role("table")).to_contain_text("一楼 3 号")
    await looked_at(lead, axe, "knowledge")
