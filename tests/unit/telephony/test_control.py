"""What a supervisor may do, what goes to the PBX for it, and what is written down."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbone.audit import AuditEntry
from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from telephony.ami.client import AmiLostError, AmiReply
from telephony.ami.parser import AmiMessage
from telephony.control import actions
from telephony.control.actions import ControlInputError
from telephony.control.events import SupervisionChanged
from telephony.control.locate import parties
from telephony.control.permissions import ACTIONS, PERMITTED, permitted
from telephony.control.service import (
    Actor,
    Control,
    NotPermittedError,
    PbxRefusedError,
    PbxUnreachableError,
    UnknownTargetError,
)
from telephony.link import Talk
from telephony.settings import ControlSettings

LEAD = Actor("lead", "lead", "PJSIP/1010")


def channel(name, uniqueid, bridge="b1"):
    return AmiMessage(
        [
            ("Event", "CoreShowChannel"),
            ("Channel", name),
            ("Uniqueid", uniqueid),
            ("BridgeId", bridge),
        ]
    )


CALLER = channel("PJSIP/trunk-00000001", "100.1")
AGENT = channel("PJSIP/1001-00000002", "100.2")


def reply(response="Success", message="", items=()):
    headers = [("Response", response), *([("Message", message)] if message else [])]
    return AmiReply(AmiMessage(headers), tuple(items))


def originated(*, success=True, reason="4"):
    return AmiMessage(
        [
            ("Event", "OriginateResponse"),
            ("Response", "Success" if success else "Failure"),
            ("Channel", "PJSIP/1010-00000003"),
            ("Reason", reason),
        ]
    )


class FakePbx:
    system = "main"

    def __init__(self):
        self.asked = []
        self.answers = {
            "CoreShowChannels": reply(items=(CALLER, AGENT)),
            "Originate": reply(message="Originate successfully queued", items=(originated(),)),
        }

    def talk(self, call_id):
        return Talk("100.1", "PJSIP/1001", "100.2") if call_id in {"c1", "c3"} else None

    def watch(self, watch):
        self.told = watch

    async def send_action(self, name, **fields):
        followed_by, timeout_s = fields.pop("followed_by", ""), fields.pop("timeout_s", 5.0)
        assert (followed_by == "OriginateResponse") == (name == "Originate")
        assert timeout_s > 0
        self.asked.append((name, fields))
        answer = self.answers.get(name, reply(message=f"{name} done"))
        if isinstance(answer, Exception):
            raise answer
        return answer


class Desk:
    def __init__(self):
        self.pbx = FakePbx()
        self.bus = Bus(Counters())
        self.entries = self.bus.subscribe("audit", AuditEntry, maxsize=100)
        self.phones = self.bus.subscribe("phones", SupervisionChanged, maxsize=100)
        self.control = Control(self.bus, ManualClock(50.0), Counters())
        self.control.attach(self.pbx, ControlSettings(transfer_context="hotline"))

    async def written(self):
        return (await anext(aiter(self.entries))).event


@pytest.fixture
async def desk():
    made = Desk()
    await made.bus.start()
    return made


# Roles


def test_the_table_names_only_known_actions_and_unknown_roles_may_nothing():
    assert all(granted <= set(ACTIONS) for granted in PERMITTED.values())
    assert all(permitted("lead", action) for action in ACTIONS)
    assert not any(permitted("caretaker", action) for action in ACTIONS)
    assert permitted("inspector", "listen")
    assert not permitted("inspector", "whisper")


@pytest.mark.parametrize("role", ["inspector", "manager", "agent", "caretaker", ""])
async def test_what_a_role_may_not_is_refused_written_down_and_never_asked(desk, role):
    with pytest.raises(NotPermittedError):
        await desk.control.hangup(Actor("somebody", role, "PJSIP/1010"), "c1")
    entry = await desk.written()
    assert (entry.who, entry.role, entry.action, entry.done) == ("somebody", role, "hangup", False)
    assert "may not" in entry.answer
    assert desk.pbx.asked == []


# What is asked


async def test_whisper_goes_to_the_agents_channel_and_a_second_time_switches_without_a_gap(desk):
    session, said = await desk.control.spy(LEAD, "c1", "listen")
    assert said == "Originate successfully queued; answered"
    assert session.channel == "PJSIP/1010-00000003"
    name, fields = desk.pbx.asked[-1]
    assert name == "Originate"
    assert fields["Channel"] == "PJSIP/1010"
    assert fields["Data"] == "100.2,uqdES"  # never the caller's channel
    assert (await desk.written()).answer == said
    session, _ = await desk.control.spy(LEAD, "c1", "whisper")
    assert session.mode == "whisper"
    assert desk.pbx.asked[-1] == (
        "PlayDTMF",
        {
            "Channel": "PJSIP/1010-00000003",
            "Digit": "5",
            "Duration": "120",
            "Receive": "true",
        },
    )
    entry = await desk.written()
    assert (entry.action, entry.target, entry.done) == ("whisper", "PJSIP/1010-00000003", True)
    await desk.control.stop_spying(LEAD, "c1")
    assert desk.pbx.asked[-1][0] == "Hangup"
    with pytest.raises(UnknownTargetError):
        await desk.control.stop_spying(LEAD, "c1")


async def test_listening_anew_after_the_phone_was_laid_down(desk):
    await desk.control.spy(LEAD, "c1", "listen")
    desk.pbx.answers["PlayDTMF"] = reply("Error", "Channel not found")
    session, _ = await desk.control.spy(LEAD, "c1", "barge")
    assert desk.pbx.asked[-1][1]["Data"] == "100.2,uqdESB"
    assert ("Hangup", {"Channel": "PJSIP/1010-00000003", "Cause": "16"}) in desk.pbx.asked
    assert session.mode == "barge"


async def test_supervisor_who_does_not_answer_is_told_so(desk):
    desk.pbx.answers["Originate"] = reply(
        message="Originate successfully queued", items=(originated(success=False, reason="5"),)
    )
    with pytest.raises(PbxRefusedError, match="busy"):
        await desk.control.spy(LEAD, "c1", "listen")
    entry = await desk.written()
    assert not entry.done
    assert "busy" in entry.answer


async def test_supervisor_without_a_phone_is_told_what_to_do(desk):
    with pytest.raises(ControlInputError, match="own phone"):
        await desk.control.spy(Actor("lead", "lead"), "c1", "listen")


# What the supervisor's own page is told


async def told(desk):
    event = (await anext(aiter(desk.phones))).event
    return event.call_id, event.username, event.mode, event.state


def ringing_until(desk, taken):
    """Have the supervisor's phone ring until somebody takes it."""
    ask = desk.pbx.send_action

    async def slowly(name, **fields):
        if name == "Originate":
            await taken.wait()
        return await ask(name, **fields)

    desk.pbx.send_action = slowly


