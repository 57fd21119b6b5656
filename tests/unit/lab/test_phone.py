"""Two phones talking to each other over real sockets, without a PBX between them."""

import asyncio
import contextlib
import socket

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patience import PATIENCE_S

from tingzhen.lab.scripts import (
    AgentScript,
    CallerScript,
    Hold,
    Press,
    Step,
    act_as_agent,
    act_as_caller,
)
from tingzhen.lab.sip.media import tone
from tingzhen.lab.sip.phone import Phone, RegistrationError
from tingzhen.lab.sip.udp import UdpSocket


@contextlib.asynccontextmanager
async def two_phones(script=None):
    """Yield a calling phone, the called one, and the legs that reached the latter."""
    legs = []
    tasks = []
    connected = asyncio.Event()

    def rings(leg):
        legs.append(leg)
        if script is not None:
            tasks.append(asyncio.create_task(act_as_agent(leg, script, connected.set)))

    # Neither knows the other's port before both exist.
    callee = Phone(("127.0.0.1", 9), rings)
    caller = Phone(("127.0.0.1", callee.port))
    callee.server = ("127.0.0.1", caller.port)
    try:
        yield caller, legs, connected
        await asyncio.gather(*tasks)
    finally:
        caller.close()
        callee.close()


async def ended(*legs):
    async with asyncio.timeout(PATIENCE_S):
        for leg in legs:
            await leg.ended.wait()


async def test_a_call_rings_is_answered_and_hung_up_and_both_agree_on_the_order():
    async with two_phones(AgentScript(ring_s=0.3)) as (phone, legs, connected):
        leg = phone.call("100", "1001")
        await act_as_caller(leg, CallerScript(to="1001", hang_up_after_s=0.4), connected)
        await ended(leg, *legs)
        mine, theirs = leg.record(), legs[0].record()
    assert theirs.answer - theirs.ring > 0.29  # clocks are no finer
    assert theirs.answer <= mine.answer < mine.end <= theirs.end
    assert mine.end - mine.answer > 0.39
    assert (mine.ended_by, theirs.ended_by) == ("local", "remote")
    assert (mine.cause, theirs.cause) == ("bye", "bye")


async def test_what_one_plays_the_other_hears_whole():
    played = tone(700, 0.5)
    async with two_phones(AgentScript(ring_s=0)) as (phone, legs, _):
        leg = phone.call("100", "1001")
        async with asyncio.timeout(PATIENCE_S):
            await leg.answered.wait()
            leg.media.play(played)
            await leg.media.played.wait()
            await legs[0].media.heard_beyond(leg.media.sent_packets)
        leg.hang_up()
        await ended(leg, *legs)
        heard = legs[0].media.heard_samples()
    loud = np.flatnonzero(np.abs(heard) > 100)
    piece = heard[loud[0] : loud[-1] + 1]
    assert abs(len(piece) - len(played)) <= 8
    spectrum = np.abs(np.fft.rfft(piece))
    assert np.argmax(spectrum) * 8_000 / len(piece) == pytest.approx(700, abs=3)


async def test_a_caller_who_gives_up_takes_the_call_back():
    async with two_phones(AgentScript(answer=False)) as (phone, legs, _):
        leg = phone.call("100", "1001")
        async with asyncio.timeout(PATIENCE_S):
            await leg.ringing.wait()
        leg.hang_up()
        await ended(leg, *legs)
        assert legs[0].record().cause == "cancelled"
        assert leg.record().cause == "cancelled"
        assert leg.record().answer is None


async def test_a_busy_agent_refuses():
    async with two_phones(AgentScript(ring_s=0, reject=486)) as (phone, legs, _):
        leg = phone.call("100", "1001")
        await ended(leg)
        assert leg.record().cause == "refused 486"
        assert legs[0].record().ended_by == "local"


async def test_a_phone_nobody_answers_for_refuses_at_once():
    callee = Phone(("127.0.0.1", 9))
    caller = Phone(("127.0.0.1", callee.port))
    callee.server = ("127.0.0.1", caller.port)
    try:
        leg = caller.call("100", "1001")
        await ended(leg)
        assert leg.record().cause == "refused 480"
    finally:
        caller.close()
        callee.close()


async def test_on_hold_no_audio_is_sent():
    script = AgentScript(ring_s=0, steps=(Step(0.1, Hold()),))
    async with two_phones(script) as (phone, legs, _):
        leg = phone.call("100", "1001")
        async with asyncio.timeout(PATIENCE_S):
            await leg.answered.wait()
            await legs[0].holding.wait()
        before = legs[0].media.sent_packets
        await asyncio.sleep(0.1)  # five packets' time, in which none may leave
        assert legs[0].media.sent_packets == before
        leg.hang_up()
        await ended(leg, *legs)


async def test_keys_are_sent_as_telephone_events():
    events = []
    let_go = asyncio.Event()

    def received(data, _sender, _arrival):
        if data[1] & 0x7F == 101:
            events.append(data)
            if data[13] & 0x80:
                let_go.set()

    async with two_phones(AgentScript(ring_s=0)) as (phone, legs, _):
        listener = UdpSocket(received, "127.0.0.1")
        leg = phone.call("100", "1001")
        async with asyncio.timeout(PATIENCE_S):
            await leg.answered.wait()
            remote = leg.media.remote
            leg.media.connect(type(remote)("127.0.0.1", listener.port, 8, 101), sending=True)
            leg.media.press("5")
            await let_go.wait()
        assert {data[12] for data in events} == {5}
        assert len({data[4:8] for data in events}) == 1  # one press, one timestamp
        listener.close()
        leg.hang_up()
        await ended(leg, *legs)


def test_an_unknown_key_is_refused_before_anything_is_sent():
    with pytest.raises(ValueError, match="no such key"):
        asyncio.run(press_unknown())


async def press_unknown():
    phone = Phone(("127.0.0.1", 9))
    try:
        phone.call("100", "1").media.press("1x")
    finally:
        phone.close()


async def test_a_refused_registration_is_an_error():
    callee = Phone(("127.0.0.1", 9))
    caller = Phone(("127.0.0.1", callee.port))
    callee.server = ("127.0.0.1", caller.port)
    try:
        with pytest.raises(RegistrationError, match="1001"):
            await caller.register("1001")
    finally:
        caller.close()
        callee.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=10))
def test_no_datagrams_keep_a_phone_from_its_next_call(datagrams):
    async def scenario():
        async with two_phones(AgentScript(ring_s=0)) as (phone, legs, _):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for data in datagrams:
                    stranger.sendto(data, ("127.0.0.1", phone.port))
                    stranger.sendto(data, phone.server)
            leg = phone.call("100", "1001")
            async with asyncio.timeout(PATIENCE_S):
                await leg.answered.wait()
            leg.hang_up()
            await ended(leg, *legs)

    asyncio.run(scenario())


async def test_a_key_press_within_a_script():
    script = AgentScript(ring_s=0, steps=(Step(0.05, Press("1")),), hang_up_after_s=0.5)
    async with two_phones(script) as (phone, legs, _):
        leg = phone.call("100", "1001")
        await ended(leg)
        assert legs[0].media.keys_sent == 1
