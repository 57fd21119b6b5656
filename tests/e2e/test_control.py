"""Supervisors' actions on the real Asterisk: who hears whom, what Asterisk says, who may."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import wave

import numpy as np
import pytest
from e2e.telephony_rig import leg_of, settings_for, telephony
from patience import PATIENCE_S
from pydantic import SecretStr

from backbone.audit import AuditEntry
from telephony.control.service import Actor, Control, PbxRefusedError
from telephony.events import CallConnected, CallEnded, CallJoined
from telephony.settings import ControlSettings
from tingzhen.lab.scripts import AgentScript, CallerScript
from tingzhen.lab.sip.media import tone

pytestmark = pytest.mark.lab

LISTENING = ("system,call,agent,dialplan", "reporting")
CONTROL = ("system,call,agent,dialplan", "reporting,call,agent,originate")
LEAD = Actor("lead", "lead", "PJSIP/1010")
PITCH = {"agent": 500, "caller": 900, "supervisor": 1_300}
SETTLE_PACKETS, HEARD_PACKETS = 20, 40


@pytest.fixture
def voices(tmp_path):
    paths = {}
    for name, frequency in PITCH.items():
        paths[name] = tmp_path / f"{name}.wav"
        with wave.open(str(paths[name]), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8_000)
            out.writeframes(tone(frequency, 40.0, 4_000).tobytes())
    return paths


@contextlib.asynccontextmanager
async def ami_user(lab, rights):
    """A manager user with exactly these rights; yields the settings of a link that uses it."""
    name, secret = f"u{secrets.token_hex(4)}", secrets.token_hex(8)
    path = lab.asterisk.folder / "etc" / "manager.conf"
    before = path.read_text("utf-8")
    read, write = rights
    path.write_text(
        f"{before}\n[{name}]\nsecret = {secret}\nread = {read}\nwrite = {write}\n", "utf-8"
    )
    await lab.asterisk.console("manager reload")
    try:
        settings = settings_for(lab.addresses)
        yield settings.model_copy(update={"username": name, "secret": SecretStr(secret)})
    finally:
        path.write_text(before, "utf-8")
        await lab.asterisk.console("manager reload")


@contextlib.asynccontextmanager
async def supervised(lab, rights=CONTROL):
    async with ami_user(lab, rights) as settings, telephony(settings) as rig:
        control = Control(rig.bus, rig.clock, rig.counters)
        control.attach(
            rig.link,
            ControlSettings(transfer_context="hotline", callback_context="hotline", ring_s=10),
        )
        written = rig.bus.subscribe("audit", AuditEntry, maxsize=100)
        yield rig, control, written


async def hears(leg):
    """Which of the voices a party hears from now on."""
    media = leg.media
    await media.heard_beyond(media.heard_packets + SETTLE_PACKETS)
    since = media.heard[-1].at
    await media.heard_beyond(media.heard_packets + HEARD_PACKETS)
    pcm = media.heard_samples(since).astype(float)
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)))) / len(pcm)
    frequencies = np.fft.rfftfreq(len(pcm), 1 / 8_000)
    return {
        name
        for name, pitch in PITCH.items()
        if spectrum[np.abs(frequencies - pitch) < 20].max() > 100
    }


def supervisor_leg(lab):
    return leg_of(lab, "1010")


async def test_listen_whisper_barge_and_lay_down(lab, voices):
    await lab.register("1010")
    lab.idle_script("1010", AgentScript(ring_s=0.1, audio=voices["supervisor"]))
    async with supervised(lab) as (rig, control, written):
        caller = CallerScript(to="support", number="19900000401", audio=voices["caller"])
        agent = AgentScript(ring_s=0.2, audio=voices["agent"])
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {"1001": agent}) as call:
            (connected,) = await rig.until(lambda: rig.of(CallConnected))
            talk = call.answering, call.caller
            session, said = await control.spy(LEAD, connected.call_id, "listen")
            assert said == "Originate successfully queued; answered"
            leg = supervisor_leg(lab)

            async def who_hears_what():
                return await asyncio.gather(*(hears(party) for party in (*talk, leg)))

            assert await who_hears_what() == [{"caller"}, {"agent"}, {"agent", "caller"}]
            await control.spy(LEAD, connected.call_id, "whisper")
            assert await who_hears_what() == [
                {"caller", "supervisor"},
                {"agent"},
                {"agent", "caller"},
            ]
            await control.spy(LEAD, connected.call_id, "barge")
            assert await who_hears_what() == [
                {"caller", "supervisor"},
                {"agent", "supervisor"},
                {"agent", "caller"},
            ]
            await control.spy(LEAD, connected.call_id, "listen")
            assert await who_hears_what() == [{"caller"}, {"agent"}, {"agent", "caller"}]
            assert supervisor_leg(lab) is leg  # one call all the while
            assert await control.stop_spying(LEAD, connected.call_id)
            await leg.ended.wait()
            call.caller.hang_up()
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        assert record.complete
        assert [event.record.uniqueid for event in rig.of(CallEnded)] == [truth.uniqueid]
        assert len(rig.of(CallJoined)) == 1  # the supervisor's channel is nobody's call
        modes = [(await anext(aiter(written))).event for _ in range(5)]
        assert [(entry.action, entry.done) for entry in modes] == [
            ("listen", True),
            ("whisper", True),
            ("barge", True),
            ("listen", True),
            ("stop_listening", True),
        ]
        assert session.mode == "listen"


async def test_supervisor_begins_with_whispering_and_falls_out_with_the_call(lab, voices):
    await lab.register("1010")
    lab.idle_script("1010", AgentScript(ring_s=0.1, audio=voices["supervisor"]))
    async with supervised(lab) as (rig, control, _):
        caller = CallerScript(to="support", number="19900000402", audio=voices["caller"])
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1001": AgentScript(ring_s=0.2)}) as call,
        ):
            (connected,) = await rig.until(lambda: rig.of(CallConnected))
            await control.spy(LEAD, connected.call_id, "whisper")
            leg = supervisor_leg(lab)
            heard = await asyncio.gather(hears(call.answering), hears(call.caller))
            assert heard == [{"caller", "supervisor"}, set()]
            call.caller.hang_up()
            await leg.ended.wait()
            await lab.finished(call)


async def test_hang_up_and_transfer(lab):
    await lab.register("1008")
    lab.idle_script("1008", AgentScript(ring_s=0.1, hang_up_after_s=0.5))
    async with supervised(lab) as (rig, control, _):
        for number, (deed, outcome) in enumerate(
            {
                "hangup": ("system", 0),
                "transfer": ("transfer", 1),
            }.items()
        ):
            rig.events.clear()
            caller = CallerScript(to="support", number=f"1990000041{number}")
            async with (
                asyncio.timeout(PATIENCE_S),
                lab.place(caller, {"1001": AgentScript(ring_s=0.2)}) as call,
            ):
                (connected,) = await rig.until(lambda: rig.of(CallConnected))
                if deed == "hangup":
                    said = await control.hangup(LEAD, connected.call_id)
                else:
                    said = await control.transfer(LEAD, connected.call_id, "1008")
                assert said
                truth = await lab.finished(call)
            record = await rig.record(truth.uniqueid)
            assert (record.hangup_by, record.transfers) == outcome
            assert record.complete


async def test_agents_log_in_pause_and_log_out(lab):
    await lab.register("1005")

    async def member():
        entries = await lab.manager.entries("QueueStatus", Queue="report")
        found = [e for e in entries if e.get("Location") == "PJSIP/1005"]
        return found[0] if found else None

    async with supervised(lab) as (_, control, written):
        said = await control.queue_login(LEAD, "lab", "PJSIP/1005", "report", name="李护士")
        assert said == "Added interface to queue"
        assert (await member())["Name"] == "李护士"
        with pytest.raises(PbxRefusedError, match="Already there"):
            await control.queue_login(LEAD, "lab", "PJSIP/1005", "report")
        await control.pause(LEAD, "lab", "PJSIP/1005", "午餐")
        paused = await member()
        assert (paused["Paused"], paused["PausedReason"]) == ("1", "午餐")
        await control.unpause(LEAD, "lab", "PJSIP/1005")
        assert (await member())["Paused"] == "0"
        await control.queue_logout(LEAD, "lab", "PJSIP/1005", "report")
        assert await member() is None
        with pytest.raises(PbxRefusedError, match="not found"):
            await control.pause(LEAD, "lab", "PJSIP/1005", "午餐")
        entries = [(await anext(aiter(written))).event for _ in range(6)]
        assert [entry.done for entry in entries] == [True, False, True, True, True, False]


async def test_calling_back(lab):
    await lab.register("1006")
    await lab.register("1007")
    lab.idle_script("1006", AgentScript(ring_s=0.1))
    lab.idle_script("1007", AgentScript(ring_s=0.1, hang_up_after_s=0.3))
    async with supervised(lab) as (_, control, __):
        said = await control.callback(LEAD, "lab", "PJSIP/1006", "1007")
        assert said == "Originate successfully queued; answered"
        async with asyncio.timeout(PATIENCE_S):
            for leg in lab.phone.legs:
                await leg.ended.wait()
        lab.idle_script("1006", AgentScript(ring_s=0.1, reject=486))
        with pytest.raises(PbxRefusedError, match="Failure"):
            await control.callback(LEAD, "lab", "PJSIP/1006", "1007")


async def test_rights_to_listen_are_enough_to_see_and_too_few_to_act(lab):
    async with supervised(lab, LISTENING) as (rig, control, written):
        caller = CallerScript(to="support", number="19900000420")
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1001": AgentScript(ring_s=0.2)}) as call,
        ):
            (connected,) = await rig.until(lambda: rig.of(CallConnected))
            for deed in (
                control.hangup(LEAD, connected.call_id),
                control.spy(LEAD, connected.call_id, "listen"),
                control.pause(LEAD, "lab", "PJSIP/1001", "x"),
            ):
                with pytest.raises(PbxRefusedError, match="Permission denied"):
                    await deed
                assert not (await anext(aiter(written))).event.done
            call.caller.hang_up()
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        assert (record.outcome, record.complete) == ("answered", True)
        assert record.hangup_by == "customer"
