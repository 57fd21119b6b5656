"""After the agent has hung up the caller presses a key, on the real Asterisk."""

from __future__ import annotations

import asyncio

import pytest
from e2e.telephony_rig import settings_for, telephony, told
from patience import PATIENCE_S

from telephony.events import CallRated
from tingzhen.lab.scripts import AgentScript, CallerScript

pytestmark = pytest.mark.lab


@pytest.mark.parametrize(
    ("scale", "key", "value"), [("like", "1", 1), ("five", "4", 4), ("like", "3", None)]
)
async def test_caller_presses_a_key_after_the_agent_has_hung_up(lab, scale, key, value):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to=f"support-30-{scale}", number="19900000501")
        agent = AgentScript(ring_s=0.2, hang_up_after_s=0.7)
        with told(lab, Event="Newexten", Application="Read") as asked:
            async with asyncio.timeout(PATIENCE_S), lab.place(caller, {"1001": agent}) as call:
                await asked.wait()
                call.caller.media.press(key)
                truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        assert (record.outcome, record.hangup_by, record.complete) == ("answered", "agent", True)
        assert record.talk_s == pytest.approx(truth.talk_s, abs=0.2)  # the key is no part of it
        if value is None:
            assert rig.of(CallRated) == []
        else:
            (rating,) = await rig.until(lambda: rig.of(CallRated))
            assert (rating.call_id, rating.scale, rating.value) == (record.call_id, scale, value)
            assert (rating.queue, rating.agent) == ("support", "PJSIP/1001")


async def test_caller_who_hangs_up_first_is_not_asked(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="support-30-like", number="19900000502", hang_up_after_s=0.5)
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1001": AgentScript(ring_s=0.2)}) as call,
        ):
            truth = await lab.finished(call)
        assert (await rig.record(truth.uniqueid)).hangup_by == "customer"
        assert rig.of(CallRated) == []
