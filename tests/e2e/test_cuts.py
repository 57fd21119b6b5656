"""Every part cut, killed or frozen in the middle of a call, in turn.

However it goes, the call is recorded once, what could not be seen is marked, and the parties hear
each other as before wherever the PBX itself lives.

The parties' largest gap without a packet is compared with that of a call left alone, in the same
run: phones, Asterisk and all other tests share this machine, whose own hiccups would otherwise be
taken for ours.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import pytest
from e2e.telephony_rig import Proxy, settings_for, tapped, telephony
from patience import PATIENCE_S

from backbone.media import LegClosed, LegOpened
from telephony.events import (
    CallConnected,
    CallEnded,
    CallHeld,
    CallJoined,
    CallResumed,
    PbxHealth,
    TapHealth,
)
from tingzhen.lab.addresses import unused_port
from tingzhen.lab.configuration import LabSettings
from tingzhen.lab.scenario import Lab
from tingzhen.lab.scripts import AgentScript, CallerScript

pytestmark = [pytest.mark.lab, pytest.mark.quiet]

ALLOWED_GAP_S = 0.1
NOISE_S = 0.1
"""How much worse than an undisturbed call's gap a gap may be on a machine that is shared."""


@dataclass
class Scene:
    """What a disturbance may take hold of."""

    lab: Lab
    rig: object
    ami: Proxy
    ari: Proxy


async def nothing(scene):
    await scene.rig.clock.sleep(1.0)


async def ami_cut(scene):
    await scene.ami.cut()
    await scene.rig.until(lambda: scene.rig.of(PbxHealth, state="lost"))
    await scene.ami.open()


async def ami_half_open(scene):
    scene.ami.freeze()
    await scene.rig.until(lambda: scene.rig.of(PbxHealth, state="lost"))
    await scene.ami.cut()
    scene.ami.thaw()
    await scene.ami.open()


async def ari_cut(scene):
    await scene.ari.cut()
    await scene.rig.until(lambda: not scene.rig.of(TapHealth)[-1].up)
    await scene.ari.open()


async def ari_half_open(scene):
    scene.ari.freeze()
    await scene.rig.until(lambda: not scene.rig.of(TapHealth)[-1].up)
    await scene.ari.cut()
    scene.ari.thaw()
    await scene.ari.open()


async def media_server_killed(scene):
    await scene.rig.stop("server")
    await scene.rig.until(lambda: len(scene.rig.of(LegClosed)) == 2)
    scene.rig.start("server", scene.rig.server.run())


async def tingzhen_stopped(scene):
    for name in ("taps", "link", "server"):
        await scene.rig.stop(name)


async def asterisk_frozen(scene):
    scene.lab.asterisk.freeze()
    try:
        await scene.rig.until(lambda: scene.rig.of(PbxHealth, state="lost"))
    finally:
        scene.lab.asterisk.thaw()


CUTS = {
    "nothing": (nothing, "", ()),
    "AMI cut": (ami_cut, "ami_gap", ()),
    "AMI half-open": (ami_half_open, "ami_gap", ()),
    "ARI cut": (ari_cut, "", ()),
    "ARI half-open": (ari_half_open, "", ()),
    "media server killed": (media_server_killed, "", ("media_server_stopped",)),
}
"""Disturbance, the record's reason, the reasons of legs that must be marked."""


def largest_gap(call, truth):
    return max(
        leg.media.largest_gap(truth.answered_at, truth.ended_at)
        for leg in (call.caller, call.answering)
    )


@contextlib.asynccontextmanager
async def staged(lab):
    to = lab.addresses
    http = int(to.ari_url.rpartition(":")[2].partition("/")[0])
    async with Proxy(to.ami_host, to.ami_port) as ami, Proxy("127.0.0.1", http) as ari:
        settings = settings_for(to, ami_port=ami.port)
        ours = settings.ari.model_copy(update={"url": f"http://127.0.0.1:{ari.port}/ari"})
        async with telephony(settings.model_copy(update={"ari": ours})) as rig:
            yield Scene(lab, rig, ami, ari)


