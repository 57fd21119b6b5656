"""After a gap: what the PBX's lists say is laid beside the visits that were open."""

from __future__ import annotations

import pytest
from unit.telephony.scenario import CALLER, T0, Script

from telephony.ami.parser import AmiMessage
from telephony.calls.reducer import CallReducer
from telephony.calls.resync import PbxSnapshot, status_variables
from telephony.calls.visit import OpenCall
from telephony.events import CallConnected, CallEnded, CallHeld, CallJoined, CallResumed

NOW = T0 + 100.0
TRUNK = "PJSIP/trunk-00000001"
PHONE = "PJSIP/1001-00000002"


def channel(uniqueid, name, bridge=""):
    return AmiMessage(
        [
            ("Event", "CoreShowChannel"),
            ("Uniqueid", uniqueid),
            ("Linkedid", CALLER),
            ("Channel", name),
            ("BridgeId", bridge),
        ]
    )


def entry(wait="40", uniqueid=CALLER):
    return AmiMessage(
        [
            ("Event", "QueueEntry"),
            ("Queue", "support"),
            ("Position", "1"),
            ("Uniqueid", uniqueid),
            ("Channel", TRUNK),
            ("CallerIDNum", "5550100"),
            ("Wait", wait),
        ]
    )


def status(name=TRUNK, uniqueid=CALLER, seconds="60", **variables):
    return AmiMessage(
        [
            ("Event", "Status"),
            ("Uniqueid", uniqueid),
            ("Channel", name),
            ("CallerIDNum", "5550100"),
            ("Seconds", seconds),
            *[("Variable", f"{key}={value}") for key, value in variables.items()],
        ]
    )


TALKING = (channel(CALLER, TRUNK, "b1"), channel("a.1", PHONE, "b1"))
AGENT = {
    "QUEUENAME": "support",
    "MEMBERINTERFACE": "PJSIP/1001",
    "QEHOLDTIME": "7",
    "QUEUESTATUS": "(null)",  # as Asterisk writes a variable that is not set
}


def snapshot(channels=(), entries=(), statuses=(), started="2026-11-21 08:00:00"):
    return PbxSnapshot(started, tuple(entries), tuple(channels), tuple(statuses))


def gap(script, shot, at=NOW):
    """A lost connection and the resync after it."""
    script.events += script.reducer.begin_gap()
    script.events += script.reducer.resync(shot, at)
    return script


def test_first_connection_finds_a_waiting_caller():
    script = gap(Script(), snapshot([channel(CALLER, TRUNK)], [entry()]))
    (joined,) = script.of(CallJoined)
    assert joined.resumed
    assert joined.at == pytest.approx(NOW - 40)
    assert joined.linkedid == CALLER
    script.hangup_request(110).abandon(110).leave(110).hangup(110)
    assert script.record.incomplete_reason == "joined_before_connect"
    assert script.record.wait_s == pytest.approx(50)


def test_first_connection_finds_a_call_under_way_and_its_agent():
    agents_own = status(PHONE, "a.1", **AGENT)
    script = gap(Script(), snapshot(TALKING, [], [status(**AGENT), agents_own]))
    (connected,) = script.of(CallConnected)
    assert connected.resumed
    assert (connected.queue, connected.agent, connected.wait_s) == ("support", "PJSIP/1001", 7.0)
    assert connected.ring_s is None
    assert connected.uniqueid == CALLER
    script.complete(120, "caller").hangup(120.01)
    assert script.record.outcome == "answered"
    assert not script.record.complete


def test_own_taps_are_not_found_as_calls():
    snoop = channel("s.1", "Snoop/1795295000.1-00000001", "b1")
    variables = status("Snoop/1795295000.1-00000001", "s.1", **AGENT)
    script = gap(Script(), snapshot([*TALKING, snoop], [], [variables]))
    assert script.events == []


