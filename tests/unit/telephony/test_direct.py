"""Agents' own calls: by their dialling, with or without the member list being known yet."""

from __future__ import annotations

import pytest
from unit.telephony.scenario import T0, message

from telephony.calls.reducer import CallReducer
from telephony.calls.resync import PbxSnapshot
from telephony.events import DirectCallEnded

AGENT_ID, CALLED_ID = "1795295000.7", "1795295000.8"


class OwnCall:
    """What Asterisk sends of a call that PJSIP/1008 places."""

    def __init__(self, *, member=True):
        self.reducer = CallReducer("pbx")
        self.events = []
        if member:
            self.member("PJSIP/1008")

    def send(self, event, at, **headers):
        self.events += self.reducer.feed(message(event, T0 + at, **headers), T0 + at)
        return self

    def member(self, interface):
        return self.send("QueueMemberAdded", 0.0, Queue="report", Interface=interface)

    def dials(self, at, to="PJSIP/trunk-00000002"):
        return self.send(
            "DialBegin",
            at,
            Channel="PJSIP/1008-00000001",
            Uniqueid=AGENT_ID,
            Linkedid=AGENT_ID,
            Exten="13900000000",
            DestChannel=to,
            DestUniqueid=CALLED_ID,
            DialString="trunk/13900000000",
        )

    def rings(self, at):
        return self.send("DialState", at, DestUniqueid=CALLED_ID, DialStatus="RINGING")

    def dial_ends(self, at, status):
        return self.send("DialEnd", at, DestUniqueid=CALLED_ID, DialStatus=status)

    def asks_hangup(self, at, uniqueid):
        return self.send("HangupRequest", at, Uniqueid=uniqueid)

    def hangs_up(self, at, uniqueid=AGENT_ID):
        return self.send("Hangup", at, Uniqueid=uniqueid)

    def begin_gap(self):
        self.events += self.reducer.begin_gap()
        return self

    def resync(self, at, *members, channels=()):
        self.events += self.reducer.resync(
            PbxSnapshot(
                started="now",
                entries=(),
                channels=tuple(message("CoreShowChannel", Uniqueid=c) for c in channels),
                statuses=(),
                members=tuple(
                    message("QueueMember", Queue="report", Location=interface)
                    for interface in members
                ),
                queues=(),
            ),
            T0 + at,
        )
        return self

    @property
    def ended(self):
        return [event for event in self.events if isinstance(event, DirectCallEnded)]


def test_answered_call_has_its_ring_and_talk_and_who_hung_up():
    call = OwnCall().dials(1.0).rings(1.5).dial_ends(4.0, "ANSWER")
    call.asks_hangup(9.0, CALLED_ID).hangs_up(9.1, CALLED_ID).hangs_up(9.1)
    (own,) = call.ended
    assert (own.agent, own.number, own.direction) == ("PJSIP/1008", "13900000000", "outbound")
    assert (own.outcome, own.hangup_by, own.complete) == ("answered", "customer", True)
    assert own.ring_s == pytest.approx(2.5)
    assert own.talk_s == pytest.approx(5.1)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("NOANSWER", "timeout"), ("BUSY", "busy"), ("CANCEL", "abandoned"), ("CHANUNAVAIL", "failed")],
)
def test_unanswered_call_says_why(status, outcome):
    (own,) = OwnCall().dials(1.0).rings(1.5).dial_ends(4.0, status).hangs_up(4.1).ended
    assert (own.outcome, own.talk_s) == (outcome, None)


def test_call_between_two_agents_is_internal():
    call = OwnCall().member("PJSIP/1010").dials(1.0, "PJSIP/1010-00000002")
    (own,) = call.dial_ends(2.0, "ANSWER").hangs_up(3.0).ended
    assert own.direction == "internal"


def test_device_that_is_no_members_is_no_agents_call():
    call = OwnCall(member=False).dials(1.0).dial_ends(2.0, "ANSWER").hangs_up(3.0)
    assert call.ended == []


def test_dialling_before_the_member_list_is_known_is_not_lost():
    call = OwnCall(member=False).begin_gap().dials(1.0).rings(1.2)
    call.resync(1.5, "PJSIP/1008", channels=(AGENT_ID, CALLED_ID))
    (own,) = call.dial_ends(2.0, "ANSWER").hangs_up(3.0).ended
    assert (own.outcome, own.complete) == ("answered", True)


def test_call_over_before_the_member_list_is_known_is_told_with_the_list():
    call = OwnCall(member=False).begin_gap().dials(1.0).dial_ends(1.1, "BUSY").hangs_up(1.2)
    assert call.ended == []
    (own,) = call.resync(1.5, "PJSIP/1008").ended
    assert (own.outcome, own.ended_at) == ("busy", T0 + 1.2)


def test_strangers_calls_are_dropped_with_the_list():
    call = OwnCall(member=False).begin_gap().dials(1.0).resync(1.5, "PJSIP/1001")
    assert call.dial_ends(2.0, "ANSWER").hangs_up(3.0).ended == []
    assert len(call.reducer.direct) == 0


def test_call_whose_channel_went_in_a_gap_says_so():
    call = OwnCall().dials(1.0).dial_ends(2.0, "ANSWER").begin_gap()
    (own,) = call.resync(5.0, "PJSIP/1008").ended
    assert (own.complete, own.incomplete_reason, own.talk_s) == (False, "ami_gap", None)