async def disturbed(lab, number, disturb):
    async with staged(lab) as scene:
        rig = scene.rig
        caller = CallerScript(to="support", number=number)
        async with tapped(lab, rig, caller) as call:
            await disturb(scene)
            await rig.back()
            await rig.clock.sleep(0.5)
            call.caller.hang_up()
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        await rig.until(lambda: len(rig.of(LegClosed)) == len(rig.of(LegOpened)))
        assert len(rig.of(CallEnded)) == 1
        assert {e.call_id for e in rig.of(CallConnected)} == {record.call_id}
        assert record.talk_s == pytest.approx(truth.talk_s, abs=0.05)
        return record, rig.of(LegClosed), largest_gap(call, truth)


async def test_every_cut_leaves_the_call_alone_and_its_mark_behind(lab, record_property):
    gaps = {}
    for row, (name, (disturb, reason, lost)) in enumerate(CUTS.items()):
        record, legs, gap = await disturbed(lab, f"1990000080{row}", disturb)
        gaps[name] = round(gap, 3)
        assert (record.incomplete_reason, record.complete) == (reason, not reason), name
        assert record.hold_s == 0.0, name
        marked = {leg.reason for leg in legs if not leg.complete}
        assert set(lost) <= marked, name
        assert lost or not marked, name
    record_property("largest_gaps_s", gaps)
    print("largest gap without a packet, seconds:", gaps)  # noqa: T201 - the figure to report
    for name, gap in gaps.items():
        assert gap < max(ALLOWED_GAP_S, gaps["nothing"] + NOISE_S), name


async def test_hold_goes_on_over_a_cut_of_the_manager_connection(lab):
    async with staged(lab) as scene:
        rig = scene.rig
        async with tapped(lab, rig, CallerScript(to="support", number="19900000810")) as call:
            held_at = rig.clock.time()
            call.answering.hold()
            await rig.until(lambda: rig.of(CallHeld))
            await ami_cut(scene)
            await rig.back()
            resumed_at = rig.clock.time()
            call.answering.unhold()
            await rig.until(lambda: rig.of(CallResumed))
            call.caller.hang_up()
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        assert record.hold_s == pytest.approx(resumed_at - held_at, abs=0.05)
        assert record.incomplete_reason == "ami_gap"


async def test_media_server_frozen_in_a_call_and_thawed(record_property):
    port = unused_port()
    async with (
        Proxy("127.0.0.1", port) as media,
        Lab.up(LabSettings(audiosocket=("127.0.0.1", media.port))) as lab,
    ):
        settings = settings_for(lab.addresses)
        ours = settings.audiosocket.model_copy(update={"port": port})
        async with telephony(settings.model_copy(update={"audiosocket": ours})) as rig:
            caller = CallerScript(to="support", number="19900000813")
            async with tapped(lab, rig, caller) as call:
                await rig.clock.sleep(0.5)
                frozen_at = rig.clock.time()
                media.freeze()
                await rig.clock.sleep(2.0)
                thawed_at = rig.clock.time()
                media.thaw()
                await rig.clock.sleep(0.5)
                call.caller.hang_up()
                truth = await lab.finished(call)
            record = await rig.record(truth.uniqueid)
            legs = await rig.until(lambda: len(rig.of(LegClosed)) == 2 and rig.of(LegClosed))
        assert record.complete
        assert [leg.complete for leg in legs] == [True, True]  # it came late, and whole
        for leg in legs:
            assert leg.samples / 8_000 == pytest.approx(truth.talk_s, abs=0.3)
        parties = (call.caller, call.answering)
        before = max(p.media.largest_gap(truth.answered_at, frozen_at) for p in parties)
        frozen = max(p.media.largest_gap(frozen_at, thawed_at) for p in parties)
        record_property("largest_gaps_s", {"before": before, "frozen": frozen})
        assert frozen < max(ALLOWED_GAP_S, before + NOISE_S)


