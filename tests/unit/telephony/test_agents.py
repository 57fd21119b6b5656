"""Agents and queues as they are now, from messages and call events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.telephony.scenario import T0, Script, message

from telephony.agents.missed import WEEK_S, MissedRings, missed_within
from telephony.agents.occupancy import time_spent
from telephony.agents.reducer import AgentReducer
from telephony.calls.reducer import CallReducer
from telephony.events import AgentMissedRings, AgentState, AgentStateChanged, QueueState

AGENT = "PJSIP/1001"


class Floor:
    """A call script whose messages reach the agents' reducer too."""

    def __init__(self, **more):
        self.agents = AgentReducer("pbx", **more)
        self.script = Script(self)
        self.events = []
        self.reducer = CallReducer("pbx")

    def feed(self, msg, arrived):
        events = self.reducer.feed(msg, arrived)
        self.events += self.agents.feed(msg, arrived, events)
        return events

    def member(self, at, event="QueueMemberStatus", agent=AGENT, queue="support", **more):
        fields = {"Status": "1", "Paused": "0", "PausedReason": "", "Wrapuptime": "0"} | more
        self.feed(
            message(event, T0 + at, Queue=queue, Interface=agent, MemberName="Agent", **fields),
            T0 + at,
        )
        return self

    def tick(self, at):
        self.events += self.agents.tick(T0 + at)
        return self

    def states(self, agent=AGENT):
        return [
            (round(e.at - T0, 3), e.state)
            for e in self.events
            if isinstance(e, AgentStateChanged) and e.agent == agent
        ]

    def agent(self, agent=AGENT):
        return [e for e in self.events if isinstance(e, AgentState) and e.agent == agent][-1]

    def queue(self, queue="support"):
        return [e for e in self.events if isinstance(e, QueueState) and e.queue == queue][-1]


def test_agent_goes_through_a_whole_call():
    floor = Floor().member(-5, "QueueMemberAdded", Wrapuptime="10")
    floor.script.join(0).ringing(1).dial_end(3, "ANSWER").connect(3)
    floor.script.send("Hold", 5, Uniqueid="a.1").send("Unhold", 7, Uniqueid="a.1")
    floor.script.hangup_request(11).complete(11, "caller").hangup(11.001)
    floor.tick(15).tick(21.1)
    assert floor.states() == [
        (-5, "available"),
        (1, "ringing"),
        (3, "talking"),
        (5, "on_hold"),
        (7, "talking"),
        (11, "wrap_up"),
        (21.1, "available"),
    ]
    assert floor.agent().queues == ("support",)
    assert floor.agent().since == pytest.approx(T0 + 21.1)


def test_state_tells_the_call_and_when_wrap_up_ends():
    floor = Floor().member(-5, Wrapuptime="10")
    floor.script.answered()
    assert floor.agent().call_id == floor.reducer.book.of_caller(floor.script.caller).call_id
    floor.script.hangup_request(11).complete(11, "caller").hangup(11.001)
    assert floor.agent().wrap_up_until == pytest.approx(T0 + 21)
    assert floor.agent().call_id == ""


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"Status": "1"}, "available"),
        ({"Status": "0"}, "available"),
        ({"Status": "2"}, "talking"),
        ({"Status": "6"}, "ringing"),
        ({"Status": "8"}, "on_hold"),
        ({"Status": "5"}, "unreachable"),
        ({"Status": "4"}, "unreachable"),
        ({"Status": "1", "Paused": "1", "PausedReason": "lunch"}, "paused"),
        ({"Status": "2", "Paused": "1"}, "talking"),
        ({"Status": "77"}, "available"),
    ],
)
def test_phone_and_pause_tell_the_state_outside_of_calls(fields, state):
    floor = Floor().member(0, **fields).tick(1)
    assert floor.agent().state == state
    assert floor.agent().reason == fields.get("PausedReason", "")


def test_pause_in_one_of_two_queues_leaves_the_agent_available():
    floor = Floor().member(0).member(0, queue="report", Paused="1", PausedReason="training")
    assert floor.agent().state == "available"
    assert floor.agent().paused_in == ("report",)
    assert (floor.queue().available, floor.queue("report").available) == (1, 0)
    assert floor.queue("report").paused == 1
    floor.member(1, "QueueMemberPause", Paused="1", PausedReason="lunch")
    assert floor.agent().state == "paused"


def test_phone_that_is_in_use_for_a_moment_after_a_call_is_no_other_call():
    floor = Floor().member(-5)
    floor.script.answered()
    floor.member(3.1, Status="2")
    floor.script.hangup_request(11).complete(11, "caller").hangup(11.001)
    floor.member(11.01, Status="2").member(11.05, Status="1").tick(12)
    assert floor.states()[-2:] == [(3, "talking"), (11, "available")]
    floor.member(20, Status="2").tick(20.6)
    assert floor.states()[-1] == (20.6, "talking")


def test_logging_out_of_the_last_queue():
    floor = Floor().member(0).member(0, queue="report")
    floor.member(5, "QueueMemberRemoved")
    assert floor.agent().state == "available"
    floor.member(6, "QueueMemberRemoved", queue="report")
    assert floor.states() == [(0, "available"), (6, "logged_out")]
    assert floor.queue("report").members == 0


