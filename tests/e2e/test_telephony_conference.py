"""Three in a talk, calls back, and a PBX that is reloaded or restarts itself in calls."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from e2e.telephony_rig import settings_for, telephony
from e2e.test_chanspy_taps import chanspy
from e2e.test_control import CONTROL, LEAD, PITCH, ami_user, supervised, voices
from e2e.test_telephony_more_fates import logged, of_call
from patience import PATIENCE_S

from backbone.media import LegClosed, LegOpened
from telephony.events import (
    CallConnected,
    CallEnded,
    CallJoined,
    CallResumed,
    DirectCallEnded,
    PbxHealth,
)
from tingzhen.lab.scenario import Lab
from tingzhen.lab.scripts import AgentScript, BlindTransfer, CallerScript, Press, Step

pytestmark = pytest.mark.lab
__all__ = ["voices"]  # the fixture

AGREEMENT_S = 0.050
ENOUGH_BYTES = 2 * 8_000
"""A second of audio, whose pitch is asked."""


async def of_conference(rig, truth):
    """The record of a call in which three talked until the caller hung up."""
    record = await of_call(rig, truth)
    assert record.conference
    assert (record.transfers, record.hangup_by) == (0, "customer")
    assert record.talk_s == pytest.approx(truth.talk_s, abs=AGREEMENT_S)
    return record


@pytest.mark.quiet
async def test_agent_takes_a_third_in_by_keys(lab, voices):
    lab.idle_script("1008", AgentScript(ring_s=0.3))
    steps = (Step(0.5, Press("*2")), Step(1.8, Press("1008")), Step(4.5, Press("*3")))
    async with telephony(settings_for(lab.addresses)) as rig, lab.member("report", "1008"):
        caller = CallerScript(to="support--keys", number="19900000911")
        agent = AgentScript(ring_s=0.2, audio=voices["agent"], steps=steps)
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {"1001": agent}) as call:
            (resumed,) = await rig.until(lambda: rig.of(CallResumed))
            await rig.clock.sleep(1.0)
            call.caller.hang_up()
            await rig.until(lambda: rig.of(CallEnded))  # Asterisk may read BYEs out of order
            for leg in lab.phone.legs:
                leg.hang_up()
            truth = await lab.finished(call)
        record = await of_conference(rig, truth)
        # On hold from the first keys to the last, each two keys of 280 ms.
        assert record.hold_s == pytest.approx(4.0, abs=0.3)
        assert resumed.held_s == record.hold_s
        assert rig.of(DirectCallEnded) == []
        assert await logged(lab, [record]) == ()
        # And then the agent is heard again.
        await rig.until(lambda: len(rig.of(LegClosed)) == 2)
        (opened,) = rig.of(LegOpened, role="agent")
        again = rig.heard_between(opened, resumed.at + 0.2, resumed.at + 0.5)
        assert np.abs(again).max() > 1_000


@pytest.mark.quiet
async def test_both_parties_led_into_a_room(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="support", number="19900000912")
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1001": AgentScript(ring_s=0.2)}) as call,
        ):
            (connected,) = await rig.until(lambda: rig.of(CallConnected))
            channels = await lab.manager.entries("CoreShowChannels")
            agent = next(c for c in channels if c["Channel"].startswith("PJSIP/1001-"))
            await lab.manager.action(
                "Redirect",
                Channel=connected.channel,
                Context="services",
                Exten="790",
                Priority="1",
                ExtraChannel=agent["Channel"],
                ExtraContext="services",
                ExtraExten="790",
                ExtraPriority="1",
            )
            await rig.clock.sleep(1.0)
            call.caller.hang_up()
            await rig.until(lambda: rig.of(CallEnded))  # Asterisk may read BYEs out of order
            for leg in call.agents:
                leg.hang_up()
            truth = await lab.finished(call)
        record = await of_conference(rig, truth)
        assert await logged(lab, [record]) == ()


async def test_caller_handed_on_into_a_room_is_transferred_and_in_no_conference(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="support", number="19900000913")
        steps = (Step(0.5, BlindTransfer("790")),)
        agent = AgentScript(ring_s=0.2, steps=steps)
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {"1001": agent}) as call:
            (ended,) = await rig.until(lambda: rig.of(CallEnded))
            call.caller.hang_up()
            await lab.finished(call)
        (handover,) = ended.record.handovers
        assert (handover.kind, handover.to) == ("blind", "790")
        assert not ended.record.conference
        assert await logged(lab, [ended.record]) == ()


@pytest.mark.quiet
async def test_call_back_is_recorded_as_the_agents_own(lab):
    await lab.register("1007")
    lab.idle_script("1007", AgentScript(ring_s=0.6, hang_up_after_s=1.0))
    async with supervised(lab) as (rig, control, _), lab.member("report", "1006"):
        lab.idle_script("1006", AgentScript(ring_s=0.3))
        await control.callback(LEAD, "lab", "PJSIP/1006", "1007")
        (own,) = await rig.until(lambda: rig.of(DirectCallEnded))
        assert (own.agent, own.number, own.outcome) == ("PJSIP/1006", "1007", "answered")
        assert own.hangup_by == "customer"
        assert own.ring_s == pytest.approx(0.6, abs=AGREEMENT_S)
        assert own.talk_s == pytest.approx(1.0, abs=AGREEMENT_S)
        assert own.complete


@pytest.mark.quiet
async def test_reload_of_everything_in_a_call_changes_nothing(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="support", number="19900000914", hang_up_after_s=2.5)
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1001": AgentScript(ring_s=0.3)}) as call,
        ):
            await rig.until(lambda: len(rig.of(LegOpened)) == 2)
            await lab.manager.command("core reload")
            truth = await lab.finished(call)
        record = await of_call(rig, truth)
        assert record.talk_s == pytest.approx(truth.talk_s, abs=AGREEMENT_S)
        await rig.until(lambda: len(rig.of(LegClosed)) == 2)
        assert all(leg.complete for leg in rig.of(LegClosed))
        assert await logged(lab, [record]) == ()


async def test_pbx_restarting_itself_ends_every_call_once_and_marked():
    async with Lab.up() as lab, telephony(settings_for(lab.addresses)) as rig:
        await lab.register("1001")
        lab.idle_script("1001", AgentScript(ring_s=0.2))
        await lab.manager.action("QueueAdd", Queue="support", Interface="PJSIP/1001")
        lab.phone.call("19900000915", "support")
        await rig.until(lambda: len(rig.of(LegOpened)) == 2)
        lab.phone.call("19900000916", "support")
        await rig.until(lambda: len(rig.of(CallJoined)) == 2)
        rig.events[:] = [e for e in rig.events if not isinstance(e, PbxHealth)]
        await lab.asterisk.restart_now()
        await rig.until(lambda: rig.of(PbxHealth, up=True) and len(rig.of(CallEnded)) == 2)
        records = {event.record.caller: event.record for event in rig.of(CallEnded)}
        talking, waiting = records["19900000915"], records["19900000916"]
        assert (talking.outcome, talking.agent) == ("answered", "PJSIP/1001")
        assert talking.hangup_by == "system"
        assert (waiting.agent, waiting.talk_s) == ("", None)
        assert waiting.hangup_by != "customer"


async def test_chanspy_taps_again_where_its_legs_were_lost(lab, voices):
    async with ami_user(lab, CONTROL) as settings, telephony(chanspy(settings)) as rig:
        caller = CallerScript(to="support", number="19900000917", audio=voices["caller"])
        agent = AgentScript(ring_s=0.2, audio=voices["agent"])
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {"1001": agent}) as call:
            await rig.until(lambda: len(rig.of(LegOpened)) == 2)
            await rig.stop("server")
            await rig.until(lambda: len(rig.of(LegClosed)) == 2)
            rig.start("server", rig.server.run())
            again = await rig.until(lambda: len(rig.of(LegOpened)) == 4 and rig.of(LegOpened)[2:])
            await rig.until(
                lambda: all(len(rig.audio(leg.leg_id)) >= ENOUGH_BYTES for leg in again)
            )
            call.caller.hang_up()
            truth = await lab.finished(call)
        record = await of_call(rig, truth)
        closed = await rig.until(lambda: len(rig.of(LegClosed)) == 4 and rig.of(LegClosed))
        assert [leg.reason for leg in closed[:2]] == ["media_server_stopped"] * 2
        for opened in again:
            pcm = np.frombuffer(rig.audio(opened.leg_id), np.int16).astype(float)
            pitch = PITCH["agent" if opened.role == "agent" else "caller"]
            heard = np.argmax(np.abs(np.fft.rfft(pcm[:8_000])))
            assert heard == pytest.approx(pitch, abs=5)
            assert opened.offset_s + len(pcm) / 8_000 == pytest.approx(record.talk_s, abs=0.5)
