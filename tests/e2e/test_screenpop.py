"""Who calls is on the agent's page while the phone rings, from the manager interface's bytes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from console_browser import enter, person
from console_world import Call, World, running
from playwright.async_api import Browser, expect

from agent_console.events import ComplaintOpened
from agent_console.work import callers
from agent_console.work.callers import Card
from tingzhen.past.store import kept_or_made
from tingzhen.screenpop.measure import measure

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NUMBER = "13900001234"


async def test_ringing_shows_who_calls_past_calls_open_complaints_and_tags(
    desk: World, browser: Browser
) -> None:
    async with running(desk.server()) as server:
        mine = await person(server, "lina", "agent", agent="PJSIP/1001")
        other = await person(server, "zhou", "agent", agent="PJSIP/1002")
        past = Call(desk, "past", queue="报告查询")
        await past.join(ago=90_000, caller=NUMBER)
        await past.connect(ago=89_990)
        await past.end()
        caller_id = callers.caller_id_of(server.context.desk.keyring, NUMBER)
        card = Card(
            name="陈桂兰", tags=("听力不便",), note="请说慢些", version=1, by="wang", at=1.0
        )
        with desk.engine.begin() as connection:
            callers.write_card(connection, caller_id, card)
        await desk.bus.publish(
            ComplaintOpened(
                at=desk.clock.time(),
                complaint_id="c-1",
                call_id=past.id,
                alert_id="",
                card="red",
                caller_id=caller_id,
                queue=past.queue,
                agent=past.agent,
                text="报告三天没有出来",
                owner="",
                by="wang",
                answer_due=desk.clock.time() + 7200,
                close_due=None,
            )
        )
        page = await enter(browser, server, username=mine)
        beside = await enter(browser, server, username=other)
        who = page.get_by_role("heading", name="陈桂兰")
        call = Call(desk, "now")
        await call.join(caller=NUMBER)
        await expect(who).to_have_count(0)  # it waits, and rings nowhere yet
        await call.ring()
        await expect(who).to_be_visible()
        await expect(page.get_by_text("听力不便")).to_be_visible()
        await expect(page.get_by_text("请说慢些")).to_be_visible()
        await expect(page.get_by_text("报告三天没有出来")).to_be_visible()
        await expect(page.get_by_role("heading", name="历史来电 1")).to_be_visible()
        await expect(page.get_by_text("报告查询")).to_be_visible()
        await expect(page.get_by_role("paragraph").filter(has_text="1234")).to_be_visible()
        await expect(page.get_by_text(NUMBER)).to_have_count(0)
        await expect(beside.get_by_role("heading", name="陈桂兰")).to_have_count(0)


async def test_the_bench_goes_all_the_way_from_the_bytes_to_the_paint(tmp_path: Path) -> None:
    done: list[int] = []
    with kept_or_made(tmp_path, 200, lambda *_: None) as store:
        pops = await measure(store, 2, done.append)
    assert done == [1, 2]
    assert [pop.rounds for pop in pops] == [2, 2, 2]
    assert all(pop.worst_ms >= pop.p50_ms > 0 for pop in pops)
