"""A day at a hotline: a console with something to see on every page, and people of every role."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path

import console_floor
import httpx
from console_browser import person
from console_world import World
from sqlalchemy import insert

from agent_console import users
from agent_console.access import API
from agent_console.server import ConsoleServer
from agent_console.site import Site
from backbone.store.schema import calls
from metrics.periods import midnight, today
from metrics.settings import MetricsSettings
from qa_engine.pack import DEFAULT_PACK, load

REPORTS = ("month-2026-10.zh.pdf", "month-2026-10.zh.xlsx", "week-2026-W45.en.html")


@dataclass(frozen=True)
class Day:
    """Who is there, by role, and what pages of one thing are about, by the router's names."""

    people: dict[str, str]
    about: dict[str, str]

    def address(self, page: str, path: str) -> str:
        """Where a page of the router is."""
        return path.replace(":id", self.about[page]) if ":id" in path else path


def site(folder: Path) -> Site:
    """A node with rules and some reports."""
    reports = folder / "reports"
    reports.mkdir()
    for name in REPORTS:
        (reports / name).write_bytes(b"made")
    pack = load(DEFAULT_PACK)
    return Site(reports=reports, pack=lambda: pack)


def two_weeks(world: World, *, a_day: int = 12, every_s: float = 1200) -> None:
    """Calls of the last fourteen days from 9:30 on, which a forecast can be made from."""
    zone = MetricsSettings().zone
    start = midnight(today(world.clock.time(), zone), zone)
    with world.engine.begin() as connection:
        connection.execute(
            insert(calls),
            [
                {
                    "call_id": f"past-{day}-{number}",
                    "system": "pbx",
                    "uniqueid": f"past-{day}-{number}",
                    "visit": 1,
                    "queue": "预约挂号",
                    "joined_at": start - day * 86_400 + 34_200 + number * every_s,
                    "outcome": "answered",
                    "wait_s": 3.0,
                    "talk_s": 120.0,
                }
                for day in range(1, 15)
                for number in range(a_day)
            ],
        )


async def fill(world: World, server: ConsoleServer) -> Day:
    """People of all roles, calls of now and of the past, and what was done about them."""
    people = {"lead": users.LEAD}
    people["agent"] = await person(server, "lina", "agent", name="李护士", agent="PJSIP/1001")
    people["inspector"] = await person(server, "he", "inspector", name="何老师")
    people["manager"] = await person(server, "boss", "manager", name="陈主任")
    people["admin"] = await person(server, "root", "admin")
    await person(server, "zhou", "inspector")
    await asyncio.to_thread(two_weeks, world)
    bad = await console_floor.calls_of_the_past(world)
    await world.bus.publish(console_floor.final_score(world.clock.time(), bad))
    talking, _ = await console_floor.a_busy_desk(world)
    async with client_of(server, users.LEAD) as lead:
        complaint, article, _ = await done(
            lead.post(
                f"{API}/complaints",
                json={"call_id": bad.id, "card": "red", "text": "等了两个星期还没排上核磁。"},
            ),
            lead.post(
                f"{API}/knowledge", json={"title": "核磁检查", "body": "预约后两周内检查，空腹。"}
            ),
            lead.put(
                f"{API}/calls/{bad.id}/register",
                json={"need": "催办核磁检查", "address": "本市", "version": 0},
            ),
        )
    async with client_of(server, people["admin"]) as admin:
        team = {"queues": ["预约挂号"], "agents": ["PJSIP/1001"]}
        await done(admin.put(f"{API}/teams/白班", json=team))
    inspection = await _scored(world, server)
    await console_floor.people(world, call=talking)
    await console_floor.guidance(world, talking)
    about = {
        "call": bad.id,
        "record": bad.id,
        "inspection": inspection,
        "article": article.json()["article_id"],
        "complaint": complaint.json()["complaint"]["complaint_id"],
    }
    return Day(people, about)


async def _scored(world: World, server: ConsoleServer) -> str:
    """An inspection whose call both inspectors have scored."""
    now = world.clock.time()
    inspectors = ["he", "zhou"]
    asked = {"kind": "random", "since": now - 9000, "until": now, "most": 3, "per_agent": 3}
    async with client_of(server, users.LEAD) as lead:
        [drawn] = await done(
            lead.post(f"{API}/inspections/samples", json={**asked, "inspectors": inspectors})
        )
    address = f"{API}/inspections/{drawn.json()['inspection_ids'][0]}"
    for name, answer in zip(inspectors, ("yes", "no"), strict=True):
        async with client_of(server, name) as inspector:
            items = (await inspector.get(address)).json()["items"]
            answers = [
                {"item": one["item"], "answer": answer if at == 0 else "yes", "note": "听录音确认"}
                for at, one in enumerate(items)
            ]
            await done(inspector.put(f"{address}/answers", json={"answers": answers}))
            await done(inspector.post(f"{address}/submit"))
    return address.rsplit("/", 1)[1]


@contextlib.asynccontextmanager
async def client_of(server: ConsoleServer, username: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is logged in."""
    origin = {"Origin": server.address}
    async with httpx.AsyncClient(base_url=server.address, headers=origin, timeout=60) as client:
        token = server.login_link(username).split("=")[-1]
        await done(client.post(f"{API}/login/link", json={"token": token}))
        yield client


async def done(*asked: Awaitable[httpx.Response]) -> list[httpx.Response]:
    """The answers, none of which is a problem."""
    answers = [await one for one in asked]
    for answer in answers:
        assert answer.is_success, answer.text
    return answers
