"""Every fate of a queue visit, from hand-made messages in Asterisk's order."""

from __future__ import annotations

import pytest
from unit.telephony.scenario import CALLER, T0, Script, message

from telephony.calls.phases import TRANSITIONS, Phase, Step
from telephony.calls.reducer import CallReducer
from telephony.calls.times import rings_of
from telephony.events import (
    AgentSpeechEnds,
    CallConnected,
    CallEnded,
    CallHeld,
    CallJoined,
    CallResumed,
    CallTransferred,
    RingEnded,
    RingStarted,
)


def caller_hangs_up_waiting(s):
    s.join(0).ringing(1).hangup_request(7).dial_end(7.001, "CANCEL").dial_end(7.002, "CANCEL")
    s.abandon(7.003).leave(7.003).soft_hangup(7.004).hangup(7.004, cause="0")


def caller_is_hung_up_waiting(s):
    s.join(0).soft_hangup(7).abandon(7.003).leave(7.003).hangup(7.004)


def times_out(s):
    s.join(0).abandon(20).leave(20).variable(20.001, "TIMEOUT").dialplan(20.002).hangup(21)


def times_out_with_no_message_after(s):
    s.join(0).abandon(20).leave(20).variable(20.001, "TIMEOUT")


def exits_by_key(s):
    s.join(0).leave(5).dialplan(5.001).hangup(9)


def exits_by_key_and_the_dialplan_is_filtered_out(s):
    s.join(0).leave(5).tick(7)


def exits_by_key_and_hangs_up_at_once(s):
    s.join(0).leave(5).hangup_request(5.1).hangup(5.2)


def exits_empty(s):
    s.join(0).abandon(5).leave(5).variable(5.001, "LEAVEEMPTY").dialplan(5.002)


def exits_with_members_unavailable(s):
    s.join(0).abandon(5).leave(5).variable(5.001, "LEAVEUNAVAIL")


def is_withdrawn(s):
    s.join(0).abandon(5).leave(5).variable(5.001, "WITHDRAW").dialplan(5.002)


def is_moved_while_waiting(s):
    s.send("VarSet", -1, Uniqueid="other", Variable="QUEUESTATUS", Value="CONTINUE")
    s.join(0).abandon(5).leave(5).dialplan(5.01).hangup(30)


@pytest.mark.parametrize(
    ("play", "outcome", "wait", "hangup_by"),
    [
        (caller_hangs_up_waiting, "abandoned", 7.0, "customer"),
        (caller_is_hung_up_waiting, "abandoned", 7.0, "system"),
        (times_out, "timeout", 20.0, ""),
        (times_out_with_no_message_after, "timeout", 20.0, ""),
        (exits_by_key, "exit_key", 5.0, ""),
        (exits_by_key_and_the_dialplan_is_filtered_out, "exit_key", 5.0, ""),
        (exits_by_key_and_hangs_up_at_once, "exit_key", 5.0, ""),
        (exits_empty, "exit_empty", 5.0, ""),
        (exits_with_members_unavailable, "exit_empty", 5.0, ""),
        (is_withdrawn, "withdrawn", 5.0, ""),
        (is_moved_while_waiting, "transferred_in_queue", 5.0, ""),
    ],
)
def test_departure_without_an_agent(play, outcome, wait, hangup_by):
    script = Script()
    play(script)
    record = script.record
    assert record.outcome == outcome
    assert record.wait_s == pytest.approx(wait, abs=0.01)
    assert record.hangup_by == hangup_by
    assert (record.agent, record.talk_s, record.ring_s) == ("", None, None)
    assert record.complete
    assert len(script.reducer.book) == 0


def test_timeout_is_assumed_and_marked_where_the_status_is_filtered_out():
    script = Script().join(0).abandon(20).leave(20).tick(25)
    assert script.record.outcome == "timeout"
    assert script.record.incomplete_reason == "queue_status_unseen"


