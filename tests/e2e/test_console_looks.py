"""Every page for every role, in Chinese and English, light and dark, on a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import console_day
import pytest
import pytest_asyncio
from console_browser import enter, nothing_wrong, person, shot
from console_looks import (
    LOOKS,
    NARROW,
    Look,
    Watched,
    dressed,
    findings,
    routed_pages,
    tab_through,
    visits,
)
from console_world import running, world
from playwright.async_api import Browser, Page, expect

from agent_console import users
from agent_console.app import _PAGES
from agent_console.server import ConsoleServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@dataclass(frozen=True)
class Stop:
    """A place to look at: a page's name in the router, and how to get there.

    `ready` is there once what the page shows has been fetched. `click` is what leads to it, one
    element after the other, then `key`. `roles` are those of the router unless said otherwise.
    """

    page: str
    ready: str
    query: str = ""
    roles: tuple[str, ...] = ()
    click: tuple[str, ...] = ()
    looks: tuple[Look, ...] = LOOKS
    key: str = ""

    def __str__(self) -> str:
        led = "".join(self.click) + self.key
        return f"{self.page}{self.query}{' ' * bool(led)}{led}"


_PROPER = ("Chrome", "Linux", "ntfy", "Bark")
_PANEL = "main + nav button:nth-child({})"
_WIDE = tuple(look for look in LOOKS if look.width > NARROW)
_PHONE = tuple(look for look in LOOKS if look.width == NARROW)
STOPS = (
    Stop("desk", ".loud"),
    Stop("desk", ".actions", click=("article .body",), looks=_WIDE),
    Stop("desk", ".tile", click=(_PANEL.format(2),), looks=_PHONE),
    Stop("desk", "[data-segment]", click=(_PANEL.format(3),), looks=_PHONE),
    Stop("desk", "article", click=(_PANEL.format(4),), looks=_PHONE),
    Stop("agent", "#field-age"),
    Stop("history", "tbody tr"),
    Stop("complaints", ".list li"),
    Stop("complaint", ".detail h2"),
    Stop("knowledge", ".list li"),
    Stop("article", ".detail h2"),
    Stop("registers", ".list > *"),
    Stop("record", "#field-age"),
    Stop("inspect", "tbody tr"),
    Stop("inspection", ".answers"),
    Stop("manage", "tbody tr"),
    Stop("manage", "tbody tr", "?tab=forecast", ("lead", "manager")),
    Stop("manage", "tbody tr", "?tab=reports", ("manager", "admin")),
    Stop("manage", "tbody tr", "?tab=rules"),
    Stop("manage", "tbody tr", "?tab=audit", ("manager", "admin")),
    Stop("admin", "tbody tr"),
    Stop("wallboard", "tbody tr"),
    Stop("watch", "[role=alert]"),
    Stop("me", "main h2"),
    Stop("call", "[data-segment]"),
)

_DARK = (Look("zh", "dark", NARROW), Look("en", "dark", NARROW))
_SHEET = "dialog[open]"
_FIRST_BUTTON = "main button.primary"
OVER = (
    Stop("desk", _SHEET, roles=("lead",), looks=_DARK, key="?"),
    Stop("desk", ".rail", roles=("lead",), looks=_DARK, click=("button.menu",)),
    Stop("complaints", _SHEET, roles=("lead",), looks=_DARK[:1], click=(_FIRST_BUTTON,)),
    Stop("inspect", _SHEET, roles=("lead",), looks=_DARK[1:], click=(_FIRST_BUTTON,)),
    Stop("admin", _SHEET, roles=("admin",), looks=_DARK[:1], click=(_FIRST_BUTTON,)),
)
"""What opens over a page: help, the menu of a phone, sheets."""

_NOTHING = "p.title"
EMPTY = (
    Stop("desk", _NOTHING, looks=_DARK[:1]),
    Stop("history", _NOTHING, roles=("lead",), looks=_DARK[1:]),
    Stop("complaints", _NOTHING, roles=("lead",), looks=_DARK[:1]),
    Stop("knowledge", _NOTHING, roles=("lead",), looks=_DARK[:1]),
    Stop("knowledge", _NOTHING, "?deleted=1", ("lead",), looks=_DARK[1:]),
    Stop("registers", _NOTHING, "?tab=follow_ups", ("lead",), looks=_DARK[:1]),
    Stop("inspect", _NOTHING, roles=("lead",), looks=_DARK[1:]),
    Stop("watch", "main", roles=("lead",), looks=_DARK[:1]),
    Stop("agent", _NOTHING, looks=_DARK[1:]),
)
"""A console on its first morning."""


@dataclass(frozen=True)
class Floor:
    """A console with a day's data on it."""

    server: ConsoleServer
    day: console_day.Day


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    folder: Path = tmp_path_factory.mktemp("looks")
    async with world(folder) as desk:
        server = desk.server(site=console_day.site(folder))
        async with running(server):
            yield Floor(server, await console_day.fill(desk, server))


