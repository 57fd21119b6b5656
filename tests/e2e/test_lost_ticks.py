"""A real Asterisk without time for its ticks: what it loses moves nothing that is said later."""

from __future__ import annotations

import asyncio
import wave

import numpy as np
import pytest
from e2e.telephony_rig import settings_for, telephony

from backbone.media import AudioFrame, LegClosed, LegOpened
from telephony.legs.sample_clock import CERTAIN_S, WAITING_S
from tingzhen.lab.scenario import Lab
from tingzhen.lab.scripts import AgentScript, CallerScript

pytestmark = pytest.mark.lab

RATE = 8_000
STEP_S = 1.0
PITCHES = [600 + 150 * step for step in range(12)]
STOPPED_S, GOING_S = 0.06, 0.06
FRAME = 160


def stairs(path):
    """A second of each pitch, so that each second of the caller's audio is known by its sound."""
    t = np.arange(round(STEP_S * RATE)) / RATE
    pcm = np.concatenate([8_000 * np.sin(2 * np.pi * pitch * t) for pitch in PITCHES])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm.astype("<i2").tobytes())
    return path


def middles(frames):
    """Where each step's middle is heard on the leg, in seconds."""
    heard = {}
    for frame in frames:
        pcm = np.frombuffer(frame.pcm, "<i2").astype(float)
        for at in range(0, len(pcm) - FRAME + 1, FRAME):
            spectrum = np.abs(np.fft.rfft(pcm[at : at + FRAME], RATE))
            pitch = int(np.argmax(spectrum))
            step = round((pitch - PITCHES[0]) / 150)
            if spectrum[pitch] > 100_000 and 0 <= step < len(PITCHES):
                heard.setdefault(step, []).append((frame.sample + at) / RATE)
    return {step: float(np.median(at)) for step, at in heard.items() if len(at) >= 10}


async def test_speech_after_lost_audio_is_told_at_its_own_time(tmp_path):
    caller = CallerScript(
        to="support",
        number="19900000950",
        audio=await asyncio.to_thread(stairs, tmp_path / "a.wav"),
    )
    async with Lab.up() as lab, telephony(settings_for(lab.addresses)) as rig:
        async with lab.place(caller, {"1001": AgentScript(ring_s=0.2)}) as call:
            await rig.until(lambda: len(rig.of(LegOpened)) == 2)
            await rig.clock.sleep(1.5)
            until = rig.clock.time() + 5.0
            try:
                while rig.clock.time() < until:
                    lab.asterisk.freeze()
                    await rig.clock.sleep(STOPPED_S)
                    lab.asterisk.thaw()
                    await rig.clock.sleep(GOING_S)
            finally:
                lab.asterisk.thaw()
            await rig.clock.sleep(1.5)
            call.caller.hang_up()
            await lab.finished(call)
        await rig.until(lambda: len(rig.of(LegClosed)) == 2)
        (opened,) = rig.of(LegOpened, role="customer")
        (closed,) = rig.of(LegClosed, role="customer")
        frames = rig.of(AudioFrame, leg_id=opened.leg_id)
        heard = middles(frames)
        sent_s = sum(len(frame.pcm) for frame in frames) / 2 / RATE
    first, last = min(heard), max(heard)
    assert last - first >= 5
    assert closed.samples / RATE - sent_s > WAITING_S  # else Asterisk had time enough
    assert (closed.complete, closed.reason) == (False, "audio_missing")
    assert rig.counters.get("legs_behind") >= 1
    # Half a second may wait within Asterisk before either end; more comes late until it is certain.
    told_s = heard[last] - heard[first]
    assert told_s == pytest.approx((last - first) * STEP_S, abs=WAITING_S + CERTAIN_S + 0.3)
