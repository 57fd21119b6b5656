"""Our telephony on the real Asterisk: fates, times, both sides' audio, and everything cut."""

from __future__ import annotations

import asyncio
import contextlib
import wave

import numpy as np
import pytest
from e2e.telephony_rig import Proxy, channels_gone, settings_for, tapped, telephony
from e2e.test_cuts import ALLOWED_GAP_S, NOISE_S
from patience import PATIENCE_S

from backbone.counters import Counters
from backbone.media import AudioFrame, LegClosed, LegOpened
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal
from telephony import storage
from telephony.events import (
    CallConnected,
    CallEnded,
    CallHeld,
    CallResumed,
    CallTransferred,
    PbxHealth,
    RingEnded,
)
from tingzhen.lab.scenario import Lab
from tingzhen.lab.scripts import (
    AgentScript,
    AttendedTransfer,
    BlindTransfer,
    CallerScript,
    Step,
)
from tingzhen.lab.sip.media import tone

pytestmark = [pytest.mark.lab, pytest.mark.quiet]

AGREEMENT_S = 0.050
LOAD_S = 0.3
"""Audio that a busy machine's Asterisk may be late with when the call ends."""


@pytest.fixture
def voices(tmp_path):
    """A low tone for the agent and a high one for the customer, 20 s each."""
    paths = {}
    for name, frequency in (("agent", 500), ("customer", 900)):
        paths[name] = tmp_path / f"{name}.wav"
        with wave.open(str(paths[name]), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8_000)
            out.writeframes(tone(frequency, 20.0).tobytes())
    return paths


def pitch(pcm):
    heard = np.frombuffer(pcm, np.int16).astype(float)
    spectrum = np.abs(np.fft.rfft(heard))
    return np.argmax(spectrum) * 8_000 / len(heard)


async def placed(lab, caller, agents):
    async with asyncio.timeout(PATIENCE_S), lab.place(caller, agents) as call:
        return await lab.finished(call)


def agrees(record, truth):
    assert record.uniqueid == truth.uniqueid
    assert record.agent == (truth.agent or "")
    for name in ("wait_s", "ring_s", "talk_s"):
        measured = getattr(truth, name)
        if measured is None:
            assert getattr(record, name) is None
        else:
            assert getattr(record, name) == pytest.approx(measured, abs=AGREEMENT_S), name


async def test_call_agrees_with_its_parties_and_both_sides_are_heard_without_a_gap(lab, voices):
    async with telephony(settings_for(lab.addresses)) as rig:
        truth = await lab.call(
            "support",
            ring_s=0.5,
            talk_s=3.5,
            agent_wav=voices["agent"],
            customer_wav=voices["customer"],
            number="19900000201",
        )
        record = await rig.record(truth.uniqueid)
        await rig.until(lambda: len(rig.of(LegClosed)) == 2)
        agrees(record, truth)
        assert (record.outcome, record.hangup_by, record.hangup_cause) == (
            "answered",
            "customer",
            16,
        )
        assert record.complete
        assert not record.arrival_times
        for role, frequency in (("agent", 500), ("customer", 900)):
            (opened,) = rig.of(LegOpened, role=role)
            (closed,) = rig.of(LegClosed, role=role)
            assert opened.call_id == record.call_id
            assert (closed.complete, closed.reason) == (True, "")
            assert -0.05 < opened.offset_s < 0.3
            pcm = rig.audio(opened.leg_id)
            assert closed.samples == len(pcm) // 2
            heard_s = closed.samples / 8_000
            assert opened.offset_s + heard_s == pytest.approx(truth.talk_s, abs=LOAD_S)
            assert pitch(pcm[8_000:24_000]) == pytest.approx(frequency, abs=5)
            loud = np.abs(np.frombuffer(pcm, np.int16)) > 1_000
            quietest = max(
                len(run) for run in "".join("x" if s else "." for s in loud[1600:]).split("x")
            )
            assert quietest < 800  # no hole of a tenth of a second within the tone
        await channels_gone(lab, "Snoop/", "AudioSocket/")
        assert rig.counters.get("audiosocket_refused", reason="unexpected") == 0