async def test_the_phone_rings_listens_changes_its_mode_and_is_laid_down(desk):
    taken = asyncio.Event()
    ringing_until(desk, taken)
    going = asyncio.create_task(desk.control.spy(LEAD, "c1", "listen"))
    assert await told(desk) == ("c1", "lead", "listen", "ringing")
    taken.set()
    await going
    assert await told(desk) == ("c1", "lead", "listen", "listening")
    await desk.control.spy(LEAD, "c1", "barge")
    assert await told(desk) == ("c1", "lead", "barge", "listening")
    (session,) = desk.control.sessions_of("lead")
    desk.pbx.told.channel_gone("main", "some other channel")
    desk.pbx.told.channel_gone("another PBX", session.session_id)
    assert desk.control.sessions_of("lead") == [session]
    desk.pbx.told.channel_gone("main", session.session_id)
    assert await told(desk) == ("c1", "lead", "barge", "over")
    assert desk.control.sessions_of("lead") == []


async def test_a_phone_that_rings_is_not_called_twice_and_can_be_called_off(desk):
    taken = asyncio.Event()
    ringing_until(desk, taken)
    going = asyncio.create_task(desk.control.spy(LEAD, "c1", "listen"))
    assert (await told(desk))[-1] == "ringing"
    with pytest.raises(PbxRefusedError, match="rings already"):
        await desk.control.spy(LEAD, "c1", "whisper")
    (session,) = desk.control.sessions_of("lead")
    await desk.control.stop_spying(LEAD, "c1")
    assert desk.pbx.asked[-1] == ("Hangup", {"Channel": session.session_id, "Cause": "16"})
    assert (await told(desk))[-1] == "over"
    taken.set()
    with pytest.raises(PbxRefusedError, match="laid down"):
        await going
    assert desk.control.sessions_of("lead") == []


