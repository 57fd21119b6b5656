"""Both sides of a call through chan_websocket, and in wideband, on the real Asterisk."""

from __future__ import annotations

import asyncio
import wave

import numpy as np
import pytest
from e2e.telephony_rig import (
    by_websocket,
    channels_gone,
    closed_whole,
    settings_for,
    spoken_call,
    telephony,
)
from e2e.test_control import CONTROL, PITCH, ami_user, voices
from e2e.test_cuts import ALLOWED_GAP_S, NOISE_S
from patience import PATIENCE_S

from backbone.media import AudioFrame, LegClosed, LegOpened
from telephony.events import CallEnded, CallJoined, CallResumed, DirectCallEnded
from tingzhen.lab.scripts import AgentScript, CallerScript, Hold, Step, Unhold
from tingzhen.lab.sip.media import tone

pytestmark = pytest.mark.lab
__all__ = ["voices"]  # the fixture


def pitch_of(pcm, rate):
    heard = pcm[rate // 2 : rate // 2 + rate].astype(float)
    return np.argmax(np.abs(np.fft.rfft(heard)))


async def both_sides(lab, rig, voices, number):
    truth = await spoken_call(lab, voices, number)
    record = await rig.record(truth.uniqueid)
    await closed_whole(rig)
    for role, pitch in (("agent", PITCH["agent"]), ("customer", PITCH["caller"])):
        (opened,) = rig.of(LegOpened, role=role)
        pcm = np.frombuffer(rig.audio(opened.leg_id), np.int16)
        assert opened.offset_s + len(pcm) / opened.rate == pytest.approx(truth.talk_s, abs=0.3)
        assert pitch_of(pcm, opened.rate) == pytest.approx(pitch, abs=5)  # and not the other's
    assert record.complete
    assert len(rig.of(CallJoined)) == len(rig.of(CallEnded)) == 1
    assert rig.of(DirectCallEnded) == []
    await channels_gone(lab, "WebSocket/")


async def test_by_snoop(lab, voices):
    log = lab.asterisk.folder / "log" / "full.log"
    before = log.stat().st_size
    async with telephony(by_websocket(settings_for(lab.addresses))) as rig:
        await both_sides(lab, rig, voices, "19900000901")
        assert rig.counters.snapshot() == {}
    assert b"closed abruptly" not in log.read_bytes()[before:]


async def test_by_chanspy(lab, voices):
    async with ami_user(lab, CONTROL) as settings:
        ours = by_websocket(settings).model_copy(update={"taps": "chanspy"})
        async with telephony(ours) as rig:
            await both_sides(lab, rig, voices, "19900000902")


@pytest.mark.quiet
async def test_hold_is_silent_and_a_stopped_server_is_tapped_again(lab, voices):
    async with telephony(by_websocket(settings_for(lab.addresses))) as rig:
        caller = CallerScript(to="support", number="19900000903", audio=voices["caller"])
        steps = (Step(0.8, Hold()), Step(1.6, Unhold()))
        agent = AgentScript(ring_s=0.2, audio=voices["agent"], steps=steps)
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {"1001": agent}) as call:
            await rig.until(lambda: len(rig.of(LegOpened)) == 2)
            (resumed,) = await rig.until(lambda: rig.of(CallResumed))
            await rig.until(lambda: rig.of(AudioFrame)[-1].at > resumed.at + 0.5)
            stopped_at = rig.clock.time()
            await rig.stop("server")
            await rig.until(lambda: len(rig.of(LegClosed)) == 2)
            rig.start("server", rig.server.run())
            again = await rig.until(lambda: len(rig.of(LegOpened)) == 4 and rig.of(LegOpened)[2:])
            await rig.until(lambda: all(rig.of(AudioFrame, leg_id=leg.leg_id) for leg in again))
            await rig.clock.sleep(0.5)
            call.caller.hang_up()
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        closed = await rig.until(lambda: len(rig.of(LegClosed)) == 4 and rig.of(LegClosed))
        assert [leg.reason for leg in closed[:2]] == ["media_server_stopped"] * 2
        assert [leg.samples > 0 for leg in closed[2:]] == [True, True]
        opened = next(leg for leg in rig.of(LegOpened, role="agent"))
        assert not rig.heard_on_hold(opened).any()
        assert record.complete
        parties = (call.caller, call.answering)
        before = max(p.media.largest_gap(truth.answered_at, stopped_at) for p in parties)
        after = max(p.media.largest_gap(stopped_at, truth.ended_at) for p in parties)
        assert after < max(ALLOWED_GAP_S, before + NOISE_S)


@pytest.mark.parametrize("transport", [lambda settings: settings, by_websocket])
async def test_wideband_caller_is_heard_in_wideband(lab, tmp_path, transport):
    whistle = tmp_path / "whistle.wav"
    with wave.open(str(whistle), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(tone(5_500, 3.0, rate=16_000).tobytes())  # more than 8 kHz can hold
    async with telephony(transport(settings_for(lab.addresses))) as rig:
        caller = CallerScript(
            to="support", number="19900000904", audio=whistle, hang_up_after_s=2.0, wide=True
        )
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1001": AgentScript(ring_s=0.2)}) as call,
        ):
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        closed = await rig.until(lambda: len(rig.of(LegClosed)) == 2 and rig.of(LegClosed))
        assert record.complete
        assert all(leg.complete for leg in closed)
        assert {leg.rate for leg in rig.of(LegOpened)} == {16_000}
        (opened,) = rig.of(LegOpened, role="customer")
        pcm = np.frombuffer(rig.audio(opened.leg_id), np.int16)
        assert pitch_of(pcm, 16_000) == pytest.approx(5_500, abs=5)
