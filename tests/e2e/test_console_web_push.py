"""Pushes to browsers from end to end: Chromium, the console, and a push service on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from browser_push import BrowserPushService, Subscriber, b64, browser_push_service
from console_browser import shot, violations
from console_world import Call, World, running
from patience import PATIENCE_S
from playwright.async_api import Browser, CDPSession, Page, Worker, expect

from agent_console.server import ConsoleServer
from agent_console.work.desk import Desk
from agent_console.work.notify import store
from agent_console.work.notify.notifier import Notifier
from agent_console.work.service import people
from agent_console.work.settings import NotifySettings, WorkSettings

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WORDS = "你自己不会看吗"
SETTINGS = WorkSettings(notify=NotifySettings(web_push=True, web_push_hosts=("localhost",)))

# Chromium in a test reaches no push service of its maker: it subscribes at ours, with our keys.
SUBSCRIBING = """
(() => {
  const keys = %s;
  const kept = {
    endpoint: keys.endpoint,
    toJSON: () => ({endpoint: keys.endpoint, keys: {p256dh: keys.p256dh, auth: keys.auth}}),
    unsubscribe: async () => { sessionStorage.removeItem("subscribed"); return true; },
  };
  PushManager.prototype.subscribe = async function (options) {
    sessionStorage.setItem("subscribed", options.applicationServerKey);
    return kept;
  };
  PushManager.prototype.getSubscription = async function () {
    return sessionStorage.getItem("subscribed") ? kept : null;
  };
  Object.defineProperty(document, "hidden", {get: () => window.away === true});
})();
"""
SHOWN = """
async () => (await (await navigator.serviceWorker.ready).getNotifications())
  .map(({title, body, tag, lang, data, renotify}) => ({title, body, tag, lang, data, renotify}))
"""
# A click on the first one; the system's own notifications are out of a test's reach.
CLICK = """
async () => {
  const [notification] = await self.registration.getNotifications();
  self.dispatchEvent(new NotificationEvent("notificationclick", {notification}));
}
"""


@contextlib.asynccontextmanager
async def pushing_console(desk: World) -> AsyncIterator[ConsoleServer]:
    """A console of a site that allows pushes to browsers, with its notifier."""
    server = desk.server()
    work = server.context.desk = Desk.build(SETTINGS, desk.bus, desk.clock)
    notifier = Notifier(
        SETTINGS,
        desk.bus,
        desk.clock,
        desk.counters,
        desk.engine,
        keyring=work.keyring,
        sender=work.sender,
        people=people,
    )
    task = asyncio.create_task(notifier.run())
    try:
        async with running(server):
            yield server
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def open_page(
    browser: Browser, server: ConsoleServer, subscriber: Subscriber, endpoint: str
) -> Page:
    """A lead's browser that allows notifications."""
    context = await browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    await context.grant_permissions(["notifications"], origin=server.address)
    keys = {"endpoint": endpoint, "p256dh": subscriber.p256dh, "auth": b64(subscriber.auth)}
    await context.add_init_script(SUBSCRIBING % json.dumps(keys))
    page = await context.new_page()
    await page.goto(server.login_link())
    await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
    return page


async def registered(page: Page) -> tuple[CDPSession, str]:
    """The debugger and the worker's registration in it."""
    debugger = await page.context.new_cdp_session(page)
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def hear(said: dict[str, Any]) -> None:
        for one in said["registrations"]:
            if not found.done():
                found.set_result(one["registrationId"])

    debugger.on("ServiceWorker.workerRegistrationUpdated", hear)
    await debugger.send("ServiceWorker.enable")
    return debugger, await asyncio.wait_for(found, PATIENCE_S)


async def deliver(page: Page, server: ConsoleServer, text: str) -> None:
    """Hand a push to the worker, as Chromium does with one from its push service."""
    debugger, registration = await registered(page)
    push = {"origin": server.address, "registrationId": registration, "data": text}
    await debugger.send("ServiceWorker.deliverPushMessage", push)