async def test_a_phone_that_is_not_taken_rings_no_longer(desk):
    desk.pbx.answers["Originate"] = reply(
        message="Originate successfully queued", items=(originated(success=False, reason="3"),)
    )
    with pytest.raises(PbxRefusedError, match="no answer"):
        await desk.control.spy(LEAD, "c1", "listen")
    # Nobody read in between, so the newest alone is left.
    assert (await told(desk))[-1] == "over"
    assert desk.control.sessions_of("lead") == []


async def test_one_phone_listens_to_one_call(desk):
    first, _ = await desk.control.spy(LEAD, "c1", "listen")
    await desk.control.spy(LEAD, "c3", "listen")
    assert ("Hangup", {"Channel": first.channel, "Cause": "16"}) in desk.pbx.asked
    assert [session.call_id for session in desk.control.sessions_of("lead")] == ["c3"]
    await desk.control.spy(Actor("boss", "manager", "PJSIP/1011"), "c3", "listen")
    assert len(desk.control.sessions_of("boss")) == len(desk.control.sessions_of("lead")) == 1


async def test_an_end_that_was_not_heard_of_is_seen_in_the_list_of_channels(desk):
    session, _ = await desk.control.spy(LEAD, "c1", "listen")
    desk.pbx.told.channels_now("main", {session.session_id, "100.1"})
    assert desk.control.sessions_of("lead")
    desk.pbx.told.channels_now("another PBX", set())
    assert desk.control.sessions_of("lead")
    desk.pbx.told.channels_now("main", {"100.1"})
    assert desk.control.sessions_of("lead") == []


async def test_each_action_is_one_manager_action_and_one_entry(desk):
    control = desk.control
    deeds = [
        (control.hangup(LEAD, "c1"), "Hangup", {"Channel": "PJSIP/trunk-00000001", "Cause": "16"}),
        (
            control.transfer(LEAD, "c1", "8002"),
            "BlindTransfer",
            {"Channel": "PJSIP/1001-00000002", "Context": "hotline", "Exten": "8002"},
        ),
        (
            control.pause(LEAD, "main", "PJSIP/1001", "午餐"),
            "QueuePause",
            {"Interface": "PJSIP/1001", "Paused": "true", "Reason": "午餐"},
        ),
        (
            control.unpause(LEAD, "", "PJSIP/1001", "support"),
            "QueuePause",
            {"Interface": "PJSIP/1001", "Paused": "false", "Reason": "", "Queue": "support"},
        ),
        (
            control.queue_login(LEAD, "main", "PJSIP/1001", "support", name="李护士", penalty=2),
            "QueueAdd",
            {
                "Queue": "support",
                "Interface": "PJSIP/1001",
                "Penalty": "2",
                "MemberName": "李护士",
            },
        ),
        (
            control.queue_logout(LEAD, "main", "PJSIP/1001", "support"),
            "QueueRemove",
            {"Queue": "support", "Interface": "PJSIP/1001"},
        ),
    ]
    for deed, name, fields in deeds:
        said = await deed
        assert desk.pbx.asked[-1] == (name, fields)
        entry = await desk.written()
        assert (entry.done, entry.answer, entry.system) == (True, said, "main")
        assert said == f"{name} done"


async def test_what_asterisk_refuses_is_raised_and_written_word_for_word(desk):
    desk.pbx.answers["QueuePause"] = reply("Error", "Interface not found")
    with pytest.raises(PbxRefusedError, match="Interface not found"):
        await desk.control.pause(LEAD, "main", "PJSIP/1001", "lunch")
    entry = await desk.written()
    assert (entry.done, entry.answer) == (False, "Interface not found")