def caller_hangs_up(s):
    s.answered().hangup_request(11).complete(11, "caller").hangup(11.001).hangup(11.002, "a.1")


def agent_hangs_up(s):
    s.answered().hangup_request(11, "a.1").complete(11, "agent").hangup(11.001, "a.1")


def asterisk_hangs_up(s):
    s.answered().soft_hangup(11).complete(11, "agent").hangup(11.001)


def agent_transfers_blind(s):
    s.answered()
    s.send("BlindTransfer", 11, TransfereeUniqueid=CALLER, TransfererUniqueid="a.1", Extension="9")
    s.complete(11, "transfer").hangup(11.01, "a.1").dialplan(11.02).hangup(60)


def agent_transfers_blind_told_late(s):
    s.answered().complete(11, "transfer")
    s.send("BlindTransfer", 11, TransfereeUniqueid=CALLER, TransfererUniqueid="a.1", Extension="9")
    s.hangup(11.01, "a.1").tick(13)


@pytest.mark.parametrize(
    ("play", "hangup_by", "cause"),
    [
        (caller_hangs_up, "customer", 16),
        (agent_hangs_up, "agent", 16),
        (asterisk_hangs_up, "system", 16),
        (agent_transfers_blind, "transfer", None),
        (agent_transfers_blind_told_late, "transfer", None),
    ],
)
def test_end_of_an_answered_call(play, hangup_by, cause):
    script = Script()
    play(script)
    record = script.record
    assert record.outcome == "answered"
    assert record.hangup_by == hangup_by
    assert record.hangup_cause == cause
    assert record.wait_s == pytest.approx(3.0)
    assert record.ring_s == pytest.approx(2.0)
    assert record.talk_s == pytest.approx(8.0)
    assert record.complete
    (ends,) = script.of(AgentSpeechEnds)
    assert ends.at == pytest.approx(T0 + 11)
    assert script.events[-1] is script.of(CallEnded)[0]


def test_blind_transfer_is_told_once_with_from_and_to():
    for play in (agent_transfers_blind, agent_transfers_blind_told_late):
        script = Script()
        play(script)
        (transfer,) = script.of(CallTransferred)
        assert (transfer.kind, transfer.from_agent, transfer.to) == ("blind", "PJSIP/1001", "9")
        assert script.record.transfers == 1


def test_transfer_back_into_a_queue_is_a_second_visit():
    script = Script()
    agent_transfers_blind_to_queue = script.answered()
    script.send("BlindTransfer", 11, TransfereeUniqueid=CALLER, Extension="8001")
    script.complete(11, "transfer").join(11.5).ringing(12, "PJSIP/1002", "b.1")
    script.dial_end(15, "ANSWER", "b.1").connect(15, "PJSIP/1002", "b.1")
    script.hangup_request(20).complete(20, "caller", "PJSIP/1002", "b.1").hangup(20.001)
    assert agent_transfers_blind_to_queue is script
    first, second = script.records
    assert (first.visit, second.visit) == (1, 2)
    assert first.call_id != second.call_id
    assert first.uniqueid == second.uniqueid == CALLER
    assert (first.agent, second.agent) == ("PJSIP/1001", "PJSIP/1002")
    assert (second.wait_s, second.talk_s) == (pytest.approx(3.5), pytest.approx(5.0))


def test_second_join_that_happened_before_the_first_agents_completion_and_is_told_after():
    script = Script().answered()
    script.send("BlindTransfer", 8.0, TransfereeUniqueid=CALLER, Extension="8002")
    script.complete(8.002, "transfer").join(8.001).hangup_request(11).abandon(11).leave(11).hangup(
        11.1
    )
    assert [(r.visit, r.outcome) for r in script.records] == [(1, "answered"), (2, "abandoned")]


