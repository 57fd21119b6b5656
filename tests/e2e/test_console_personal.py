"""What is one's own in the console, in Chromium: coming in, language, logins, the watch."""

from __future__ import annotations

import re
from typing import Any

import pytest
from console_browser import fits, person, shot, violations
from console_world import PASSWORD, Call, World, running
from playwright.async_api import Browser, Page, expect

from agent_console import users
from agent_console.server import ConsoleServer
from agent_console.settings import OidcSettings

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CHOSEN = "staple battery horse"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
WATCH = {"viewport": {"width": 198, "height": 242}, "has_touch": True, "is_mobile": True}
LOOKS: dict[str, dict[str, Any]] = {
    "zh": {"locale": "zh-CN"},
    "en": {"locale": "en-GB"},
    "dark": {"locale": "zh-CN", "color_scheme": "dark"},
    "phone": {"locale": "en-US", **PHONE},
}
SMALLEST_TARGET_PX = 44


async def window(browser: Browser, **look: Any) -> Page:
    """A browser of its own, that nobody is logged in with."""
    context = await browser.new_context(timezone_id="Asia/Shanghai", **{"locale": "zh-CN", **look})
    return await context.new_page()


async def log_in(page: Page, server: ConsoleServer, username: str = users.LEAD) -> None:
    """With the password, whatever language the page speaks."""
    await page.goto(server.address)
    await page.locator("input[name=username]").fill(username)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("button.primary").click()
    await expect(page.locator(".page")).to_have_attribute("data-connection", "live")


async def looked_at(page: Page, axe: str, name: str) -> None:
    """Keep the picture; the page must fit and shut nobody out."""
    await shot(page, name)
    assert await violations(page, axe) == []
    assert await fits(page)


async def test_a_newcomer_chooses_a_password_before_anything_else(
    desk: World, browser: Browser, axe: str
) -> None:
    async with running(desk.server(lead_password=None)) as server:
        assert server.newcomer is not None
        link = server.login_link(server.newcomer)
        page = await window(browser, **LOOKS["phone"])
        await page.goto(link)
        # Nobody has chosen a language yet: it is the browser's.
        await expect(page).to_have_title(re.compile(r"· Tingzhen$"))
        await looked_at(page, axe, "first-password-phone")
        # No address leads past it.
        await page.goto(f"{server.address}/manage")
        await expect(page.get_by_label("New password")).to_be_visible()
        await page.get_by_label("New password").fill(CHOSEN)
        await page.get_by_label("The same again").fill("another one")
        await page.get_by_role("button", name="Go on").click()
        await expect(page.get_by_role("alert")).to_have_text("The two are not the same.")
        await page.get_by_label("New password").fill("short")
        await page.get_by_role("button", name="Go on").click()
        await expect(page.get_by_role("alert")).to_contain_text("at least 8")
        await looked_at(page, axe, "first-password-refused")
        for label in ("New password", "The same again"):
            await page.get_by_label(label).fill(CHOSEN)
        await page.get_by_role("button", name="Go on").click()
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        again = await window(browser)
        await again.goto(link)
        await expect(again.get_by_role("alert")).to_contain_text("已用过")


async def test_the_login_page_speaks_the_browsers_language_and_shuts_nobody_out(
    desk: World, browser: Browser, axe: str
) -> None:
    oidc = OidcSettings(
        issuer="https://id.hospital.example", client_id="tingzhen", label="工号登录 Staff ID"
    )
    async with running(desk.server(oidc=oidc)) as server:
        for name, look in LOOKS.items():
            page = await window(browser, **look)
            await page.goto(f"{server.address}/history?q=a%26b#oidc_refused")
            english = look["locale"].startswith("en")
            lang = "en" if english else "zh-CN"
            await expect(page.locator("html")).to_have_attribute("lang", lang)
            await expect(page).to_have_title("Log in · Tingzhen" if english else "登录 · 听诊")
            said = "identity provider" if english else "单点登录没有成功"
            await expect(page.get_by_role("alert")).to_contain_text(said)
            provider = page.get_by_role("link", name=re.compile("工号登录 Staff ID"))
            await expect(provider).to_have_attribute(
                "href", "/api/v1/login/oidc?to=%2Fhistory%3Fq%3Da%2526b"
            )
            await looked_at(page, axe, f"login-{name}")


async def test_too_many_failures_are_said_with_how_long_to_wait(
    desk: World, browser: Browser, axe: str
) -> None:
    async with running(desk.server(login_failures=2, login_window_s=60)) as server:
        page = await window(browser, locale="en-GB")
        await page.goto(server.address)
        for _ in range(3):
            await page.get_by_label("User name").fill("lead")
            await page.get_by_label("Password").fill("not the password")
            async with page.expect_response("**/api/v1/login"):
                await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_have_text(
            re.compile(r"Too many failures\. Try again in \d+ seconds\.")
        )
        await looked_at(page, axe, "login-throttled")


