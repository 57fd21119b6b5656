"""More fates on the real Asterisk: keys, empty and full queues, parking, pickup, own calls."""

from __future__ import annotations

import asyncio

import pytest
from e2e.telephony_rig import leg_of, rang_s, settings_for, telephony
from patience import PATIENCE_S

from telephony.events import (
    AgentStateChanged,
    CallConnected,
    CallEnded,
    CallJoined,
    CallRefused,
    CallTransferred,
    DirectCallEnded,
    QueueState,
    RingStarted,
)
from telephony.queue_log import read_queue_log
from telephony.reconcile import compare
from tingzhen.lab.scripts import (
    AgentScript,
    AttendedTransfer,
    BlindTransfer,
    CallerScript,
    Step,
)

pytestmark = [pytest.mark.lab, pytest.mark.quiet]

AGREEMENT_S = 0.050


async def logged(lab, records):
    """Compare with what Asterisk logged of these calls; return the differences."""
    mine = {record.uniqueid for record in records}
    async with asyncio.timeout(PATIENCE_S):
        while True:
            text = (lab.asterisk.folder / "log" / "queue_log").read_text("utf-8")
            log = read_queue_log(line for line in text.splitlines() if line.split("|")[1] in mine)
            over = [visit for visit in log.visits if visit.ended_at is not None]
            if len(over) >= len(records):
                break
            await asyncio.sleep(0.05)  # it may tell the manager of an end before its own file
    found = compare(records, log)
    assert found.compared == len(records)
    return found.differences


async def of_call(rig, truth):
    record = await rig.record(truth.uniqueid)
    assert record.complete
    return record


async def test_caller_leaves_by_a_key(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="keyed", number="19900000601")
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {}) as call:
            await rig.until(lambda: rig.of(CallJoined))
            await rig.clock.sleep(0.5)
            call.caller.media.press("1")
            truth = await lab.finished(call)
        record = await of_call(rig, truth)
        assert (record.outcome, record.hangup_by) == ("exit_key", "")
        assert await logged(lab, [record]) == ()


async def test_caller_leaves_because_nobody_is_left(lab):
    lab.idle_script("1004", AgentScript(ring_s=0.3, reject=486))
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="leaving", number="19900000602")
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.member("leaving", "1004"),
            lab.place(caller, {}) as call,
        ):
            await rig.until(lambda: rig.of(RingStarted))
            await lab.manager.action("QueueRemove", Queue="leaving", Interface="PJSIP/1004")
            truth = await lab.finished(call)
        record = await of_call(rig, truth)
        assert record.outcome == "exit_empty"
        assert record.wait_s == pytest.approx(truth.wait_s, abs=AGREEMENT_S)
        assert await logged(lab, [record]) == ()


async def test_callers_who_are_not_taken_in_are_counted_and_no_visits(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        async with asyncio.timeout(PATIENCE_S):
            async with lab.place(CallerScript(to="strict", number="19900000603"), {}) as call:
                await lab.finished(call)
            waiting = CallerScript(to="onlyone", number="19900000604")
            async with lab.place(waiting, {}) as first:
                await rig.until(lambda: rig.of(CallJoined))
                late = CallerScript(to="onlyone", number="19900000605")
                async with lab.place(late, {}) as second:
                    await lab.finished(second)
                first.caller.hang_up()
                truth = await lab.finished(first)
        empty, full = await rig.until(lambda: len(rig.of(CallRefused)) == 2 and rig.of(CallRefused))
        assert (empty.queue, empty.reason) == ("strict", "join_empty")
        assert (full.queue, full.reason) == ("onlyone", "full")
        assert (await of_call(rig, truth)).outcome == "abandoned"
        assert len(rig.of(CallJoined)) == 1


async def test_parked_by_the_agent(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="enquiry", number="19900000606")
        steps = (Step(0.6, BlindTransfer("700")),)
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1007": AgentScript(ring_s=0.2, steps=steps)}) as call,
        ):
            (ended,) = await rig.until(lambda: rig.of(CallEnded))
            call.caller.hang_up()
            # Asterisk does not always tell the phone how its transfer into the lot went.
            for leg in call.agents:
                if not leg.ended.is_set():
                    leg.hang_up()
            await lab.finished(call)
        record = ended.record
        (handover,) = record.handovers
        assert (handover.kind, handover.from_agent) == ("parked", "PJSIP/1007")
        assert handover.to.startswith("70")
        assert (record.outcome, record.hangup_by) == ("answered", "transfer")
        assert rig.of(CallTransferred)[-1].kind == "parked"
        assert record.complete
        assert await logged(lab, [record]) == ()


async def test_ringing_call_picked_up_by_another(lab):
    await lab.register("1009")
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="enquiry", number="19900000607")
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1007": AgentScript(ring_s=20)}) as call,
        ):
            await rig.until(lambda: rig.of(RingStarted))
            picker = CallerScript(to="*81007", number="1009", hang_up_after_s=None)
            async with lab.place(picker, {}) as picking:
                await rig.until(lambda: rig.of(CallConnected))
                await rig.clock.sleep(0.5)
                call.caller.hang_up()
                await picking.caller.ended.wait()
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        assert (record.outcome, record.agent, record.picked_up_by) == (
            "answered",
            "PJSIP/1007",
            "PJSIP/1009",
        )
        assert await logged(lab, [record]) == ()


