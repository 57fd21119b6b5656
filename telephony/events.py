"""What happens to a call and to a PBX, in the field's terms.

A call here is one visit of a caller to a queue; a caller transferred back into a queue is a
second visit with the same `uniqueid` and another `call_id`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from backbone.events import Delivery, Event

Outcome = Literal[
    "answered",
    "abandoned",
    "timeout",
    "exit_key",
    "exit_empty",
    "withdrawn",
    "transferred_in_queue",
]
RingResult = Literal["answered", "no_answer", "busy", "cancelled", "failed"]
HangupBy = Literal["customer", "agent", "transfer", "system", ""]
HandoverKind = Literal["blind", "attended", "parked"]
RefusalReason = Literal["full", "join_empty"]


class RingAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One ring of one agent's phone. `started_at` and `ring_s` are None when it never alerted."""

    agent: str
    started_at: float | None
    ring_s: float | None
    rings: int | None
    result: RingResult


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """The caller was handed on: by whom, to which extension (a parking space when parked)."""

    at: float
    kind: HandoverKind
    from_agent: str
    to: str


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One finished queue visit.

    Durations in seconds: `wait_s` from joining to connect or leaving, `ring_s` the answering
    leg's alerting time, `talk_s` from connect to the end of that agent's part with `hold_s` its
    held part. A duration that could not be known is None, `complete` false, and
    `incomplete_reason` says why (`joined_before_connect`, `ami_gap`, …; several joined by `,`).
    `joined_at`, `answered_at`, `ended_at` are seconds since the epoch by the PBX's clock;
    `arrival_times` is true when the PBX sent no Timestamp and our own clock stood in.

    `attempts` are the rings of agents' phones in the order in which they ended, `handovers` the
    transfers with from and to. `wrap_up_s` is the time the queue leaves the agent after the call
    (the member's own Wrapuptime, else the queue's as set; None when neither is known).
    `picked_up_by` is the device of whoever took the agent's ringing call, and `conference` is true
    when a third party joined the talk. `agent_name` is the member's name, by which queue_log calls
    the agent.
    """

    call_id: str
    system: str
    uniqueid: str
    linkedid: str
    visit: int
    queue: str
    caller: str
    caller_name: str
    agent: str
    outcome: Outcome
    joined_at: float
    answered_at: float | None
    ended_at: float
    wait_s: float | None
    ring_s: float | None
    rings: int | None
    talk_s: float | None
    hold_s: float
    transfers: int
    hangup_by: HangupBy
    hangup_cause: int | None
    unanswered: tuple[str, ...]
    complete: bool
    incomplete_reason: str = ""
    arrival_times: bool = False
    attempts: tuple[RingAttempt, ...] = ()
    handovers: tuple[Handover, ...] = ()
    wrap_up_s: float | None = None
    picked_up_by: str = ""
    conference: bool = False
    agent_name: str = ""


class CallEvent(Event, frozen=True, kw_only=True):
    """Something that happened to one queue visit; `at` is the PBX's time of it."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str


class CallJoined(CallEvent, frozen=True, kw_only=True):
    """A caller entered a queue. `resumed` is true when we learned of it by a resync."""

    system: str
    uniqueid: str
    linkedid: str
    visit: int
    queue: str
    caller: str
    caller_name: str
    position: int
    resumed: bool = False


class RingStarted(CallEvent, frozen=True, kw_only=True):
    """An agent's phone is alerting. `attempt_id` is the ringing channel's Uniqueid."""

    queue: str
    agent: str
    agent_name: str
    attempt_id: str


class RingEnded(CallEvent, frozen=True, kw_only=True):
    """An agent's phone stopped alerting after `ring_s` seconds (None: it never alerted)."""

    queue: str
    agent: str
    attempt_id: str
    ring_s: float | None
    rings: int | None
    result: RingResult


class CallConnected(CallEvent, frozen=True, kw_only=True):
    """An agent answered. `uniqueid` is the caller's channel, what a tap snoops on.

    `heard_at` is when our own clock heard of it; None when the answer itself was not seen.
    """

    system: str
    uniqueid: str
    channel: str
    queue: str
    agent: str
    agent_name: str
    wait_s: float | None
    ring_s: float | None
    rings: int | None
    resumed: bool = False
    heard_at: float | None = None


class CallHeld(CallEvent, frozen=True, kw_only=True):
    """The caller hears hold music."""


class CallResumed(CallEvent, frozen=True, kw_only=True):
    """The caller is back from hold; `held_s` seconds."""

    held_s: float


class CallTransferred(CallEvent, frozen=True, kw_only=True):
    """The agent handed the caller on; one who is parked may be told of twice, the space last."""

    kind: HandoverKind
    from_agent: str
    to: str


class CallEnded(CallEvent, frozen=True, kw_only=True):
    """The visit is over and its record is final."""

    record: CallRecord


