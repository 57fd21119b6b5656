"""Every page for every role, in Chinese and English, light and dark, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import console_day
import pytest
import pytest_asyncio
from console_browser import enter, nothing_wrong, shot
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
from playwright.async_api import Browser, expect

from agent_console.app import _PAGES
from agent_console.server import ConsoleServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@dataclass(frozen=True)
class Stop:
    """A place to look at: a page's name in the router, and how to get there.

    `ready` is there once what the page shows has been fetched. `click` is what leads to it, one
    element after the other. `roles` are those of the router unless said otherwise.
    """

    page: str
    ready: str
    query: str = ""
    roles: tuple[str, ...] = ()
    click: tuple[str, ...] = ()
    looks: tuple[Look, ...] = LOOKS


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
    found: list[str] = []
    pages = routed_pages()
    plan = [
        (role, look, stop)
        for stop in STOPS
        for role, look in visits(stop.roles or pages[stop.page][1], stop.looks)
    ]
    plan.sort(key=lambda visit: (visit[0], LOOKS.index(visit[1])))
    for role, visited in groupby(plan, key=lambda visit: visit[0]):
        with nothing_wrong():
            page = await enter(chromium, floor.server, username=floor.day.people[role])
        watched = Watched(page, expected=("/waveform",))
        for _, look, stop in visited:
            where = f"{stop.page}{stop.query} {role} {look}"
            await dressed(page, look)
            address = floor.day.address(stop.page, pages[stop.page][0])
            await page.goto(f"{floor.server.address}{address}{stop.query}")
            try:
                for selector in stop.click:
                    await page.locator(selector).first.click()
                await expect(page.locator(stop.ready).first).to_be_visible(timeout=20_000)
            except AssertionError as error:
                found.append(f"{where}: not shown: {stop.ready} {str(error)[:80]}")
            names = [*floor.day.people.values(), "zhou", "admin", *_PROPER]
            found += [f"{where}: {one}" for one in await findings(page, look, axe, names)]
            await shot(page, f"{stop.page}{stop.query.replace('?tab=', '-')}-{role}-{look}")
            if look == LOOKS[0]:
                found += [f"{where}: {one}" for one in await tab_through(page)]
            found += [f"{where}: {one}" for one in watched.heard()]
        await page.context.close()
    assert not found, "\n" + "\n".join(found)
