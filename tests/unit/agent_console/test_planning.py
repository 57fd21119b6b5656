"""The week ahead and the reports, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from console_rig import Rig, is_problem, rig
from console_world import World
from sqlalchemy import insert

from agent_console.access import API
from agent_console.site import Site
from backbone.store.schema import calls
from metrics.periods import midnight, today
from metrics.settings import MetricsSettings

ZONE = MetricsSettings().zone


@pytest.fixture
async def console(desk: World, tmp_path: Path) -> AsyncIterator[Rig]:
    (tmp_path / "month-2026-10.zh.pdf").write_bytes(b"%PDF-1.7 of October")
    (tmp_path / "week-2026-W45.en.html").write_text("<p>")
    (tmp_path / ".month-2026-10.zh.pdf.99").write_bytes(b"half")
    (tmp_path / "passwords.txt").write_text("secret")
    async with rig(desk, site=Site(reports=tmp_path)) as console:
        yield console


@pytest.fixture
async def manager(console: Rig) -> AsyncIterator[httpx.AsyncClient]:
    async with console.log_in("chen", "manager") as manager:
        yield manager


def two_weeks(desk: World) -> None:
    start = midnight(today(desk.clock.time(), ZONE), ZONE)
    with desk.engine.begin() as connection:
        connection.execute(
            insert(calls),
            [
                {
                    "call_id": f"past-{day}-{number}",
                    "system": "lab",
                    "uniqueid": f"past-{day}-{number}",
                    "visit": 1,
                    "queue": "support",
                    "joined_at": start - day * 86_400 + 34_200 + number,
                    "outcome": "answered",
                    "wait_s": 3.0,
                    "talk_s": 120.0,
                }
                for day in range(1, 15)
                for number in range(6)
            ],
        )


async def test_the_week_ahead_has_calls_seats_and_the_error_of_the_past(
    desk: World, manager: httpx.AsyncClient
) -> None:
    two_weeks(desk)
    forecast = (await manager.get(f"{API}/forecast?service_level=0.9")).json()
    assert [round(day["calls"]) for day in forecast["days"]] == [6] * 7
    busiest = max(forecast["days"][0]["slots"], key=lambda slot: slot["calls"])
    assert busiest["time"] == "09:30"
    assert busiest["seats"] >= 1
    assert busiest["rostered"] > busiest["seats"] * 0.7
    assert forecast["errors"]["half_hours"] == 0
    assert (forecast["service_level"], forecast["aht_s"]) == (0.9, 120.0)


async def test_without_a_week_of_calls_there_is_no_forecast(manager: httpx.AsyncClient) -> None:
    assert is_problem(await manager.get(f"{API}/forecast"), 409, "too_little_history")
    wrong = await manager.get(f"{API}/forecast?service_level=1.5")
    assert is_problem(wrong, 422, "invalid_request")


async def test_reports_are_listed_and_handed_out_as_files(manager: httpx.AsyncClient) -> None:
    listed = (await manager.get(f"{API}/reports")).json()
    assert sorted(report["name"] for report in listed) == [
        "month-2026-10.zh.pdf",
        "week-2026-W45.en.html",
    ]
    month = next(report for report in listed if report["period"] == "month")
    assert (month["label"], month["language"], month["format"]) == ("2026-10", "zh", "pdf")
    answer = await manager.get(f"{API}/reports/month-2026-10.zh.pdf")
    assert answer.content == b"%PDF-1.7 of October"
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "name",
    [
        "passwords.txt",
        ".month-2026-10.zh.pdf.99",
        "month-2020-01.zh.pdf",
        "..%2Fmonth-2026-10.zh.pdf",
    ],
)
async def test_nothing_else_is_handed_out(manager: httpx.AsyncClient, name: str) -> None:
    assert (await manager.get(f"{API}/reports/{name}")).status_code == 404


async def test_a_node_without_a_folder_has_no_reports(desk: World, tmp_path: Path) -> None:
    for site in (Site(), Site(reports=tmp_path / "none")):
        async with rig(desk, site=site) as console, console.log_in("chen", "manager") as manager:
            assert (await manager.get(f"{API}/reports")).json() == []