def test_every_page_of_the_router_is_looked_at_and_served() -> None:
    pages = routed_pages()
    assert {stop.page for stop in STOPS} == set(pages)
    served = {path.split("{")[0] for path in _PAGES}
    assert served == {path.split(":")[0] for path, _ in pages.values()} | {"/login"}


@pytest.mark.timeout(600)
async def test_every_page_is_right_in_every_look(floor: Floor, chromium: Browser, axe: str) -> None:
    assert not await looked_around(chromium, floor.server, floor.day, STOPS, axe)


async def test_what_opens_over_a_page_is_right(floor: Floor, chromium: Browser, axe: str) -> None:
    assert not await looked_around(chromium, floor.server, floor.day, OVER, axe, kept="over-")


async def test_a_console_where_nothing_has_happened_yet_says_so_on_every_page(
    chromium: Browser, tmp_path: Path, axe: str
) -> None:
    async with world(tmp_path) as desk, running(desk.server()) as server:
        people = {"lead": users.LEAD, "agent": await person(server, "lina", "agent")}
        nothing = console_day.Day(people, {})
        assert not await looked_around(chromium, server, nothing, EMPTY, axe, kept="empty-")


async def test_the_login_page_is_right(floor: Floor, chromium: Browser, axe: str) -> None:
    found: list[str] = []
    for look in _DARK:
        context = await chromium.new_context(
            locale={"zh": "zh-CN", "en": "en-GB"}[look.language],
            viewport={"width": look.width, "height": 740},
            color_scheme="dark",
        )
        page = await context.new_page()
        # Nobody is in yet: the first thing that the page asks for is refused.
        watched = Watched(page, expected=("/me",))
        await page.goto(f"{floor.server.address}/history")
        await page.locator("button.primary").click()
        await expect(page.locator("input:invalid").first).to_be_focused()
        found += await findings(page, look, axe, _PROPER)
        found += await tab_through(page)
        found += watched.heard()
        await shot(page, f"login-{look}")
        await context.close()
    assert not found, "\n" + "\n".join(found)


async def looked_around(
    chromium: Browser,
    server: ConsoleServer,
    day: console_day.Day,
    stops: Sequence[Stop],
    axe: str,
    *,
    kept: str = "",
) -> str:
    """Look at these places as each role, and tell what is wrong; `kept` begins pictures' names."""
    found: list[str] = []
    pages = routed_pages()
    plan = [
        (role, look, stop)
        for stop in stops
        for role, look in visits(stop.roles or pages[stop.page][1], stop.looks)
    ]
    plan.sort(key=lambda visit: (visit[0], str(visit[1])))
    for role, visited in groupby(plan, key=lambda visit: visit[0]):
        with nothing_wrong():
            page = await enter(chromium, server, username=day.people[role])
        watched = Watched(page, expected=("/waveform",))
        for _, look, stop in visited:
            where = f"{stop} {role} {look}"
            await dressed(page, look)
            address = day.address(stop.page, pages[stop.page][0])
            await page.goto(f"{server.address}{address}{stop.query}")
            try:
                await reach(page, stop)
            except AssertionError as error:
                found.append(f"{where}: not shown: {stop.ready} {str(error)[:80]}")
            names = [*day.people.values(), "zhou", "admin", *_PROPER]
            found += [f"{where}: {one}" for one in await findings(page, look, axe, names)]
            await shot(page, kept + re.sub(r"\W+", "-", f"{stop}-{role}-{look}"))
            if look == LOOKS[0]:
                found += [f"{where}: {one}" for one in await tab_through(page)]
            found += [f"{where}: {one}" for one in watched.heard()]
        await page.context.close()
    return "\n".join(found)


async def reach(page: Page, stop: Stop) -> None:
    """From a page's address to what is to be looked at."""
    for selector in stop.click:
        await page.locator(selector).first.click()
    if stop.key:
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")
        await page.keyboard.press(stop.key)
    await expect(page.locator(stop.ready).first).to_be_visible()