def test_second_join_told_before_the_first_agents_completion():
    script = Script().answered()
    script.send("BlindTransfer", 11, TransfereeUniqueid=CALLER, Extension="8001")
    script.join(11.5).complete(11.6, "transfer", talk="8")
    (first,) = script.records
    assert first.talk_s == pytest.approx(8.0)
    assert first.hangup_by == "transfer"
    script.hangup_request(20).abandon(20).leave(20).hangup(20.1)
    assert [record.outcome for record in script.records] == ["answered", "abandoned"]


def test_three_way_conference_is_no_transfer():
    script = Script().answered()
    script.send("Hold", 5, Uniqueid="a.1").send("MusicOnHoldStart", 5, Uniqueid=CALLER)
    script.send("MusicOnHoldStop", 7.9, Uniqueid=CALLER)
    script.send(
        "AttendedTransfer",
        8,
        TransfereeUniqueid=CALLER,
        OrigTransfererUniqueid="a.1",
        DestType="Threeway",
    )
    caller = script.hangup_request(11).complete(11, "caller").hangup(11.001)
    assert caller.record.transfers == 0
    assert caller.record.hangup_by == "customer"
    assert caller.record.conference
    assert caller.record.hold_s == pytest.approx(3)


def test_room_that_a_caller_was_handed_on_into_is_no_conference():
    script = Script().answered()
    script.send("BlindTransfer", 8, TransfereeUniqueid=CALLER, Extension="790")
    script.send("ConfbridgeJoin", 8.05, Uniqueid=CALLER)
    script.complete(8.1, "transfer").tick(9)
    assert script.record.transfers == 1
    assert not script.record.conference


def test_failed_transfer_changes_nothing():
    script = Script().answered()
    script.send("BlindTransfer", 8, Result="Fail", TransfereeUniqueid=CALLER, Extension="9")
    script.hangup_request(11).complete(11, "caller").hangup(11.001)
    assert script.record.transfers == 0


def test_ring_no_answer_then_another_agent():
    script = Script().join(0).ringing(1)
    script.ring_no_answer(6).dial_end(6, "NOANSWER").dial_end(6, "CANCEL")
    script.ringing(7, "PJSIP/1002", "b.1").dial_end(9, "ANSWER", "b.1")
    script.connect(9, "PJSIP/1002", "b.1").complete(12, "caller", "PJSIP/1002", "b.1").hangup(12)
    assert script.record.unanswered == ("PJSIP/1001",)
    assert script.record.ring_s == pytest.approx(2.0)
    assert script.record.wait_s == pytest.approx(9.0)
    results = [(e.agent, e.result, e.ring_s) for e in script.of(RingEnded)]
    assert results == [
        ("PJSIP/1001", "no_answer", pytest.approx(5.0)),
        ("PJSIP/1002", "answered", pytest.approx(2.0)),
    ]
    assert len(script.of(RingStarted)) == 2


def test_busy_agent_was_never_alerted_but_counts_as_unanswered():
    script = Script().join(0).called(1, "PJSIP/1001", "a.1").dial_end(1.1, "BUSY")
    script.ring_no_answer(1.1)
    script.hangup_request(3).abandon(3).leave(3).hangup(3.01)
    assert script.record.unanswered == ("PJSIP/1001",)
    (ended,) = script.of(RingEnded)
    assert (ended.result, ended.ring_s, ended.rings) == ("busy", None, None)


def test_ring_all_has_one_winner_and_losers_are_not_blamed():
    script = Script().join(0)
    script.ringing(1, "PJSIP/1001", "a.1").ringing(1.5, "PJSIP/1002", "b.1")
    script.dial_end(4, "ANSWER", "b.1").dial_end(4.001, "CANCEL", "a.1")
    script.connect(4.002, "PJSIP/1002", "b.1").dial_end(4.003, "CANCEL", "a.1")
    script.hangup(4.004, "a.1", cause="26")
    script.hangup_request(9).complete(9, "caller", "PJSIP/1002", "b.1").hangup(9.001)
    assert script.record.agent == "PJSIP/1002"
    assert script.record.ring_s == pytest.approx(2.5)
    assert script.record.unanswered == ()
    assert script.record.hangup_cause == 16
    assert [(e.agent, e.result) for e in script.of(RingEnded)] == [
        ("PJSIP/1002", "answered"),
        ("PJSIP/1001", "cancelled"),
    ]