class CallRefused(Event, frozen=True, kw_only=True):
    """A caller came to a queue that took nobody in: there is no visit and no record.

    `attempt` numbers the refusals of one channel, from 1. They count as offered and refused.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    system: str
    uniqueid: str
    attempt: int
    queue: str
    reason: RefusalReason


class AgentSpeechEnds(CallEvent, frozen=True, kw_only=True):
    """The agent's part of the call is over: later audio of that leg is another party's."""


class DirectCallEnded(Event, frozen=True, kw_only=True):
    """A call that an agent placed is over: outside a queue, so no visit and in no queue's KPIs.

    `direction` is outbound, or internal when another agent was called. `answered_at` is None when
    nobody answered; `ring_s` is the called phone's alerting time. `outcome` is of the call's own
    set: answered, abandoned (the agent gave up), timeout, busy or failed.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    system: str
    uniqueid: str
    linkedid: str
    direction: Literal["outbound", "internal"]
    agent: str
    number: str
    started_at: float
    answered_at: float | None
    ended_at: float
    ring_s: float | None
    talk_s: float | None
    outcome: Literal["answered", "abandoned", "timeout", "busy", "failed"]
    hangup_by: Literal["customer", "agent", ""]
    complete: bool
    incomplete_reason: str = ""


AgentPhase = Literal[
    "logged_out",
    "unreachable",
    "available",
    "ringing",
    "talking",
    "on_hold",
    "wrap_up",
    "paused",
]
"""What an agent is doing; `unreachable` is a member whose phone is not registered."""


class AgentState(Event, frozen=True, kw_only=True):
    """What an agent is doing now, since `since`.

    `agent` is the member's interface. `queues` are those the agent is logged in to, `paused_in`
    those among them where no call is offered. `call_id` is the queue visit under way, empty in
    other calls. `missed_in_a_row` counts the rings since the last answer; `wrap_up_until` is when
    the queue offers calls again.
    """

    delivery: ClassVar[Delivery] = Delivery.LATEST

    system: str
    agent: str
    name: str
    state: AgentPhase
    since: float
    reason: str = ""
    queues: tuple[str, ...] = ()
    paused_in: tuple[str, ...] = ()
    call_id: str = ""
    missed_in_a_row: int = 0
    wrap_up_until: float | None = None

    def latest_key(self) -> object:
        """One state per agent of a PBX."""
        return ("agent_state", self.system, self.agent)


class AgentStateChanged(Event, frozen=True, kw_only=True):
    """An agent began to do something else at `at`; kept for occupancy over the day."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    system: str
    agent: str
    state: AgentPhase
    reason: str = ""


class WaitingCaller(msgspec.Struct, frozen=True, kw_only=True):
    """A caller in a queue; position 1 is next."""

    call_id: str
    position: int
    since: float


class QueueState(Event, frozen=True, kw_only=True):
    """Who waits in a queue and who could answer.

    `longest_since` is when the longest waiting caller joined, None when nobody waits. `members`
    are logged in and reachable, `available` of them are free to take a call now, `paused` want
    none.
    """

    delivery: ClassVar[Delivery] = Delivery.LATEST

    system: str
    queue: str
    waiting: tuple[WaitingCaller, ...]
    longest_since: float | None
    members: int
    available: int
    paused: int

    def latest_key(self) -> object:
        """One state per queue of a PBX."""
        return ("queue_state", self.system, self.queue)


class AgentMissedRings(Event, frozen=True, kw_only=True):
    """An agent has left `missed` rings unanswered within `window_s`: the supervisor's rule."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    system: str
    agent: str
    missed: int
    window_s: float


class ReconcileFinished(Event, frozen=True, kw_only=True):
    """Our records were laid beside Asterisk's queue_log; `differences` by kind."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    system: str
    since: float
    until: float
    visits: int
    differences: dict[str, int]
    bad_lines: int


RatingScale = Literal["like", "five"]
"""`like`: pressed 1 to like the agent. `five`: 1 (bad) to 5 (good)."""


class CallRated(CallEvent, frozen=True, kw_only=True):
    """After the agent had hung up, the caller pressed a key; it mostly follows `CallEnded`."""

    queue: str
    agent: str
    scale: RatingScale
    value: int


class PbxHealth(Event, frozen=True, kw_only=True):
    """How the connection to one PBX is.

    `last_event_at` is the arrival of the last AMI message; `state` says in one word what the
    connection is doing; `detail` is a clear sentence for people, without secrets.
    """

    delivery: ClassVar[Delivery] = Delivery.LATEST

    system: str
    up: bool
    state: Literal["connecting", "logging_in", "syncing", "up", "refused", "lost", "stopped"]
    last_event_at: float | None
    reconnects: int
    detail: str = ""

    def latest_key(self) -> object:
        """One state per PBX."""
        return ("pbx_health", self.system)


class TapHealth(Event, frozen=True, kw_only=True):
    """How the connection that asks for audio is (ARI), and what of it the PBX has lost.

    `lost_s` are the seconds of audio, of all legs since the start, that should have come and were
    thrown away in the PBX: it had too much to do.
    """

    delivery: ClassVar[Delivery] = Delivery.LATEST

    system: str
    up: bool
    legs: int
    detail: str = ""
    lost_s: float = 0.0

    def latest_key(self) -> object:
        """One state per PBX."""
        return ("tap_health", self.system)
