"""Chromium on the console's page, as somebody of a role, and what axe says about it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, Response, async_playwright, expect

from agent_console import users
from agent_console.app import STATIC
from agent_console.server import ConsoleServer

ROOT = Path(__file__).parents[1]
WEB = ROOT / "agent_console" / "web"
SHOTS = ROOT / "test-results" / "console"
_AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]

_problems: list[str] = []
"""What went wrong behind the pages of a test: script errors, refused requests."""
_expected = {HTTPStatus.UNAUTHORIZED}
"""How a request may be refused: 401 is how the page learns that nobody is logged in yet."""


def axe_script() -> str:
    """The source of axe; the page must have been built."""
    assert (STATIC / "index.html").is_file(), "build the page first: pip install -e ."
    if not _AXE.is_file():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=WEB, check=True)
    return _AXE.read_text()


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        yield browser
        await browser.close()


@contextlib.contextmanager
def nothing_wrong() -> Iterator[None]:
    """Hold that no script fails and no request is refused behind the pages."""
    _problems.clear()
    yield
    assert not _problems, _problems


@contextlib.contextmanager
def refused(status: HTTPStatus) -> Iterator[None]:
    """Let requests be refused so, for a while: the test makes it happen."""
    _expected.add(status)
    yield
    _expected.remove(status)


async def enter(
    browser: Browser,
    server: ConsoleServer,
    *,
    username: str = users.LEAD,
    width: int = 1366,
    height: int = 800,
    dark: bool = False,
) -> Page:
    """Log in with a one-time link; no error may reach the browser's console."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    page = await context.new_page()
    page.on("pageerror", lambda error: _problems.append(f"script error: {error}"))
    page.on("response", _note)
    await page.goto(server.login_link(username))
    await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
    return page


def _note(response: Response) -> None:
    # A call may have no recording; a phone that rings may not be taken.
    expected = response.status in _expected or "/waveform" in response.url
    untaken = response.status == HTTPStatus.CONFLICT and "/listening/" in response.url
    if response.status >= HTTPStatus.BAD_REQUEST and not expected and not untaken:
        _problems.append(f"{response.request.method} {response.url}: {response.status}")


async def person(server: ConsoleServer, username: str, role: users.Role, **details: Any) -> str:
    """Add a user, and return the name."""
    context = server.context
    with context.engine.begin() as connection:
        users.create_user(connection, username, None, role, now=context.clock.time(), **details)
    return username


async def shot(page: Page, name: str) -> None:
    """Keep a picture to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SHOTS / f"{name}.png")


async def fits(page: Page) -> bool:
    """Whether the page is no wider than its window."""
    return bool(
        await page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


async def violations(page: Page, axe: str) -> list[str]:
    """What axe finds that is serious."""
    # The page's own CSP allows no inline script, so axe is run in the debugger's world.
    await page.evaluate(axe)
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{v['id']}: {v['help']}: {[node['html'][:120] for node in v['nodes']]}"
        for v in found["violations"]
        if v["impact"] in {"serious", "critical"}
    ]


async def looked_at(page: Page, axe: str, name: str) -> None:
    """Keep the picture; the page must fit and shut nobody out."""
    await shot(page, name)
    assert await violations(page, axe) == []
    assert await fits(page)
