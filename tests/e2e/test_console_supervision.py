"""Listen, whisper, barge and lay down by the buttons of the page, on the real Asterisk."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from console_browser import enter, person, shot, violations
from console_world import PASSWORD, World, running
from e2e.console_hotline import hotline
from e2e.telephony_rig import Rig, told
from e2e.test_control import CONTROL, ami_user, hears, supervisor_leg, voices
from patience import PATIENCE_S
from playwright.async_api import Page, expect

from agent_console.server import ConsoleServer
from agent_console.settings import ConsoleSettings
from backbone import audit
from telephony.control.service import Control
from telephony.events import CallConnected, CallJoined
from telephony.settings import ControlSettings
from tingzhen.lab.scripts import AgentScript, CallerScript, load

pytestmark = [
    pytest.mark.lab,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
]
__all__ = ["voices"]  # the fixture


@dataclass
class Floor:
    """The hotline, its console, and what the console may do on the PBX."""

    desk: World
    rig: Rig
    server: ConsoleServer

    async def call_id(self) -> str:
        (connected,) = await self.rig.until(lambda: self.rig.of(CallConnected))
        return connected.call_id

    def deeds(self) -> list[tuple[str, bool]]:
        with self.desk.engine.connect() as connection:
            kept = audit.entries(connection)
        return [(entry.action, entry.done) for entry in reversed(kept)]


@contextlib.asynccontextmanager
async def floor(lab, folder: Path) -> AsyncIterator[Floor]:
    async with ami_user(lab, CONTROL) as settings, hotline(settings, folder) as (desk, rig):
        control = Control(rig.bus, rig.clock, rig.counters)
        control.attach(rig.link, ControlSettings(ring_s=PATIENCE_S))
        server = ConsoleServer(
            ConsoleSettings(port=0, lead_password=PASSWORD),
            desk.bus,
            desk.clock,
            desk.counters,
            desk.engine,
            control=control,
        )
        async with running(server):
            yield Floor(desk, rig, server)


def button(page: Page, name: str):
    return page.get_by_role("button", name=name, exact=True)


async def phone_says(page: Page, words: str) -> None:
    await expect(page.locator(".controls").get_by_role("status")).to_have_text(words)


async def phone_is_quiet(page: Page) -> None:
    await expect(page.locator(".controls").get_by_role("status")).to_have_count(0)


async def test_a_lead_listens_whispers_barges_in_and_ends_it_from_the_page(
    lab, browser, voices, tmp_path, axe
) -> None:
    await lab.register("1010")
    lab.idle_script("1010", AgentScript(answer=False))
    async with floor(lab, tmp_path) as hot:
        page = await enter(browser, hot.server)
        caller = CallerScript(to="support", number="19900000941", audio=voices["caller"])
        agent = AgentScript(ring_s=0.2, audio=voices["agent"])
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {"1001": agent}) as call:
            await hot.call_id()
            talk = call.caller, call.answering
            await button(page, "旁听").click()
            dialog = page.get_by_role("dialog", name="我的话机")
            await dialog.get_by_label("旁听时振铃的话机").fill("PJSIP/1010")
            with told(lab, Event="Newstate", ChannelStateDesc="Ringing") as ringing:
                await dialog.get_by_role("button", name="保存").click()
                await phone_says(page, "您的话机在响，拿起即旁听")
                await expect(button(page, "插话")).to_be_disabled()
                await ringing.wait()  # the page tells of it once the phone is asked to
            leg = supervisor_leg(lab)
            leg.answer()
            leg.media.play(load(voices["supervisor"]))
            await phone_says(page, "您的话机正在旁听")

            async def who_hears_what():
                return await asyncio.gather(*(hears(party) for party in (*talk, leg)))

            both = {"agent", "caller"}
            assert await who_hears_what() == [{"agent"}, {"caller"}, both]
            await button(page, "耳语").click()
            await phone_says(page, "您的话机正在耳语")
            assert await who_hears_what() == [{"agent"}, {"caller", "supervisor"}, both]
            await button(page, "插话").click()
            await phone_says(page, "您的话机正在插话")
            assert await who_hears_what() == [
                {"agent", "supervisor"},
                {"caller", "supervisor"},
                both,
            ]
            await expect(button(page, "插话")).to_have_attribute("aria-pressed", "true")
            await shot(page, "lead-listens")
            assert await violations(page, axe) == []
            await page.reload()
            await phone_says(page, "您的话机正在插话")
            await button(page, "结束监听").click()
            await leg.ended.wait()
            await phone_is_quiet(page)
            assert await asyncio.gather(*map(hears, talk)) == [{"agent"}, {"caller"}]
            call.caller.hang_up()
            truth = await lab.finished(call)
        record = await hot.rig.record(truth.uniqueid)
        assert (record.outcome, record.complete, record.hangup_by) == (
            "answered",
            True,
            "customer",
        )
        assert len(hot.rig.of(CallJoined)) == 1, "the supervisor's phone is nobody's call"
        assert hot.deeds() == [
            ("listen", True),
            ("whisper", True),
            ("barge", True),
            ("stop_listening", True),
        ]


async def test_a_phone_that_is_called_off_laid_down_or_left_by_the_call_is_shown_so(
    lab, browser, voices, tmp_path
) -> None:
    await lab.register("1010")
    lab.idle_script("1010", AgentScript(answer=False))
    async with floor(lab, tmp_path) as hot:
        boss = await person(hot.server, "boss", "manager", extension="PJSIP/1010")
        page = await enter(browser, hot.server, username=boss)
        caller = CallerScript(to="support", number="19900000942", audio=voices["caller"])
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1001": AgentScript(ring_s=0.2)}) as call,
        ):
            # The call's own page has the same buttons, as far as the role goes.
            await page.goto(f"{hot.server.address}/calls/{await hot.call_id()}")
            await expect(button(page, "旁听")).to_be_visible()
            await expect(button(page, "耳语")).to_have_count(0)
            with told(lab, Event="Newstate", ChannelStateDesc="Ringing") as ringing:
                await button(page, "旁听").click()
                await phone_says(page, "您的话机在响，拿起即旁听")
                await ringing.wait()  # the page tells of it once the phone is asked to
            rings = supervisor_leg(lab)
            await button(page, "结束监听").click()
            await rings.ended.wait()
            await phone_is_quiet(page)
            await expect(page.get_by_text("没有接通")).to_have_count(0)

            lab.idle_script("1010", AgentScript(ring_s=0.1))
            await button(page, "旁听").click()
            await phone_says(page, "您的话机正在旁听")
            supervisor_leg(lab).hang_up()
            await phone_is_quiet(page)
            assert not call.caller.ended.is_set()

            await button(page, "旁听").click()
            await phone_says(page, "您的话机正在旁听")
            leg = supervisor_leg(lab)
            call.caller.hang_up()
            await leg.ended.wait()
            await phone_is_quiet(page)
            await lab.finished(call)
        await expect(page.get_by_text("已接听")).to_be_visible()


async def test_who_may_not_listen_has_no_button_and_is_refused(
    lab, browser, voices, tmp_path
) -> None:
    await lab.register("1010")
    lab.idle_script("1010", AgentScript(ring_s=0.1))
    async with floor(lab, tmp_path) as hot:
        agent = await person(
            hot.server, "lina", "agent", agent="PJSIP/1001", extension="PJSIP/1010"
        )
        inspector = await person(hot.server, "he", "inspector", extension="PJSIP/1010")
        caller = CallerScript(to="support", number="19900000943", audio=voices["caller"])
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1001": AgentScript(ring_s=0.2)}) as call,
        ):
            call_id = await hot.call_id()
            for username, buttons, refused in (
                (agent, [], ["listen", "whisper", "barge"]),
                (inspector, ["旁听"], ["whisper", "barge"]),
            ):
                page = await enter(browser, hot.server, username=username)
                await page.goto(f"{hot.server.address}/calls/{call_id}")
                await expect(page.get_by_role("heading", name="0943")).to_be_visible()
                await expect(page.locator(".controls button")).to_have_text(buttons)
                for mode in refused:
                    answer = await page.context.request.post(
                        f"{hot.server.address}/api/v1/control/calls/{call_id}/listening/{mode}",
                        headers={"Origin": hot.server.address},
                    )
                    assert answer.status == 403
            assert [leg for leg in lab.phone.legs if leg.user == "1010"] == []
            assert not any(done for _, done in hot.deeds())
            call.caller.hang_up()
            truth = await lab.finished(call)
        assert (await hot.rig.record(truth.uniqueid)).complete