async def test_asterisk_frozen_in_a_call_and_thawed():
    async with Lab.up() as lab, staged(lab) as scene:
        rig = scene.rig
        caller = CallerScript(to="support", number="19900000811")
        async with tapped(lab, rig, caller) as call:
            await asterisk_frozen(scene)
            await rig.back()
            call.caller.hang_up()
            truth = await lab.finished(call)
        record = await rig.record(truth.uniqueid)
        assert len(rig.of(CallEnded)) == 1
        assert record.outcome == "answered"
        assert record.incomplete_reason == "ami_gap"


async def test_tingzhen_gone_in_a_call_disturbs_nobody(lab, record_property):
    async with staged(lab) as scene:
        rig = scene.rig
        caller = CallerScript(to="support", number="19900000812")
        async with tapped(lab, rig, caller) as call:
            await rig.clock.sleep(0.5)
            gone_at = rig.clock.time()
            await tingzhen_stopped(scene)
            await rig.clock.sleep(1.0)
            call.caller.hang_up()
            truth = await lab.finished(call)
        legs = (call.caller, call.answering)
        before = max(leg.media.largest_gap(truth.answered_at, gone_at) for leg in legs)
        after = max(leg.media.largest_gap(gone_at, truth.ended_at) for leg in legs)
        record_property("largest_gaps_s", {"before": before, "after": after})
        assert after < max(ALLOWED_GAP_S, before + NOISE_S)


async def test_messages_lost_in_a_flood_are_made_good_by_the_lists(lab):
    async with staged(lab) as scene:
        rig = scene.rig
        first = CallerScript(to="support", number="19900000814")
        second = CallerScript(to="report", number="19900000815")
        agents = {"1001": AgentScript(ring_s=0.2)}, {"1008": AgentScript(ring_s=0.2)}
        async with asyncio.timeout(PATIENCE_S), lab.place(first, agents[0]) as ending:
            await rig.until(lambda: rig.of(CallConnected))
            # Nobody reads for a while, and there is room for five messages.
            rig.link._connection._queue_size = 5
            async with rig.link._order, lab.place(second, agents[1]) as beginning:
                await beginning.connected.wait()
                ending.caller.hang_up()
                ended = await lab.finished(ending)
            await rig.until(lambda: len(rig.of(CallConnected)) == 2)
            rig.link._connection._queue_size = 10_000
            beginning.caller.hang_up()
            begun = await lab.finished(beginning)
        gone, found = await rig.record(ended.uniqueid), await rig.record(begun.uniqueid)
        assert rig.counters.get("ami_dropped", system="lab") > 0
        assert len(rig.of(CallEnded)) == 2
        assert (gone.outcome, gone.agent, gone.complete) == ("answered", "PJSIP/1001", False)
        assert "ami_dropped" in gone.incomplete_reason
        assert (found.outcome, found.agent) == ("answered", "PJSIP/1008")
        assert not found.complete
        assert len(rig.link.reducer.book) == 0


async def test_program_that_knows_nothing_finds_the_calls_in_progress(lab):
    talking = CallerScript(to="support", number="19900000816")
    waiting = CallerScript(to="insurance", number="19900000817")
    agents = {"1001": AgentScript(ring_s=0.2)}
    async with asyncio.timeout(PATIENCE_S), lab.place(talking, agents) as call:
        await call.connected.wait()
        async with lab.place(waiting, {}) as queued:
            await queued.named.wait()
            async with telephony(settings_for(lab.addresses)) as rig:
                await rig.until(lambda: len(rig.of(CallJoined)) == 2)
                await rig.until(lambda: len(rig.of(LegOpened)) == 2)
                queued.caller.hang_up()
                call.caller.hang_up()
                left, ended = await lab.finished(queued), await lab.finished(call)
                given_up = await rig.record(left.uniqueid)
                record = await rig.record(ended.uniqueid)
    assert (record.outcome, record.agent, record.hangup_by) == (
        "answered",
        "PJSIP/1001",
        "customer",
    )
    assert (given_up.queue, given_up.outcome) == ("insurance", "abandoned")
    assert given_up.wait_s == pytest.approx(left.wait_s, abs=1.05)  # Asterisk tells whole seconds
    for found in (record, given_up):
        assert found.incomplete_reason == "joined_before_connect"
