"""Reports that somebody asks for, over HTTP and as they are made."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import httpx
import pytest
from console_rig import Rig, is_problem, rig
from console_world import World

from agent_console.access import API
from agent_console.reporting import MOST_WAITING, ReportMaker
from agent_console.site import Site
from backbone.audit import entries
from metrics.reports.files import Order

DAY = {"period": "day", "on": "2026-11-20", "formats": ["html"]}


@pytest.fixture
async def console(desk: World, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(desk, site=Site(reports=tmp_path / "reports")) as console:
        yield console


@pytest.fixture
async def manager(console: Rig) -> AsyncIterator[httpx.AsyncClient]:
    async with console.log_in("chen", "manager") as manager:
        yield manager


async def test_what_is_asked_for_is_listed_once_and_audited(
    console: Rig, manager: httpx.AsyncClient
) -> None:
    for _ in range(2):
        answer = await manager.post(f"{API}/reports", json=DAY)
        assert answer.status_code == 202
    [asked] = (await manager.get(f"{API}/reports/asked")).json()
    assert (asked["label"], asked["state"]) == ("2026-11-20", "waiting")
    assert asked["formats"] == ["html"]
    with console.context.engine.connect() as connection:
        assert entries(connection)[0].action == "report_asked"


async def test_no_more_wait_than_can_be_made(manager: httpx.AsyncClient) -> None:
    for day in range(1, MOST_WAITING + 1):
        body = DAY | {"on": f"2026-11-{day:02}"}
        assert (await manager.post(f"{API}/reports", json=body)).status_code == 202
    refused = await manager.post(f"{API}/reports", json=DAY)
    assert is_problem(refused, 429, "too_many_reports")


async def test_without_a_folder_none_is_made(desk: World) -> None:
    async with rig(desk, site=Site()) as console, console.log_in("chen", "manager") as manager:
        assert is_problem(await manager.post(f"{API}/reports", json=DAY), 409, "no_reports")


def order(folder: Path) -> Order:
    return Order(
        kind="day", on=date(2026, 11, 20), directory=folder, formats=("html",), languages=("zh",)
    )


async def test_they_are_made_one_after_the_other_and_a_failure_is_told(
    desk: World, tmp_path: Path
) -> None:
    maker = ReportMaker(
        Site().metrics,
        desk.engine.url,
        desk.clock,
        desk.counters,
        executor=lambda: ThreadPoolExecutor(1),
    )
    (tmp_path / "taken").write_text("a file where the folder should be")
    maker.ask(order(tmp_path / "taken"), "2026-11-20")
    maker.ask(order(tmp_path / "reports"), "2026-11-20")
    running = asyncio.create_task(maker.run())
    await maker.idle()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert [one.order.directory.name for one in maker.asked] == ["taken"]
    assert (tmp_path / "reports" / "day-2026-11-20.zh.html").is_file()
    assert desk.counters.get("reports_made", period="day") == 1
    assert desk.counters.get("reports_failed", period="day") == 1
