"""Hand-made manager messages of one queue call, as Asterisk 22 orders them."""

from __future__ import annotations

from telephony.ami.parser import AmiMessage
from telephony.calls.reducer import CallReducer
from telephony.events import CallEnded

T0 = 1_795_295_000.0
CALLER = "1795295000.1"


def message(event, at=None, **headers):
    pairs = [("Event", event)]
    if at is not None:
        pairs.append(("Timestamp", f"{at:.6f}"))
    return AmiMessage([*pairs, *headers.items()])


class Script:
    """Feeds a reducer; each method is what Asterisk sends at `T0 + at`."""

    def __init__(self, reducer=None, *, caller=CALLER, queue="support", timestamps=True):
        self.reducer = reducer or CallReducer("pbx")
        self.caller = caller
        self.queue = queue
        self.timestamps = timestamps
        self.events = []

    def send(self, event, at, **headers):
        stamp = T0 + at if self.timestamps else None
        fed = self.reducer.feed(message(event, stamp, **headers), T0 + at + 0.001)
        self.events += fed
        return self

    def caller_side(self, **more):
        return {
            "Channel": "PJSIP/trunk-00000001",
            "Uniqueid": self.caller,
            "Linkedid": self.caller,
            "CallerIDNum": "5550100",
            "CallerIDName": "<unknown>",
            **more,
        }

    def join(self, at, **more):
        return self.send(
            "QueueCallerJoin", at, **self.caller_side(Queue=self.queue, Position="1", **more)
        )

    def leave(self, at):
        return self.send("QueueCallerLeave", at, **self.caller_side(Queue=self.queue))

    def abandon(self, at, hold="0"):
        return self.send(
            "QueueCallerAbandon", at, **self.caller_side(Queue=self.queue, HoldTime=hold)
        )

    def called(self, at, agent, channel_id):
        return self.send(
            "AgentCalled",
            at,
            **self.caller_side(
                DestUniqueid=channel_id, Interface=agent, MemberName=f"Agent {agent}"
            ),
        )

    def dial(self, event, at, channel_id, status):
        return self.send(event, at, **self.caller_side(DestUniqueid=channel_id, DialStatus=status))

    def ringing(self, at, agent="PJSIP/1001", channel_id="a.1"):
        self.called(at, agent, channel_id)
        return self.dial("DialState", at, channel_id, "RINGING")

    def dial_end(self, at, status, channel_id="a.1"):
        return self.dial("DialEnd", at, channel_id, status)

    def ring_no_answer(self, at, agent="PJSIP/1001", channel_id="a.1"):
        return self.send(
            "AgentRingNoAnswer",
            at,
            **self.caller_side(DestUniqueid=channel_id, Interface=agent, RingTime="0"),
        )

    def connect(self, at, agent="PJSIP/1001", channel_id="a.1", hold="0"):
        self.leave(at)
        return self.send(
            "AgentConnect",
            at,
            **self.caller_side(
                DestUniqueid=channel_id,
                DestChannel=f"{agent}-00000002",
                Interface=agent,
                MemberName=f"Agent {agent}",
                Queue=self.queue,
                HoldTime=hold,
            ),
        )

    def complete(self, at, reason, agent="PJSIP/1001", channel_id="a.1", *, hold="0", talk="0"):
        return self.send(
            "AgentComplete",
            at,
            **self.caller_side(
                DestUniqueid=channel_id,
                Interface=agent,
                Queue=self.queue,
                Reason=reason,
                HoldTime=hold,
                TalkTime=talk,
            ),
        )

    def answered(self, at=3.0, agent="PJSIP/1001", channel_id="a.1"):
        """Join at 0, ring from 1, answer at `at`."""
        self.join(0.0).ringing(1.0, agent, channel_id).dial_end(at, "ANSWER", channel_id)
        return self.connect(at, agent, channel_id)

    def hangup_request(self, at, channel_id=None):
        return self.send("HangupRequest", at, Uniqueid=channel_id or self.caller)

    def soft_hangup(self, at, channel_id=None, cause="16"):
        return self.send("SoftHangupRequest", at, Uniqueid=channel_id or self.caller, Cause=cause)

    def hangup(self, at, channel_id=None, cause="16"):
        return self.send("Hangup", at, Uniqueid=channel_id or self.caller, Cause=cause)

    def variable(self, at, value):
        return self.send("VarSet", at, Uniqueid=self.caller, Variable="QUEUESTATUS", Value=value)

    def dialplan(self, at):
        return self.send("Newexten", at, Uniqueid=self.caller)

    def tick(self, at):
        self.events += self.reducer.tick(T0 + at)
        return self

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def records(self):
        return [event.record for event in self.of(CallEnded)]

    @property
    def record(self):
        (record,) = self.records
        return record