async def shown(page: Page, count: int = 1, *, body: str = "") -> list[dict[str, Any]]:
    """The notifications that stand there, when there are so many, which say this."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found: list[dict[str, Any]] = await page.evaluate(SHOWN)
            if len(found) == count and all(not body or note["body"] == body for note in found):
                return found
            await page.wait_for_timeout(50)


async def worker_of(page: Page) -> Worker:
    context = page.context
    return (
        context.service_workers[0]
        if context.service_workers
        else await context.wait_for_event("serviceworker")
    )


async def test_a_browser_subscribes_is_pushed_to_without_words_and_leads_to_the_alert(
    desk: World, browser: Browser, axe: str, tmp_path: Path
) -> None:
    subscriber = Subscriber()
    with browser_push_service(tmp_path) as service:
        async with pushing_console(desk) as server:
            page = await open_page(browser, server, subscriber, service.endpoint)
            await page.goto(f"{server.address}/me")
            await page.get_by_role("button", name="订阅推送").click()
            await expect(page.get_by_text("这个浏览器已订阅")).to_be_visible()
            await shot(page, "me-subscribed")
            assert await violations(page, axe) == []
            key = server.context.desk.keyring
            with desk.engine.connect() as connection:
                [target] = store.targets_of(connection, "lead")
                assert target.scheme == "webpush"
                stored = store.address(connection, key, target.target_id)
            assert stored is not None
            assert service.endpoint in stored[1]

            alert_id = await pushed_alert(desk, service)
            [push] = service.received
            text = subscriber.read(push.body)
            assert json.loads(text)["id"] == alert_id
            await deliver(page, server, text)
            [note] = await shown(page)
            assert note["title"] == "听诊 · 告警 · 严重"
            assert note["body"] == f"服务禁语\n{alert_id}"
            assert note["renotify"]
            assert note["data"] == {"path": f"/watch?alert={alert_id}"}
            assert WORDS not in json.dumps(note, ensure_ascii=False)

            await (await worker_of(page)).evaluate(CLICK)
            await expect(page).to_have_url(f"{server.address}/watch?alert={alert_id}")
            await expect(page.get_by_role("alert")).to_contain_text("禁语")
            assert await shown(page, 0) == []

            await page.goto(f"{server.address}/me")
            await page.get_by_role("button", name="取消订阅").click()
            await expect(page.get_by_role("button", name="订阅推送")).to_be_visible()
            with desk.engine.connect() as connection:
                assert store.targets_of(connection, "lead") == []


async def pushed_alert(desk: World, service: BrowserPushService) -> str:
    """An alert that the push service has got."""
    call = Call(desk, "one", queue="投诉建议")
    await call.join(ago=60)
    await call.connect(ago=50)
    alert_id = await call.alert("bad", title="服务禁语", phrase=WORDS)
    await asyncio.to_thread(service.wait, 1)
    return alert_id


async def test_an_open_page_notifies_by_itself_and_a_click_opens_the_call(
    desk: World, browser: Browser
) -> None:
    async with pushing_console(desk) as server:
        page = await open_page(browser, server, Subscriber(), "https://localhost/none")
        asked: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        await page.get_by_role("button", name="桌面通知").click()
        await expect(page.get_by_role("button", name="桌面通知")).to_have_attribute(
            "aria-pressed", "true"
        )
        await page.evaluate("window.away = true")
        call = Call(desk, "one", queue="投诉建议")
        await call.join(ago=60)
        await call.connect(ago=50)
        await call.say("s1", "agent", f"单子上写了，{WORDS}。", start=2.0)
        alert_id = await call.alert("bad", segment="s1", title="服务禁语", phrase=WORDS)
        [note] = await shown(page)
        assert note["title"] == "听诊 · 告警 · 严重"
        assert note["body"] == "服务禁语"
        assert note["tag"] == alert_id
        # The server's push of the same takes its place without being felt a second time.
        facts = {"subject": "alert", "id": alert_id, "kind": "red_line", "severity": "high"}
        await deliver(page, server, json.dumps(facts))
        [note] = await shown(page, body=f"红线\n{alert_id}")
        assert not note["renotify"]
        await (await worker_of(page)).evaluate(CLICK)
        await expect(page.locator("[data-segment].target")).to_contain_text(WORDS)
        assert asked
        assert not [url for url in asked if not url.startswith(server.address)]


async def test_a_push_that_cannot_be_read_is_shown_all_the_same_in_the_users_language(
    desk: World, browser: Browser
) -> None:
    async with pushing_console(desk) as server:
        page = await open_page(browser, server, Subscriber(), "https://localhost/none")
        async with page.expect_response("**/api/v1/me"):
            await page.get_by_role("button", name="English").click()
        await page.get_by_role("button", name="Notifications").click()
        await expect(page.get_by_role("button", name="Notifications")).to_have_attribute(
            "aria-pressed", "true"
        )
        await page.evaluate("navigator.serviceWorker.register('/sw.js?language=en').then(() => 1)")
        await deliver(page, server, "not ours {")
        [note] = await shown(page)
        assert (note["title"], note["body"]) == ("Tingzhen", "Open the console to see it")
        assert note["lang"] == "en"
