"""Both sides of a call by ChanSpy, for sites without ARI, on the real Asterisk."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from e2e.telephony_rig import channels_gone, closed_whole, spoken_call, telephony
from e2e.test_control import CONTROL, PITCH, ami_user, voices
from patience import PATIENCE_S

from backbone.media import LegClosed, LegOpened
from telephony.events import CallEnded, CallJoined
from tingzhen.lab.scripts import AgentScript, BlindTransfer, CallerScript, Hold, Step, Unhold

pytestmark = pytest.mark.lab
__all__ = ["voices"]  # the fixture


def chanspy(settings):
    return settings.model_copy(update={"taps": "chanspy"})


async def test_both_sides_are_heard_and_the_spies_are_in_no_record(lab, voices):
    async with ami_user(lab, CONTROL) as settings, telephony(chanspy(settings)) as rig:
        truth = await spoken_call(lab, voices, "19900000701")
        record = await rig.record(truth.uniqueid)
        await closed_whole(rig)
        for role, pitch in (("agent", PITCH["agent"]), ("customer", PITCH["caller"])):
            (opened,) = rig.of(LegOpened, role=role)
            pcm = np.frombuffer(rig.audio(opened.leg_id), np.int16).astype(float)
            assert opened.offset_s < 0.5
            assert opened.offset_s + len(pcm) / 8_000 == pytest.approx(truth.talk_s, abs=0.3)
            spectrum = np.abs(np.fft.rfft(pcm[8_000:16_000]))
            assert np.argmax(spectrum) == pytest.approx(pitch, abs=5)  # and not the other party
        assert record.complete
        assert len(rig.of(CallJoined)) == len(rig.of(CallEnded)) == 1
        await channels_gone(lab, "AudioSocket/")


async def test_hold_and_transfer(lab, voices):
    await lab.register("1008")
    lab.idle_script("1008", AgentScript(ring_s=0.2, hang_up_after_s=1.0))
    steps = (Step(0.8, Hold()), Step(1.6, Unhold()), Step(2.4, BlindTransfer("1008")))
    async with ami_user(lab, CONTROL) as settings, telephony(chanspy(settings)) as rig:
        caller = CallerScript(to="enquiry", number="19900000702", audio=voices["caller"])
        agent = AgentScript(ring_s=0.2, audio=voices["agent"], steps=steps)
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {"1007": agent}) as call:
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        await rig.until(lambda: len(rig.of(LegClosed)) >= 2)
        assert record.hangup_by == "transfer"
        for closed in rig.of(LegClosed):
            assert (closed.complete, closed.reason) == (True, "")
            (opened,) = rig.of(LegOpened, leg_id=closed.leg_id)
            heard_until = opened.offset_s + closed.samples / 8_000
            assert heard_until == pytest.approx(record.talk_s, abs=0.5)
        (opened,) = rig.of(LegOpened, role="agent")
        assert not rig.heard_on_hold(opened).any()