def test_agent_who_answers_at_once_has_rung_zero_seconds():
    script = Script().join(0).called(1, "PJSIP/1001", "a.1").dial_end(1.1, "ANSWER").connect(1.1)
    (connected,) = script.of(CallConnected)
    assert (connected.ring_s, connected.rings) == (0.0, 1)


def test_agent_listening_to_an_announcement_is_no_key_exit():
    script = Script().join(0).ringing(1).dial_end(3, "ANSWER").leave(3).tick(8)
    assert script.records == []
    script.connect(8).hangup_request(10).complete(10, "caller").hangup(10.01)
    assert script.record.outcome == "answered"
    assert script.record.wait_s == pytest.approx(8.0)
    assert script.record.ring_s == pytest.approx(2.0)


def test_hold_is_told_and_measured_by_what_the_caller_hears():
    script = Script().send("MusicOnHoldStart", 0, Uniqueid=CALLER).answered()
    script.send("MusicOnHoldStop", 3.01, Uniqueid=CALLER)  # the queue's own music, told late
    script.send("Hold", 5, Uniqueid="a.1").send("MusicOnHoldStart", 5.01, Uniqueid=CALLER)
    script.send("Unhold", 7, Uniqueid="a.1").send("MusicOnHoldStop", 7.01, Uniqueid=CALLER)
    script.send("MusicOnHoldStart", 9, Uniqueid=CALLER)  # a Local member's hold
    script.hangup_request(11).complete(11, "caller").hangup(11.01)
    assert [event.at - T0 for event in script.of(CallHeld)] == pytest.approx([5, 9])
    (resumed,) = script.of(CallResumed)
    assert resumed.held_s == pytest.approx(2.01)
    assert script.record.hold_s == pytest.approx(4.01)
    assert script.record.talk_s == pytest.approx(8.0)


def test_local_members_channel_that_is_optimised_away_ends_nothing():
    local = "Local/1001@agents/n"
    script = Script().join(0).ringing(1, local, "l.1").dial_end(3, "ANSWER", "l.1")
    script.leave(3).send(
        "AgentConnect",
        3,
        Uniqueid=CALLER,
        DestUniqueid="l.1",
        DestChannel="Local/1001@agents-00000001;1",
        Interface=local,
    )
    script.hangup_request(3.1, "l.1").soft_hangup(3.1, "l.1").hangup(3.1, "l.1").tick(10)
    assert script.records == []
    script.complete(11, "agent", local, "p.9").hangup(11.001)
    assert script.record.talk_s == pytest.approx(8.0)
    assert script.record.hangup_by == "agent"
    assert script.record.complete


def test_linkedid_may_change_under_way():
    script = Script().join(0).ringing(1).dial_end(3, "ANSWER")
    script.send(
        "AgentConnect",
        3,
        Uniqueid=CALLER,
        Linkedid="merged.9",
        DestUniqueid="a.1",
        Interface="PJSIP/1001",
    )
    script.hangup_request(5).complete(5, "caller").hangup(5.01)
    assert script.record.linkedid == CALLER


def test_own_taps_and_spies_are_nobodys_call():
    script = Script()
    for channel in ("Snoop/1795295000.1-00000000", "AudioSocket/127.0.0.1:9092-1"):
        script.send("QueueCallerJoin", 0, Uniqueid="s.1", Channel=channel, Queue="support")
    script.send("Hangup", 1, Uniqueid="s.1", Channel="Snoop/1795295000.1-00000000")
    assert script.events == []


