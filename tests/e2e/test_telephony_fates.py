"""Rarer fates of a call on the real Asterisk: withdrawn, moved, transferred back, Local members."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from e2e.telephony_rig import leg_of, rang_s, settings_for, telephony
from patience import PATIENCE_S

from backbone.media import LegClosed
from telephony.events import CallConnected, CallEnded, CallJoined, RingEnded
from tingzhen.lab.scripts import AgentScript, BlindTransfer, CallerScript, Step

pytestmark = [pytest.mark.lab, pytest.mark.quiet]

AGREEMENT_S = 0.050


async def waiting_channel(lab, rig):
    """The channel of the only caller who waits."""
    (joined,) = await rig.until(lambda: rig.of(CallJoined))
    entries = await lab.manager.entries("CoreShowChannels")
    return next(e["Channel"] for e in entries if e.get("Uniqueid") == joined.uniqueid)


@contextlib.asynccontextmanager
async def local_member(lab, queue, agent, interface):
    await lab.register(agent)
    await lab.manager.action("QueueAdd", Queue=queue, Interface=interface)
    try:
        yield
    finally:
        await lab.manager.action("QueueRemove", Queue=queue, Interface=interface)


async def test_caller_withdrawn_by_the_operator(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="insurance", number="19900000301")
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {}) as call:
            channel = await waiting_channel(lab, rig)
            await lab.manager.action("QueueWithdrawCaller", Queue="insurance", Caller=channel)
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        assert record.outcome == "withdrawn"
        assert record.wait_s == pytest.approx(truth.wait_s, abs=AGREEMENT_S)
        assert record.complete


async def test_waiting_caller_moved_elsewhere(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        # A timeout shows that QUEUESTATUS can be seen, which tells a move from a timeout.
        timed_out = CallerScript(to="followup-1", number="19900000302")
        async with asyncio.timeout(PATIENCE_S), lab.place(timed_out, {}) as call:
            truth = await lab.finished(call)
        assert (await rig.record(truth.uniqueid)).outcome == "timeout"
        rig.events.clear()
        caller = CallerScript(to="insurance", number="19900000303")
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {}) as call:
            channel = await waiting_channel(lab, rig)
            await lab.manager.action(
                "Redirect", Channel=channel, Context="services", Exten="echo", Priority="1"
            )
            (ended,) = await rig.until(lambda: rig.of(CallEnded))
            call.caller.hang_up()
            await lab.finished(call)
        assert ended.record.outcome == "transferred_in_queue"
        assert ended.record.complete


async def test_call_hung_up_by_an_operator(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="support", number="19900000304")
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1001": AgentScript(ring_s=0.2)}) as call,
        ):
            (connected,) = await rig.until(lambda: rig.of(CallConnected))
            await lab.manager.action("Hangup", Channel=connected.channel)
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        assert (record.outcome, record.hangup_by) == ("answered", "system")
        assert record.talk_s == pytest.approx(truth.talk_s, abs=AGREEMENT_S)


async def test_transfer_back_into_a_queue_makes_a_second_visit(lab):
    async with telephony(settings_for(lab.addresses)) as rig, lab.member("report", "1008"):
        lab.idle_script("1008", AgentScript(ring_s=0.4))
        caller = CallerScript(to="enquiry", number="19900000305")
        steps = (Step(0.8, BlindTransfer("report")),)
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1007": AgentScript(ring_s=0.2, steps=steps)}) as call,
        ):
            await rig.until(lambda: len(rig.of(CallConnected)) == 2)
            other = leg_of(lab, "1008")
            await rig.clock.sleep(1.0)  # they talk
            other.hang_up()
            truth = await lab.finished(call)
        await rig.until(lambda: len(rig.of(CallEnded)) == 2)
        first, second = (event.record for event in rig.of(CallEnded))
        assert first.uniqueid == second.uniqueid == truth.uniqueid
        assert (first.visit, second.visit) == (1, 2)
        assert (first.queue, second.queue) == ("enquiry", "report")
        assert (first.agent, second.agent) == ("PJSIP/1007", "PJSIP/1008")
        assert (first.hangup_by, second.hangup_by) == ("transfer", "agent")
        assert first.complete
        assert second.complete
        assert second.ring_s == pytest.approx(rang_s(other), abs=AGREEMENT_S)
        assert second.talk_s == pytest.approx(other.end_at - other.answer_at, abs=AGREEMENT_S)
        await rig.until(lambda: len(rig.of(LegClosed)) == 4)
        assert all(leg.complete for leg in rig.of(LegClosed))


@pytest.mark.parametrize("interface", ["Local/1009@agents", "Local/1009@agents/n"])
@pytest.mark.parametrize("by", ["customer", "agent"])
async def test_local_member_with_and_without_optimisation(lab, interface, by):
    async with (
        telephony(settings_for(lab.addresses)) as rig,
        local_member(lab, "support", "1009", interface),
    ):
        lab.idle_script("1009", AgentScript(ring_s=0.6))
        caller = CallerScript(to="support", number="19900000306")
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {}) as call:
            (connected,) = await rig.until(lambda: rig.of(CallConnected))
            member = leg_of(lab, "1009")
            await rig.clock.sleep(1.2)  # they talk
            (call.caller if by == "customer" else member).hang_up()
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        assert connected.agent == record.agent == interface
        assert record.outcome == "answered"
        assert record.hangup_by == by
        assert record.ring_s == pytest.approx(rang_s(member), abs=AGREEMENT_S)
        assert record.talk_s == pytest.approx(truth.talk_s, abs=AGREEMENT_S)
        assert record.complete
        assert [e.result for e in rig.of(RingEnded)] == ["answered"]
        await rig.until(lambda: len(rig.of(LegClosed)) == 2)
        assert all(leg.complete for leg in rig.of(LegClosed))