def test_queue_tells_who_waits_where_and_who_is_free():
    floor = Floor().member(-5)
    floor.script.join(0)
    other = Script(floor, caller="c.2")
    other.join(4)  # Position 1: called ahead of the first
    queue = floor.queue()
    assert [(w.position, round(w.since - T0)) for w in queue.waiting] == [(1, 4), (2, 0)]
    assert round(queue.longest_since - T0) == 0
    assert (queue.members, queue.available) == (1, 1)
    floor.script.ringing(5).dial_end(6, "ANSWER").connect(6)
    queue = floor.queue()
    assert [(w.position, round(w.since - T0)) for w in queue.waiting] == [(1, 4)]
    assert (queue.members, queue.available) == (1, 0)
    other.abandon(9).leave(9).hangup(9.1)
    assert floor.queue().waiting == ()
    assert floor.queue().longest_since is None


def misses(floor, at, number):
    channel = f"m.{number}"
    floor.script.ringing(at, channel_id=channel).ring_no_answer(at + 5, channel_id=channel)
    floor.script.dial_end(at + 5, "NOANSWER", channel)


def test_third_missed_ring_in_a_week_is_told_once():
    floor = Floor(missed=MissedRings(3)).member(-5)
    floor.script.join(0)
    for number in range(5):
        misses(floor, 10.0 * (number + 1), number)
    (told,) = [e for e in floor.events if isinstance(e, AgentMissedRings)]
    assert (told.agent, told.missed, round(told.at - T0)) == (AGENT, 3, 35)
    assert floor.agent().missed_in_a_row == 5
    floor.script.ringing(70, channel_id="a.9").dial_end(72, "ANSWER", "a.9").connect(
        72, channel_id="a.9"
    )
    assert floor.agent().missed_in_a_row == 0


def test_rings_before_the_week_do_not_count_and_stored_ones_do():
    rule = MissedRings(3)
    rule.restore([("a", 0.0), ("a", WEEK_S), ("b", WEEK_S), ("b", WEEK_S), ("b", WEEK_S)], WEEK_S)
    assert rule.missed("a", WEEK_S + 1) is None
    assert rule.missed("a", WEEK_S + 2) == 3
    assert rule.missed("b", WEEK_S + 2) is None  # it was told before
    assert rule.missed("b", 3 * WEEK_S) is None
    assert rule.missed("b", 3 * WEEK_S) is None
    assert rule.missed("b", 3 * WEEK_S) == 3


@given(st.lists(st.floats(0, 3 * WEEK_S)), st.floats(0, 3 * WEEK_S))
def test_window_holds_what_lies_in_it(missed, now):
    count = missed_within(missed, now)
    assert count == len([at for at in missed if now - WEEK_S < at <= now])


def test_lists_after_a_gap_set_everything_right():
    floor = Floor().member(-5).member(-5, agent="PJSIP/1002")
    floor.script.answered()
    entry = {"Queue": "support", "Location": "PJSIP/1002", "Name": "Two", "Status": "1"}
    events = floor.agents.resync(
        [message("QueueMember", **entry, Paused="1", PausedReason="lunch", Wrapuptime="0")],
        [message("QueueParams", Queue="report")],
        [],
        T0 + 60,
    )
    floor.events += events
    assert floor.agent().state == "logged_out"
    assert floor.agent("PJSIP/1002").state == "paused"
    assert floor.queue().members == 1
    assert floor.queue("report").members == 0


def test_calls_of_an_earlier_run_are_taken_up():
    before = Script().answered()
    waiting = Script(before.reducer, caller="c.2").join(4)
    floor = Floor()
    entry = {"Queue": "support", "Location": AGENT, "Status": "2", "Wrapuptime": "0"}
    floor.events += floor.agents.resync(
        [message("QueueMember", **entry)], [], list(waiting.reducer.book), T0 + 60
    )
    assert floor.agent().state == "talking"
    assert floor.agent().call_id
    assert len(floor.queue().waiting) == 1


def test_occupancy_of_a_day():
    changes = [
        (0.0, "available"),
        (100.0, "ringing"),
        (110.0, "talking"),
        (160.0, "on_hold"),
        (170.0, "wrap_up"),
        (180.0, "paused"),
        (280.0, "available"),
    ]
    spent = time_spent(changes, 50.0, 300.0)
    assert spent.seconds["available"] == 70
    assert spent.handling_s == 70
    assert spent.idle_s == 80
    assert spent.occupancy == pytest.approx(70 / 150)
    assert time_spent([], 0, 100).occupancy is None


@given(st.lists(st.tuples(st.floats(0, 1000), st.sampled_from(["available", "talking", "paused"]))))
def test_no_second_is_counted_twice_and_none_is_lost(changes):
    ordered = sorted(changes, key=lambda change: change[0])
    spent = time_spent(ordered, 200.0, 800.0)
    known = 800.0 - max(200.0, min(ordered[0][0], 800.0)) if ordered else 0.0
    assert sum(spent.seconds.values()) == pytest.approx(known)