def began(rig):
    return rig.of(LegOpened)[0].at


async def test_agents_hanging_up(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        truth = await lab.call(
            "report", ring_s=0.5, talk_s=1.0, hangup_by="agent", number="19900000202"
        )
        record = await rig.record(truth.uniqueid)
        agrees(record, truth)
        assert (record.outcome, record.hangup_by) == ("answered", "agent")
        assert record.complete


async def test_caller_gives_up(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        truth = await placed(
            lab,
            CallerScript(to="insurance", number="19900000203", give_up_after_s=1.5),
            {"1002": AgentScript(ring_s=10)},
        )
        record = await rig.record(truth.uniqueid)
        agrees(record, truth)
        assert (record.outcome, record.hangup_by) == ("abandoned", "customer")
        assert record.unanswered == ()
        assert record.complete


async def test_queue_gives_up(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        truth = await placed(
            lab,
            CallerScript(to="followup-1", number="19900000204"),
            {"1003": AgentScript(answer=False)},
        )
        record = await rig.record(truth.uniqueid)
        assert record.outcome == "timeout"
        assert record.wait_s == pytest.approx(truth.wait_s, abs=AGREEMENT_S)
        assert record.complete


async def test_refusing_agent_is_passed_over(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        truth = await placed(
            lab,
            CallerScript(to="ordered", number="19900000205", hang_up_after_s=0.5),
            {"1004": AgentScript(ring_s=0.2, reject=486), "1005": AgentScript(ring_s=0.4)},
        )
        record = await rig.record(truth.uniqueid)
        agrees(record, truth)
        assert record.unanswered == ("PJSIP/1004",)


async def test_all_ring_and_the_loser_is_not_blamed(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        truth = await placed(
            lab,
            CallerScript(to="supportall", number="19900000206", hang_up_after_s=0.5),
            {"1004": AgentScript(ring_s=5), "1005": AgentScript(ring_s=0.8)},
        )
        record = await rig.record(truth.uniqueid)
        agrees(record, truth)
        assert record.unanswered == ()
        results = {e.agent: e.result for e in rig.of(RingEnded, call_id=record.call_id)}
        assert results == {"PJSIP/1004": "cancelled", "PJSIP/1005": "answered"}


async def test_hold_silences_the_agents_leg_and_counts_on(lab, voices):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="complaint", number="19900000207", audio=voices["customer"])
        agent = AgentScript(ring_s=0.3, audio=voices["agent"])
        async with asyncio.timeout(PATIENCE_S), lab.place(caller, {"1006": agent}) as call:
            await rig.until(lambda: len(rig.of(LegOpened)) == 2)
            held_at = rig.clock.time()
            call.answering.hold()
            await rig.clock.sleep(1.2)  # so long it is silent
            resumed_at = rig.clock.time()
            call.answering.unhold()
            (resumed,) = await rig.until(lambda: rig.of(CallResumed))
            await rig.until(lambda: rig.of(AudioFrame)[-1].at > resumed.at + 1.0)
            call.answering.hang_up()
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        await rig.until(lambda: len(rig.of(LegClosed)) == 2)
        agrees(record, truth)
        assert record.hold_s == pytest.approx(resumed_at - held_at, abs=AGREEMENT_S)
        assert (len(rig.of(CallHeld)), len(rig.of(CallResumed))) == (1, 1)
        (opened,) = rig.of(LegOpened, role="agent")
        (closed,) = rig.of(LegClosed, role="agent")
        assert (closed.complete, closed.reason) == (True, "")
        assert not rig.heard_on_hold(opened).any()
        again = rig.heard_between(opened, resumed.at + 0.2, resumed.at + 0.7)
        assert np.abs(again).max() > 1_000


@pytest.mark.parametrize(
    ("transfer", "kind"),
    [(BlindTransfer("1008"), "blind"), (AttendedTransfer("1008", 0.6), "attended")],
)
async def test_transfer_ends_the_agents_part_and_cuts_the_legs(lab, transfer, kind):
    await lab.register("1008")
    lab.idle_script("1008", AgentScript(ring_s=0.2, hang_up_after_s=2.0))
    async with telephony(settings_for(lab.addresses)) as rig:
        truth = await placed(
            lab,
            CallerScript(to="enquiry", number="19900000208"),
            {"1007": AgentScript(ring_s=0.3, steps=(Step(1.0, transfer),))},
        )
        record = await rig.record(truth.uniqueid)
        await rig.until(lambda: len(rig.of(LegClosed)) == 2)
        assert (record.outcome, record.agent, record.hangup_by) == (
            "answered",
            "PJSIP/1007",
            "transfer",
        )
        assert record.transfers == 1
        (transferred,) = rig.of(CallTransferred)
        assert (transferred.kind, transferred.to) == (kind, "1008")
        assert record.complete
        for closed in rig.of(LegClosed):
            (opened,) = rig.of(LegOpened, leg_id=closed.leg_id)
            assert closed.complete
            heard_s = opened.offset_s + closed.samples / 8_000
            assert heard_s == pytest.approx(record.talk_s, abs=LOAD_S)


async def test_manager_connection_cut_in_a_call(lab):
    async with (
        Proxy(lab.addresses.ami_host, lab.addresses.ami_port) as proxy,
        telephony(settings_for(lab.addresses, ami_port=proxy.port)) as rig,
    ):
        caller = CallerScript(to="support", number="19900000209")
        async with tapped(lab, rig, caller, ring_s=0.3) as call:
            await proxy.cut()
            await rig.until(lambda: rig.of(PbxHealth, state="lost"))
            await proxy.open()
            await rig.back()
            call.caller.hang_up()
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        await rig.until(lambda: len(rig.of(LegClosed)) == 2)
        agrees(record, truth)  # the call's beginning and end were both seen
        assert not record.complete
        assert record.incomplete_reason == "ami_gap"
        assert record.hangup_by == "customer"
        assert {e.call_id for e in rig.of(CallConnected)} == {record.call_id}
        assert all(closed.complete for closed in rig.of(LegClosed))


async def test_manager_connection_goes_silent_and_the_call_ends_meanwhile(lab):
    async with (
        Proxy(lab.addresses.ami_host, lab.addresses.ami_port) as proxy,
        telephony(settings_for(lab.addresses, ami_port=proxy.port)) as rig,
    ):
        caller = CallerScript(to="support", number="19900000210")
        async with tapped(lab, rig, caller, ring_s=0.3) as call:
            proxy.freeze()
            call.caller.hang_up()
            truth = await lab.finished(call)
            lost = await rig.until(lambda: rig.of(PbxHealth, state="lost"))
            assert "silent" in lost[0].detail  # nobody has told of the cut yet
            await proxy.cut()
            proxy.thaw()
            await proxy.open()
        record = await rig.record(truth.uniqueid)
        assert record.outcome == "answered"
        assert record.agent == "PJSIP/1001"
        assert record.talk_s is None
        assert record.incomplete_reason == "ami_gap"
        assert len(rig.of(CallEnded)) == 1


async def test_media_server_stopped_in_a_call_and_started_again(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        caller = CallerScript(to="support", number="19900000211")
        async with (
            asyncio.timeout(PATIENCE_S),
            lab.place(caller, {"1001": AgentScript(ring_s=0.3)}) as call,
        ):
            await rig.until(lambda: rig.of(AudioFrame) and rig.events[-1].at > began(rig) + 1.0)
            stopped_at = rig.clock.time()
            await rig.stop("server")
            lost = await rig.until(lambda: len(rig.of(LegClosed)) == 2 and rig.of(LegClosed))
            assert {(e.complete, e.reason) for e in lost} == {(False, "media_server_stopped")}
            rig.start("server", rig.server.run())
            await rig.until(lambda: len(rig.of(LegOpened)) == 4)
            call.caller.hang_up()
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        agrees(record, truth)
        assert record.complete  # the call itself was not touched
        gap = call.caller.media.largest_gap
        before = gap(truth.answered_at, stopped_at)
        assert gap(stopped_at, truth.ended_at) < max(ALLOWED_GAP_S, before + NOISE_S)
        again = await rig.until(lambda: len(rig.of(LegClosed)) == 4 and rig.of(LegClosed)[2:])
        assert {e.role for e in again} == {"agent", "customer"}
        assert {(e.complete, e.reason) for e in again} == {(False, "tap_late")}
        assert len({e.leg_id for e in rig.of(LegOpened)}) == 4


async def test_call_without_any_media_server_goes_on_and_is_marked(lab):
    async with telephony(settings_for(lab.addresses)) as rig:
        await rig.stop("server")
        truth = await lab.call("support", ring_s=0.3, talk_s=1.0, number="19900000212")
        record = await rig.record(truth.uniqueid)
        agrees(record, truth)
        assert record.complete
        failed = await rig.until(lambda: len(rig.of(LegClosed)) == 2 and rig.of(LegClosed))
        assert {(e.samples, e.complete, e.reason) for e in failed} == {(0, False, "tap_failed")}


async def test_program_restarted_in_a_call_takes_it_up(lab, tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "calls.db"))

    def journal():
        made = StoreJournal(engine, Counters(), storage.PROJECTIONS)
        made.start()
        return made

    settings = settings_for(lab.addresses)
    caller = CallerScript(to="support", number="19900000213")
    first = journal()
    async with asyncio.timeout(PATIENCE_S), contextlib.AsyncExitStack() as first_run:
        rig = await first_run.enter_async_context(telephony(settings, journal=first))
        async with lab.place(caller, {"1001": AgentScript(ring_s=0.3)}) as call:
            await rig.until(lambda: len(rig.of(LegOpened)) == 2)
            await first_run.aclose()
            await first.close()
            with engine.connect() as connection:
                waiting = storage.open_calls(connection)
            assert [call.agent for call in waiting] == ["PJSIP/1001"]
            second = journal()
            async with telephony(settings, restore=waiting, journal=second) as rig:
                await rig.until(lambda: len(rig.of(LegOpened)) == 2)  # tapped again
                call.caller.hang_up()
                truth = await lab.finished(call)
                record = await rig.record(truth.uniqueid)
                await rig.until(lambda: len(rig.of(LegClosed)) == 2)
            await second.close()
    agrees(record, truth)
    assert record.incomplete_reason == "ami_gap"
    with engine.connect() as connection:
        assert storage.open_calls(connection) == []
        (stored,) = storage.recent_calls(connection)
        assert storage.record_of(stored) == record
        assert len(storage.legs_of(connection, record.call_id)) == 4
        assert storage.open_legs(connection) == []
    engine.dispose()


async def test_asterisk_killed_in_a_call():
    async with Lab.up() as lab, telephony(settings_for(lab.addresses)) as rig:
        await lab.register("1001")
        lab.idle_script("1001", AgentScript(ring_s=0.3))
        await lab.manager.action("QueueAdd", Queue="support", Interface="PJSIP/1001")
        lab.phone.call("19900000214", "support")
        await rig.until(lambda: len(rig.of(LegOpened)) == 2)
        lab.asterisk.kill()
        await rig.until(lambda: rig.of(PbxHealth, state="lost"))
        await rig.clock.sleep(1.0)  # more than may be missing from a leg that counts as whole
        await lab.asterisk.launch()
        (ended,) = await rig.until(lambda: rig.of(CallEnded))
        assert ended.record.outcome == "answered"
        assert ended.record.agent == "PJSIP/1001"
        assert "pbx_restarted" in ended.record.incomplete_reason
        assert ended.record.talk_s is None
        closed = await rig.until(lambda: len(rig.of(LegClosed)) == 2 and rig.of(LegClosed))
        assert not any(leg.complete for leg in closed)