def test_attended_transfer_into_the_queue_hands_the_place_on():
    consult = "1795295009.7"
    script = Script(caller=consult).join(0)
    script.send(
        "AttendedTransfer",
        4,
        SecondTransfererUniqueid=consult,
        OrigTransfererUniqueid="a.1",
        TransfereeUniqueid=CALLER,
        DestType="App",
        DestApp="Queue",
    )
    script.hangup(4.01)
    assert script.records == []
    script.caller = CALLER
    script.hangup_request(9).abandon(9).leave(9).hangup(9.01)
    assert script.record.uniqueid == consult
    assert script.record.wait_s == pytest.approx(9.0)


@pytest.mark.parametrize("hung_up_first", [True, False])
@pytest.mark.parametrize("cause", ["17", "21"])
def test_refused_ring_is_busy_in_the_record_however_it_is_told(hung_up_first, cause):
    script = Script().join(0).ringing(1)
    if hung_up_first:
        script.hangup(2, "a.1", cause=cause).ring_no_answer(2).dial_end(2, "NOANSWER")
    else:
        script.dial_end(2, "NOANSWER").ring_no_answer(2).hangup(2, "a.1", cause=cause)
    script.hangup_request(5).abandon(5).leave(5).hangup(5.1)
    assert [attempt.result for attempt in script.record.attempts] == ["busy"]
    assert script.record.unanswered == ("PJSIP/1001",)


def test_missing_completion_is_made_up_from_a_hangup_that_somebody_asked_for():
    script = Script().answered().hangup_request(11).hangup(11.001).tick(15)
    assert script.record.talk_s == pytest.approx(8.001)
    assert script.record.hangup_by == "customer"
    assert script.record.complete


def test_missing_completion_is_marked_where_nobody_is_known_to_have_hung_up():
    script = Script().answered().hangup(11.001).tick(15)
    assert script.record.talk_s == pytest.approx(8.001)
    assert script.record.hangup_by == ""
    assert script.record.incomplete_reason == "agent_complete_unseen"


def test_connect_without_a_join_gives_a_marked_record():
    script = Script().connect(10, hold="7").hangup_request(15).complete(15, "caller").hangup(15.01)
    assert script.of(CallJoined)[0].resumed
    assert script.record.outcome == "answered"
    assert script.record.wait_s == pytest.approx(7.0)
    assert script.record.ring_s is None
    assert script.record.incomplete_reason == "join_unseen,ring_unseen"


def test_completion_without_a_connect_gives_a_marked_record():
    script = Script().join(0).complete(20, "agent", hold="4", talk="16").hangup(20.01)
    assert script.record.outcome == "answered"
    assert script.record.agent == "PJSIP/1001"
    assert script.record.talk_s == pytest.approx(16.0)
    assert "connect_unseen" in script.record.incomplete_reason


def test_completion_alone_gives_a_marked_record():
    script = Script().complete(20, "agent", hold="4", talk="6").hangup(20.01)
    assert script.record.outcome == "answered"
    assert script.record.wait_s == pytest.approx(4.0)
    assert not script.record.complete


@pytest.mark.parametrize("stamp", ["", "nan", "inf", "-5", "1e400", "soon", "12"])
def test_unusable_timestamp_falls_back_on_arrival(stamp):
    reducer = CallReducer("pbx")
    join = message("QueueCallerJoin", Timestamp=stamp, Uniqueid=CALLER, Queue="q")
    (joined,) = reducer.feed(join, T0)
    assert joined.at == T0
    gone = message("Hangup", Timestamp=stamp, Uniqueid=CALLER)
    (ended,) = reducer.feed(gone, T0 + 5)
    assert ended.record.arrival_times


