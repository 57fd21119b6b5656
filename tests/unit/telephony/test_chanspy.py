"""ChanSpy taps: what is asked of the PBX, and time where a party sends nothing."""

from __future__ import annotations

import pytest

from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from telephony.ami.client import AmiLostError, AmiReply
from telephony.ami.parser import AmiMessage
from telephony.audiosocket.server import AudioSocketServer
from telephony.legs.frames import Audio
from telephony.legs.leg import Leg
from telephony.link import Talk
from telephony.settings import AudioSocketSettings, PbxSettings
from telephony.taps.ways import ChanSpyWay

RATE = 8_000


def leg(role="customer", **more):
    return Leg(leg_id="l1", call_id="c1", role=role, answered_here=100.0, **more)


class Pbx:
    def __init__(self, native="(alaw)", refuse=""):
        self.native = native
        self.refuse = refuse
        self.leg = None
        self.asked = {}

    def talk(self, call_id):
        return Talk("1.1", "PJSIP/1001", "1.2") if call_id == "c1" else None

    async def send_action(self, name, **fields):
        self.asked[name] = fields
        if name == "Getvar":
            return AmiReply(AmiMessage([("Response", "Success"), ("Value", self.native)]))
        if self.refuse == "lost":
            raise AmiLostError("not connected")
        if self.refuse:
            return AmiReply(AmiMessage([("Response", "Error"), ("Message", self.refuse)]))
        self.leg.opened.set()
        return AmiReply(AmiMessage([("Response", "Success")]))


async def asked(pbx, wanted, call_id="c1"):
    clock = ManualClock(100.0)
    settings = AudioSocketSettings(host="10.0.0.9", port=9092)
    server = AudioSocketServer(settings, Bus(Counters()), clock, Counters())
    pbx.leg = wanted
    way = ChanSpyWay(PbxSettings(), pbx, server)
    return await way.ask(call_id, "1.1", wanted), way


@pytest.mark.parametrize(
    ("role", "native", "channel", "data"),
    [
        ("customer", "(alaw)", "AudioSocket/10.0.0.9:9092/l1/c(slin)", "1.1,uqoES"),
        ("agent", "(alaw)", "AudioSocket/10.0.0.9:9092/l1/c(slin)", "1.2,uqoES"),
        ("agent", "(g722)", "AudioSocket/10.0.0.9:9092/l1/c(slin16)", "1.2,uqoES"),
    ],
)
async def test_each_party_is_spied_on_by_itself_at_its_own_bandwidth(role, native, channel, data):
    pbx = Pbx(native)
    why, _ = await asked(pbx, leg(role))
    assert why == ""
    originate = pbx.asked["Originate"]
    assert (originate["Channel"], originate["Data"]) == (channel, data)
    assert originate["Variable"] == "CDR_PROP(disable)=1"


async def test_call_that_is_over_has_nothing_to_tap():
    assert (await asked(Pbx(), leg(), "other"))[0] == "gone"


@pytest.mark.parametrize("refuse", ["Permission denied", "lost"])
async def test_what_is_refused_is_told(refuse):
    why, way = await asked(Pbx(refuse=refuse), leg())
    assert why == "error"
    assert way.detail


# Silence that was never sent


@pytest.mark.parametrize(("by_arrival", "silence"), [(True, 8_000 * 3 // 10), (False, 0)])
def test_leg_that_is_timed_by_arrival_is_filled_sooner(by_arrival, silence):
    made = leg(by_arrival=by_arrival)
    made.open(Audio(RATE, bytes(320)), 100.5, 7.02)
    made.clock.take(bytes(320), 7.02)
    timed = [made.clock.take(bytes(320), 7.34 + 0.02 * at) for at in range(20)]
    assert sum(piece.silence for piece in timed) == pytest.approx(silence, abs=1)


# The setting


@pytest.mark.parametrize(
    ("given", "means"),
    [(True, "ari"), (False, "off"), ("ari", "ari"), ("chanspy", "chanspy"), ("off", "off")],
)
def test_the_former_switch_still_works(given, means):
    assert PbxSettings(taps=given).taps == means
