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


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One finished queue visit.

    Durations in seconds: `wait_s` from joining to connect or leaving, `ring_s` the answering
    leg's alerting time, `talk_s` from connect to the end of that agent's part with `hold_s` its
    held part. A duration that could not be known is None, `complete` false, and
    `incomplete_reason` says why (`joined_before_connect`, `ami_gap`, …; several joined by `,`).
    `joined_at`, `answered_at`, `ended_at` are seconds since the epoch by the PBX's clock;
    `arrival_times` is true when the PBX sent no Timestamp and our own clock stood in.
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
    """The agent handed the caller on."""

    kind: Literal["blind", "attended"]
    from_agent: str
    to: str


class CallEnded(CallEvent, frozen=True, kw_only=True):
    """The visit is over and its record is final."""

    record: CallRecord


class AgentSpeechEnds(CallEvent, frozen=True, kw_only=True):
    """The agent's part of the call is over: later audio of that leg is another party's."""


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
    """How the connection that asks for audio is (ARI)."""

    delivery: ClassVar[Delivery] = Delivery.LATEST

    system: str
    up: bool
    legs: int
    detail: str = ""

    def latest_key(self) -> object:
        """One state per PBX."""
        return ("tap_health", self.system)