async def test_a_language_goes_with_the_user_to_every_browser(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        page = await window(browser)
        await log_in(page, server)
        html = page.locator("html")
        await expect(html).to_have_attribute("lang", "zh-CN")
        async with page.expect_response("**/api/v1/me"):
            await page.get_by_role("button", name="English").click()
        await expect(html).to_have_attribute("lang", "en")
        # Another browser, which wishes for Chinese, learns it when the user comes in.
        other = await window(browser)
        await log_in(other, server)
        await expect(other.locator("html")).to_have_attribute("lang", "en")
        await other.goto(f"{server.address}/me")
        async with other.expect_response("**/api/v1/me"):
            await other.get_by_role("group", name="Language").get_by_text("中文").click()
        await expect(other.locator("html")).to_have_attribute("lang", "zh-CN")
        await page.reload()
        await expect(html).to_have_attribute("lang", "zh-CN")
        # What was chosen on the login page itself is meant.
        fresh = await window(browser)
        await fresh.goto(server.address)
        await fresh.get_by_role("button", name="English").click()
        await log_in_here(fresh)
        await expect(fresh.locator("html")).to_have_attribute("lang", "en")
        with desk.engine.connect() as connection:
            known = users.find_user(connection, users.LEAD)
        assert known is not None
        assert known.language == "en"


async def test_who_never_chose_a_language_is_spoken_to_in_the_browsers(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        zhang = await person(server, "zhang", "inspector")
        ming = await person(server, "ming", "inspector", language="zh")
        page = await window(browser, locale="en-GB")
        html = page.locator("html")
        await page.goto(server.login_link(zhang))
        async with page.expect_response("**/api/v1/me"):
            await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        await expect(html).to_have_attribute("lang", "en")
        # From now on it is the user's, in a browser that wishes for another one too.
        other = await window(browser)
        await other.goto(server.login_link(zhang))
        await expect(other.locator(".page")).to_have_attribute("data-connection", "live")
        await expect(other.locator("html")).to_have_attribute("lang", "en")
        # Who has chosen keeps it, and leaves it to nobody who comes after in the same browser.
        await page.goto(server.login_link(ming))
        await expect(html).to_have_attribute("lang", "zh-CN")
        last = await person(server, "last", "inspector")
        await page.goto(f"{server.login_link(last)}")
        await expect(html).to_have_attribute("lang", "en")


async def log_in_here(page: Page) -> None:
    """On the login page as it stands."""
    await page.locator("input[name=username]").fill(users.LEAD)
    await page.locator("input[name=password]").fill(PASSWORD)
    async with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        await page.locator("button.primary").click()
    await expect(page.locator(".page")).to_have_attribute("data-connection", "live")


async def test_ones_own_page_is_accessible_and_fits(
    desk: World, browser: Browser, axe: str
) -> None:
    async with running(desk.server()) as server:
        for name, look in LOOKS.items():
            language = "en" if look["locale"].startswith("en") else "zh"
            inspector = await person(server, f"li-{name}", "inspector", language=language)
            page = await window(browser, **look)
            await page.goto(server.login_link(inspector))
            await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
            await page.goto(f"{server.address}/me")
            await expect(page.get_by_role("heading", level=2)).to_have_count(4)
            add = "Add a target" if language == "en" else "新增推送地址"
            await page.get_by_role("button", name=add).click()
            # Where browsers may not be pushed to, it says what may be used instead.
            await expect(page.get_by_text("ntfy").first).to_be_visible()
            await looked_at(page, axe, f"me-{name}")
            await page.locator("#sessions-title").scroll_into_view_if_needed()
            await shot(page, f"me-{name}-end")


async def test_an_agents_own_page_has_no_pushes_and_asks_for_none(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        name = await person(server, "lina", "agent", agent="PJSIP/1001")
        page = await window(browser)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(server.login_link(name))
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        await page.goto(f"{server.address}/me")
        await expect(page.get_by_role("heading", name="我的登录")).to_be_visible()
        await expect(page.get_by_role("heading", name="推送")).to_have_count(0)
        assert not [url for url in asked if "notifications" in url]


async def test_a_login_elsewhere_is_ended_from_here(desk: World, browser: Browser) -> None:
    async with running(desk.server()) as server:
        here, there = await window(browser), await window(browser, **PHONE)
        await log_in(there, server)
        await log_in(here, server)
        await here.goto(f"{server.address}/me")
        logins = here.get_by_role("listitem").filter(has_text="登录时间")
        await expect(logins).to_have_count(2)
        await expect(logins.filter(has_text="当前登录")).to_contain_text("Chrome · Linux")
        await here.get_by_role("button", name="结束").click()
        await expect(logins).to_have_count(1)
        await expect(there.get_by_role("alert")).to_have_text("登录已失效，请重新登录。")
        await expect(there.locator("input[name=password]")).to_be_visible()


# The watch

VIBRATIONS = "window.felt = []; navigator.vibrate = (pattern) => window.felt.push(pattern);"


@pytest.mark.parametrize("size", [WATCH, PHONE], ids=["watch", "phone"])
async def test_an_alert_is_felt_and_taken_on_the_wrist(
    desk: World, browser: Browser, axe: str, size: dict[str, Any]
) -> None:
    name = "watch" if size is WATCH else "watch-phone"
    async with running(desk.server()) as server:
        call = Call(desk, "one", queue="投诉建议")
        await call.join(ago=60)
        await call.connect(ago=50)
        page = await window(browser, **size)
        await page.add_init_script(VIBRATIONS)
        await page.goto(server.login_link())
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        await page.goto(f"{server.address}/watch")
        await expect(page.get_by_text("一切平静")).to_be_visible()
        await looked_at(page, axe, f"{name}-quiet")
        await page.locator("main").tap()  # browsers let a page vibrate after a touch only
        await call.alert("minor", severity="medium", title="未核对身份")
        await call.alert("bad", severity="critical", title="医疗急症")
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("医疗急症")
        await page.wait_for_function("window.felt.length >= 2")
        felt = await page.evaluate("window.felt.map(String)")
        assert len(felt) == len(set(felt)) == 2
        take = page.get_by_role("button", name="知道了")
        for target in (take, *await page.get_by_role("navigation").locator("> *").all()):
            box = await target.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= SMALLEST_TARGET_PX
            assert box["y"] + box["height"] <= size["viewport"]["height"]
        await looked_at(page, axe, f"{name}-alert")
        await take.tap()
        await expect(page.get_by_text("lead 已确认")).to_be_visible()
        await looked_at(page, axe, f"{name}-taken")
        await page.get_by_role("button", name="下一条（1）").tap()
        await expect(alert).to_contain_text("未核对身份")


async def test_what_is_to_be_silent_is_neither_felt_nor_heard(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        call = Call(desk, "one")
        page = await window(browser, **PHONE)
        await page.add_init_script(VIBRATIONS)
        await page.goto(server.login_link())
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        await page.goto(f"{server.address}/me")
        await page.get_by_label("从哪一级起").select_option("紧急")
        await page.goto(f"{server.address}/watch")
        await page.get_by_text("一切平静").tap()
        await call.alert("minor", severity="high", title="服务禁语")
        await expect(page.get_by_role("alert")).to_contain_text("服务禁语")
        await call.alert("major", severity="critical", title="医疗急症")
        await expect(page.get_by_role("alert")).to_contain_text("医疗急症")
        assert await page.evaluate("window.felt.length") == 1
        await page.get_by_role("switch", name="振动").tap()
        await call.alert("more", severity="critical", title="红线")
        await expect(page.get_by_text("未处理告警 3")).to_be_visible()
        assert await page.evaluate("window.felt.length") == 1


async def test_a_watch_without_its_server_says_so_and_never_that_all_is_quiet(
    desk: World, browser: Browser, axe: str
) -> None:
    call = Call(desk, "one")
    async with running(desk.server()) as server:
        port = int(server.address.rsplit(":", 1)[1])
        page = await window(browser, **WATCH)
        await page.goto(server.login_link())
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        await page.goto(f"{server.address}/watch")
        await expect(page.get_by_text("一切平静")).to_be_visible()
    await expect(page.get_by_text("已断开")).to_be_visible()
    await expect(page.get_by_text("一切平静")).to_have_count(0)
    await looked_at(page, axe, "watch-lost")
    await call.alert("while-away", title="服务禁语")
    async with running(desk.server(port=port)):
        await expect(page.get_by_role("alert")).to_contain_text("服务禁语")
        await expect(page.get_by_text("在线")).to_be_visible()


async def test_an_old_alert_is_found_by_the_pushs_link_and_an_unknown_one_is_said_so(
    desk: World, browser: Browser
) -> None:
    call = Call(desk, "one", queue="投诉建议")
    await call.join(ago=60)
    first = await call.alert("first", severity="medium", title="未核对身份")
    await call.alert("second", severity="critical", title="医疗急症")
    async with running(desk.server()) as server:
        page = await window(browser, **PHONE)
        await page.goto(server.login_link())
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        await page.goto(f"{server.address}/watch?alert={first}")
        # What was pushed stands there, though another one is louder.
        await expect(page.get_by_role("alert")).to_contain_text("未核对身份")
        await page.goto(f"{server.address}/watch?alert=gone")
        await expect(page.get_by_text("不在您的范围")).to_be_visible()
        await page.get_by_role("button", name="下一条（2）").tap()
        await expect(page.get_by_role("alert")).to_contain_text("医疗急症")