def test_waiting_caller_who_still_waits_keeps_the_id_and_is_marked():
    script = Script().join(0)
    gap(script, snapshot([channel(CALLER, TRUNK)], [entry("100")]))
    script.ringing(101).dial_end(103, "ANSWER").connect(103)
    script.hangup_request(110).complete(110, "caller").hangup(110.01)
    assert len(script.of(CallJoined)) == 1
    assert script.record.call_id == script.of(CallJoined)[0].call_id
    assert script.record.incomplete_reason == "ami_gap"
    assert script.record.wait_s == pytest.approx(103)
    assert script.record.ring_s == pytest.approx(2)


def test_waiting_caller_who_was_answered_in_the_gap_is_connected_late():
    script = Script().join(0)
    gap(script, snapshot(TALKING, [], [status(**AGENT)]))
    (connected,) = script.of(CallConnected)
    assert connected.resumed
    assert connected.heard_at is None
    assert connected.at == pytest.approx(T0 + 7)
    script.complete(110, "agent").hangup(110.01)
    assert script.record.ring_s is None
    assert "ami_gap" in script.record.incomplete_reason


@pytest.mark.parametrize(
    ("variables", "outcome"),
    [
        ({"QUEUESTATUS": "TIMEOUT"}, "timeout"),
        ({"QUEUESTATUS": "WITHDRAW"}, "withdrawn"),
        ({"QUEUESTATUS": "LEAVEEMPTY"}, "exit_empty"),
        ({}, "exit_key"),
    ],
)
def test_waiting_caller_who_left_the_queue_in_the_gap(variables, outcome):
    script = Script().join(0)
    gap(script, snapshot([channel(CALLER, TRUNK)], [], [status(**variables)]))
    assert script.record.outcome == outcome
    assert script.record.wait_s is None
    assert script.record.incomplete_reason == "ami_gap"


def test_call_that_ended_in_the_gap_is_closed_without_a_guessed_duration():
    script = gap(Script().answered(), snapshot())
    assert script.record.outcome == "answered"
    assert script.record.talk_s is None
    assert script.record.wait_s == pytest.approx(3.0)
    assert script.record.incomplete_reason == "ami_gap"
    waiting = gap(Script().join(0), snapshot())
    assert waiting.record.wait_s is None


def test_call_that_goes_on_keeps_its_id_and_its_end_is_exact():
    script = Script().answered()
    gap(script, snapshot(TALKING, [], [status(**AGENT)]))
    script.hangup_request(110).complete(110, "caller").hangup(110.01)
    assert len(script.of(CallConnected)) == 1
    assert script.record.talk_s == pytest.approx(107)
    assert script.record.incomplete_reason == "ami_gap"


def test_caller_without_the_agent_has_been_handed_on_in_the_gap():
    other = channel("x.9", "PJSIP/1009-00000009", "b1")
    script = gap(Script().answered(), snapshot([channel(CALLER, TRUNK, "b1"), other]))
    assert script.record.outcome == "answered"
    assert script.record.talk_s is None


def test_caller_who_waits_again_is_a_second_visit():
    script = gap(Script().answered(), snapshot([channel(CALLER, TRUNK)], [entry("5")]))
    assert script.record.outcome == "answered"
    (_, second) = script.of(CallJoined)
    assert (second.visit, second.resumed) == (2, True)


def test_hold_is_taken_as_over_after_a_gap():
    script = Script().answered().send("MusicOnHoldStart", 5, Uniqueid=CALLER)
    gap(script, snapshot(TALKING), at=T0 + 9)
    assert len(script.of(CallHeld)) == len(script.of(CallResumed)) == 1


def formats(name, uniqueid, **headers):
    return AmiMessage(
        [("Event", "Status"), ("Channel", name), ("Uniqueid", uniqueid), *headers.items()]
    )