async def test_attended_transfer_tells_from_and_to_and_its_consultation_is_no_call_of_its_own(lab):
    lab.idle_script("1008", AgentScript(ring_s=0.2, hang_up_after_s=1.0))
    async with telephony(settings_for(lab.addresses)) as rig, lab.member("report", "1008"):
        caller = CallerScript(to="enquiry", number="19900000608")
        steps = (Step(0.5, AttendedTransfer("1008", 0.4)),)
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1007": AgentScript(ring_s=0.2, steps=steps)}) as call,
        ):
            truth = await lab.finished(call)
        record = await of_call(rig, truth)
        (handover,) = record.handovers
        assert (handover.kind, handover.from_agent, handover.to) == (
            "attended",
            "PJSIP/1007",
            "1008",
        )
        assert [(a.agent, a.result) for a in record.attempts] == [("PJSIP/1007", "answered")]
        first = truth.agent_legs[0]
        assert record.attempts[0].ring_s == pytest.approx(
            first.answer - first.ring, abs=AGREEMENT_S
        )
        assert rig.of(DirectCallEnded) == []
        assert await logged(lab, [record]) == ()


async def test_every_ring_stands_in_the_record_with_its_own_time(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        agents = {
            "1004": AgentScript(ring_s=0.3, reject=486),
            "1005": AgentScript(answer=False),
            "1006": AgentScript(ring_s=0.5),
        }
        caller = CallerScript(to="ordered", number="19900000609", hang_up_after_s=0.5)
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, agents) as call:
            truth = await lab.finished(call)
        record = await of_call(rig, truth)
        assert record.attempts[-1].agent == record.agent == "PJSIP/1006"
        rung = {leg.user: leg for leg in truth.agent_legs}
        for attempt in record.attempts:
            leg = rung[attempt.agent.removeprefix("PJSIP/")]
            assert attempt.started_at == pytest.approx(leg.ring, abs=AGREEMENT_S)
        results = [attempt.result for attempt in record.attempts]
        assert results == ["busy", "no_answer", "answered"]
        silent = rung["1005"]
        rang_s = silent.end - silent.ring
        assert record.attempts[1].ring_s == pytest.approx(rang_s, abs=AGREEMENT_S)
        assert await logged(lab, [record]) == ()


async def test_agents_own_calls_are_recorded_beside_the_queues(lab):
    await lab.register("1010")
    lab.idle_script("1010", AgentScript(ring_s=0.5))
    async with telephony(settings_for(lab.addresses)) as rig, lab.member("report", "1008"):
        await rig.until(lambda: rig.of(AgentStateChanged, agent="PJSIP/1008", state="available"))
        answered = CallerScript(to="1010", number="1008")
        async with asyncio.timeout(PATIENCE_S), lab.place(answered, {}) as call:
            await call.caller.answered.wait()
            other = leg_of(lab, "1010")
            await rig.clock.sleep(1.0)  # they talk
            other.hang_up()
            await call.caller.ended.wait()
        (own,) = await rig.until(lambda: rig.of(DirectCallEnded))
        assert (own.direction, own.agent, own.number) == ("outbound", "PJSIP/1008", "1010")
        assert (own.outcome, own.hangup_by) == ("answered", "customer")
        assert own.ring_s == pytest.approx(rang_s(other), abs=AGREEMENT_S)
        assert own.talk_s == pytest.approx(other.end_at - other.answer_at, abs=AGREEMENT_S)
        assert own.complete
        assert rig.of(CallJoined) == []


async def test_agents_states_follow_a_call_and_its_wrap_up(lab):
    settings = settings_for(lab.addresses).model_copy(update={"wrap_up_s": {"notes": 2.0}})
    async with telephony(settings) as rig, lab.member("notes", "1003"):
        caller = CallerScript(to="notes", number="19900000610", hang_up_after_s=0.8)
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1003": AgentScript(ring_s=0.5)}) as call,
        ):
            waited = await rig.until(
                lambda: [e for e in rig.of(QueueState, queue="notes") if e.waiting]
            )
            truth = await lab.finished(call)
        record = await of_call(rig, truth)
        assert record.wrap_up_s == 2
        assert waited[0].waiting[0].position == 1

        def changes():
            found = rig.of(AgentStateChanged, agent="PJSIP/1003")
            return [e for e in found if e.at >= record.joined_at]

        await rig.until(lambda: changes() and changes()[-1].state == "available")
        assert [e.state for e in changes()] == ["ringing", "talking", "wrap_up", "available"]
        ringing, talking, wrapping, free = (e.at for e in changes())
        leg = truth.agent_legs[0]
        assert ringing == pytest.approx(leg.ring, abs=AGREEMENT_S)
        assert talking == pytest.approx(leg.answer, abs=AGREEMENT_S)
        assert wrapping == pytest.approx(truth.ended_at, abs=AGREEMENT_S)
        assert free - wrapping == pytest.approx(2.0, abs=0.7)
        await lab.manager.action(
            "QueuePause", Queue="notes", Interface="PJSIP/1003", Paused="true", Reason="lunch"
        )
        (paused,) = await rig.until(lambda: rig.of(AgentStateChanged, state="paused"))
        assert paused.reason == "lunch"
        await lab.manager.action(
            "QueuePause", Queue="notes", Interface="PJSIP/1003", Paused="false"
        )


async def test_reload_in_a_call_changes_nothing(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="support", number="19900000611", hang_up_after_s=1.5)
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1001": AgentScript(ring_s=0.3)}) as call,
        ):
            await rig.until(lambda: rig.of(CallConnected))
            await lab.manager.command("module reload app_queue.so")
            truth = await lab.finished(call)
        record = await of_call(rig, truth)
        assert record.talk_s == pytest.approx(truth.talk_s, abs=AGREEMENT_S)
        assert await logged(lab, [record]) == ()
