"""A busy half hour in accelerated form: our records against Asterisk's own log, call by call."""

from __future__ import annotations

import asyncio
import random

import pytest
from e2e.telephony_rig import settings_for, telephony
from queue_log_kpis import assert_kpis_equal_queue_log, kpis_of_records

from telephony.events import CallEnded, PbxHealth
from telephony.reconcile import compare
from telephony.reconcile_job import load_queue_log
from tingzhen.lab.configuration import LabSettings
from tingzhen.lab.scenario import Lab
from tingzhen.lab.scripts import (
    AgentScript,
    BlindTransfer,
    CallerScript,
    Hold,
    Step,
    Unhold,
)

pytestmark = [pytest.mark.lab, pytest.mark.alone]

CALLS = 320
AGENTS = 200
WITHIN_S = 10.0
"""All callers come within this time, so most of the calls overlap."""
SEED = 20261121


def agent_script(chance):
    """What an agent does with whichever call rings: most answer, some refuse or let it ring."""
    fate = chance.random()
    if fate < 0.08:
        return AgentScript(ring_s=round(chance.uniform(0.1, 0.6), 2), reject=486)
    if fate < 0.16:
        return AgentScript(answer=False)
    talk_s = round(chance.uniform(7.0, 15.0), 2)
    steps = ()
    if fate < 0.30:
        steps = (Step(1.0, Hold()), Step(2.0, Unhold()))
    elif fate < 0.38:
        steps = (Step(2.0, BlindTransfer("report-3")),)
    return AgentScript(
        ring_s=round(chance.uniform(0.1, 1.5), 2),
        steps=steps,
        hang_up_after_s=talk_s if fate > 0.6 else None,
    )


def caller_script(chance, number):
    """What a caller does: waits, gives up, or lets the queue give up."""
    fate = chance.random()
    to = chance.choice(["support", "appointment", "ordered"])
    if fate < 0.15:
        to = f"insurance-{chance.randint(2, 5)}"
    return CallerScript(
        to=to,
        number=f"1990{number:07d}",
        hang_up_after_s=round(chance.uniform(7.0, 15.0), 2),
        give_up_after_s=round(chance.uniform(3.0, 18.0), 2),
    )


async def test_two_hundred_overlapping_calls_agree_with_queue_log(tmp_path):
    chance = random.Random(SEED)
    async with (
        asyncio.timeout(150),
        Lab.up(LabSettings(agents=AGENTS), silent=True) as lab,
        telephony(settings_for(lab.addresses)) as rig,
    ):
        await rig.stop("taps")  # load of their own, and not what is asked here
        agents = list(lab.addresses.agents)
        for number, agent in enumerate(agents):
            lab.idle_script(agent, agent_script(chance))
            await lab.register(agent)
            queue = ("support", "appointment", "ordered")[number % 3]
            await lab.manager.action("QueueAdd", Queue=queue, Interface=f"PJSIP/{agent}")
        overlapping = most = 0

        async def one(script, after):
            nonlocal overlapping, most
            await asyncio.sleep(after)  # the plan of the half hour, not a wait for anything
            async with lab.place(script) as call:
                overlapping += 1
                most = max(most, overlapping)
                await call.caller.ended.wait()
                overlapping -= 1

        plan = sorted(chance.uniform(0, WITHIN_S) for _ in range(CALLS))
        async with asyncio.TaskGroup() as tasks:
            for number, after in enumerate(plan):
                tasks.create_task(one(caller_script(chance, number), after))
        await rig.until(lambda: len(rig.link.reducer.book) == 0)
        assert most >= 200
        queue_log = lab.asterisk.folder / "log" / "queue_log"
        log = load_queue_log(queue_log)
        await rig.until(lambda: len(rig.of(CallEnded)) >= len(log.visits))
        records = [event.record for event in rig.of(CallEnded)]
        found = compare(records, log)
        assert log.bad_lines == []
        assert found.compared == len(records) == len(log.visits) >= CALLS
        assert found.differences == ()
        assert_kpis_equal_queue_log(kpis_of_records(rig.of(CallEnded), tmp_path), queue_log)
        assert {record.incomplete_reason for record in records} == {""}
        outcomes = {record.outcome for record in records}
        assert {"answered", "abandoned", "timeout"} <= outcomes
        sides = {record.hangup_by for record in records if record.outcome == "answered"}
        assert sides == {"customer", "agent", "transfer"}
        assert any(record.unanswered for record in records)
        assert all(health.up for health in rig.of(PbxHealth)[-1:])