@pytest.mark.parametrize(
    ("alerting", "cycle", "rings"),
    [
        (None, 5.0, None),
        (0.0, 5.0, 1),
        (4.99, 5.0, 1),
        (5.0, 5.0, 2),
        (14.9, 5.0, 3),
        (6.1, 6.0, 2),
    ],
)
def test_rings_are_counted_by_the_cycle_from_the_first_on(alerting, cycle, rings):
    assert rings_of(alerting, cycle) == rings


def test_ring_cadence_is_a_setting():
    script = Script(CallReducer("pbx", ring_cycle_s=1.0)).answered()
    assert script.of(CallConnected)[0].rings == 3


def test_hostile_caller_name_reaches_the_record_as_it_is():
    name = "张\u2028\u0085\r\nHangup: 1\x00" + "x" * 10
    script = Script().join(0, CallerIDName=name)
    script.hangup_request(1).abandon(1).leave(1).hangup(1)
    assert script.record.caller_name == name


def test_every_phase_can_end_and_nothing_follows_the_end():
    for phase in Phase:
        steps = {step for (start, step) in TRANSITIONS if start is phase}
        assert (Step.SETTLED in steps) is (phase is not Phase.ENDED)
        if phase is Phase.ENDED:
            assert not steps


def test_memory_stays_flat_over_many_calls():
    reducer = CallReducer("pbx", remember=1000)
    ended = 0
    for number in range(30_000):
        at = T0 + number * 0.01
        uid = f"{number}.1"
        dest = f"{number}.2"
        for event, headers in (
            ("QueueCallerJoin", {"Queue": "q"}),
            ("AgentCalled", {"DestUniqueid": dest, "Interface": "PJSIP/1"}),
            ("AgentConnect", {"DestUniqueid": dest, "Interface": "PJSIP/1"}),
            ("AgentComplete", {"Reason": "caller"}),
            ("Hangup", {}),
        ):
            fed = reducer.feed(message(event, at, Uniqueid=uid, **headers), at)
            ended += sum(isinstance(e, CallEnded) for e in fed)
        assert reducer.book.size <= 1000
    assert ended == 30_000


def test_calls_that_never_end_are_bounded_and_closed_with_a_mark():
    reducer = CallReducer("pbx", max_open=10)
    events = []
    for number in range(15):
        events += reducer.feed(message("QueueCallerJoin", T0, Uniqueid=f"{number}"), T0)
    assert len(reducer.book) == 10
    closed = [event.record for event in events if isinstance(event, CallEnded)]
    assert [record.incomplete_reason for record in closed] == ["too_many_open"] * 5


def test_who_waits_and_who_talks_to_whom_is_told():
    script = Script().answered(4.0)
    (waits,), (talks,) = script.of(CallJoined), script.of(CallConnected)
    assert (waits.queue, waits.caller, waits.caller_name, waits.position) == (
        "support", "5550100", "", 1,
    )  # fmt: skip
    assert (talks.channel, talks.uniqueid) == ("PJSIP/trunk-00000001", CALLER)
    assert (talks.queue, talks.agent, talks.agent_name) == (
        "support", "PJSIP/1001", "Agent PJSIP/1001",
    )  # fmt: skip


@pytest.mark.parametrize("told_of_the_answer", [True, False])
def test_a_call_goes_on_however_long_nothing_is_told_of_it(told_of_the_answer):
    script = Script().join(0).ringing(1)
    if told_of_the_answer:  # else leaving the queue looks at first as if the caller had gone
        script.dial_end(3, "ANSWER")
    script.connect(3).tick(7200)
    assert script.of(CallEnded) == []
    script.hangup_request(7201).complete(7201.001, "caller", talk="7198").hangup(7201.002)
    assert script.record.outcome == "answered"
    assert script.record.talk_s == pytest.approx(7198, abs=0.01)


def test_no_ring_is_shorter_than_nothing_when_the_clock_is_set_back():
    script = Script().join(0).ringing(5).dial_end(4.5, "CANCEL")
    (ended,) = script.of(RingEnded)
    assert ended.ring_s == 0.0