@pytest.mark.parametrize("held_before", [True, False])
def test_hold_goes_on_where_the_caller_is_played_music(held_before):
    script = Script().answered()
    if held_before:
        script.send("MusicOnHoldStart", 5, Uniqueid=CALLER)
    music = (
        formats(TRUNK, CALLER, Writeformat="slin"),
        formats(PHONE, "a.1", Readformat="alaw"),
    )
    gap(script, snapshot(TALKING, [], music), at=T0 + 9)
    assert len(script.of(CallHeld)) == 1
    assert script.of(CallResumed) == []
    script.send("MusicOnHoldStop", 20, Uniqueid=CALLER)
    (resumed,) = script.of(CallResumed)
    assert resumed.held_s == pytest.approx(15 if held_before else 11, abs=0.01)


@pytest.mark.parametrize(("written", "read"), [("alaw", "alaw"), ("slin", "slin"), ("slin", "")])
def test_formats_that_prove_no_music_end_the_hold(written, read):
    script = Script().answered().send("MusicOnHoldStart", 5, Uniqueid=CALLER)
    talking = (
        formats(TRUNK, CALLER, Writeformat=written),
        formats(PHONE, "a.1", Readformat=read),
    )
    gap(script, snapshot(TALKING, [], talking), at=T0 + 9)
    assert len(script.of(CallResumed)) == 1


def test_restarted_pbx_ends_every_call():
    script = Script()
    gap(script, snapshot(started="a"), at=T0)
    script.answered()
    gap(script, snapshot(TALKING, started="b"))
    assert "pbx_restarted" in script.record.incomplete_reason


def test_what_moved_while_the_lists_were_under_way_outranks_them():
    script = Script().answered()
    script.events += script.reducer.begin_gap()
    script.hangup_request(99).complete(99, "caller").hangup(99)
    script.reducer.feed(
        AmiMessage([("Event", "QueueCallerJoin"), ("Uniqueid", "n.1"), ("Queue", "q")]), T0 + 99
    )
    script.events += script.reducer.resync(snapshot(TALKING, [], [status(**AGENT)]), NOW)
    assert len(script.of(CallJoined)) == 1  # the ended call is not found again
    assert script.record.talk_s == pytest.approx(96)
    assert script.reducer.book.of_caller("n.1") is not None  # nor the new one closed


def test_refused_lists_change_nothing():
    script = Script().answered()
    gap(script, PbxSnapshot(None, None, None, None))
    assert script.records == []
    script.complete(110, "caller").hangup(110)
    assert script.record.talk_s == pytest.approx(107)


def open_call(**more):
    values = {
        "call_id": "kept",
        "system": "pbx",
        "uniqueid": CALLER,
        "linkedid": CALLER,
        "visit": 2,
        "queue": "support",
        "caller": "5550100",
        "caller_name": "",
        "agent": "PJSIP/1001",
        "joined_at": T0,
        "answered_at": T0 + 3,
        "wait_s": 3.0,
        "ring_s": 2.0,
        "rings": 1,
    }
    return OpenCall(**{**values, **more})


def test_restarted_program_takes_a_call_up_under_its_id():
    script = Script(CallReducer("pbx"))
    script.reducer.restore([open_call()])
    gap(script, snapshot(TALKING, [], [status(**AGENT)]))
    assert script.events == []
    script.hangup_request(110).complete(110, "caller").hangup(110)
    record = script.record
    assert (record.call_id, record.visit, record.ring_s) == ("kept", 2, 2.0)
    assert record.talk_s == pytest.approx(107)
    assert record.incomplete_reason == "ami_gap"


def test_restarted_program_closes_what_ended_without_it():
    script = Script(CallReducer("pbx"))
    script.reducer.restore([open_call(answered_at=None, agent="", wait_s=None)])
    gap(script, snapshot())
    assert script.record.call_id == "kept"
    assert script.of(CallEnded)[0].record.outcome == "abandoned"


def test_restarted_program_numbers_a_further_visit_on():
    script = Script(CallReducer("pbx"))
    script.reducer.restore([], {CALLER: 3})
    script.join(0)
    assert script.of(CallJoined)[0].visit == 4


def test_variables_of_a_status_are_split_at_their_first_sign():
    assert status_variables(status(A="1=2", B="")) == {"A": "1=2", "B": ""}