async def test_pbx_that_is_away(desk):
    desk.pbx.answers["QueuePause"] = AmiLostError("not connected to PBX 'main'")
    with pytest.raises(PbxUnreachableError):
        await desk.control.pause(LEAD, "main", "PJSIP/1001", "lunch")
    assert not (await desk.written()).done
    with pytest.raises(UnknownTargetError):
        await desk.control.pause(LEAD, "other", "PJSIP/1001", "lunch")
    with pytest.raises(UnknownTargetError):
        await desk.control.hangup(LEAD, "c2")


# Where the parties are


def test_parties_are_found_in_the_callers_bridge():
    ours = channel("AudioSocket/x-1", "100.9")
    elsewhere = channel("PJSIP/1001-00000009", "100.8", "b2")
    found = parties([ours, AGENT, elsewhere, CALLER], "100.1", "PJSIP/1001")
    assert (found.agent, found.agent_id, found.caller) == (
        "PJSIP/1001-00000002",
        "100.2",
        "PJSIP/trunk-00000001",
    )


@pytest.mark.parametrize(
    "channels",
    [
        [],
        [CALLER],
        [AGENT],
        [CALLER, channel("PJSIP/1001-00000002", "100.2", "b2")],
        [CALLER, channel("PJSIP/10011-00000002", "100.2")],
        [channel("PJSIP/trunk-00000001", "100.1", ""), channel("PJSIP/1001-2", "100.2", "")],
    ],
)
def test_nobody_is_spied_on_when_the_agent_is_not_surely_known(channels):
    assert parties(channels, "100.1", "PJSIP/1001") is None


def test_optimised_local_member_is_whoever_is_there_and_never_one_of_two():
    other = channel("PJSIP/1009-00000005", "100.5")
    assert parties([CALLER, other], "100.1", "Local/1009@agents").agent_id == "100.5"
    assert parties([CALLER, other, AGENT], "100.1", "Local/1009@agents") is None


# Hostile values

EVIL = ["\r\nAction: Command", "a\nb", "\x00", "1010,qB", "x\u2028y", "\x85", "PJSIP/1&PJSIP/2"]
BUILDERS = {
    "phone": actions.phone,
    "number": actions.number,
    "member": actions.member,
    "supervisor": lambda value: actions.spy("1.2", value, "listen", session_id="s", ring_s=5),
    "spied": lambda value: actions.spy(value, "PJSIP/1", "listen", session_id="s", ring_s=5),
    "switched": lambda value: actions.switch(value, "barge"),
    "hung up": actions.hangup,
    "transferred": lambda value: actions.transfer("PJSIP/1-1", value, "c"),
    "context": lambda value: actions.transfer("PJSIP/1-1", "1", value),
    "caller back": lambda value: actions.callback(value, "1", "c", call_id="x", ring_s=5),
    "called back": lambda value: actions.callback("PJSIP/1", value, "c", call_id="x", ring_s=5),
}


@pytest.mark.parametrize("value", [*EVIL, "", "PJSIP/", "1" * 400, "Local/1@out/n&x", "${X}"])
@pytest.mark.parametrize("name", BUILDERS)
def test_values_that_are_not_what_they_should_be_are_refused(name, value):
    with pytest.raises(ControlInputError):
        BUILDERS[name](value)


def test_our_phones_are_no_way_into_the_dialplan():
    with pytest.raises(ControlInputError):
        actions.phone("Local/900555@outbound")


@given(st.text(), st.text(), st.text())
def test_no_header_ever_carries_a_line_break(agent, queue, reason):
    for make in (
        lambda: actions.pause(agent, paused=True, reason=reason, queue=queue),
        lambda: actions.pause("PJSIP/1", paused=True, reason=reason, queue=queue),
        lambda: actions.queue_login("PJSIP/1", queue, name=reason),
        lambda: actions.queue_logout(agent, queue),
    ):
        try:
            made = make()
        except ControlInputError:
            continue
        for value in made.fields.values():
            assert len(value.splitlines()) <= 1
            assert "\0" not in value
