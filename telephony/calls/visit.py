"""One queue visit while it is under way, and the record it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from backbone.ids import call_id
from telephony.calls.phases import TRANSITIONS, Phase, Step
from telephony.events import CallRecord, Handover, HangupBy, Outcome, RingAttempt


class OpenCall(msgspec.Struct, frozen=True, kw_only=True):
    """A visit that had not ended when its last event was stored."""

    call_id: str
    system: str
    uniqueid: str
    linkedid: str
    visit: int
    queue: str
    caller: str
    caller_name: str
    agent: str
    joined_at: float
    answered_at: float | None
    wait_s: float | None
    ring_s: float | None
    rings: int | None
    incomplete_reason: str = ""


@dataclass(slots=True)
class Attempt:
    """One ring of one agent's phone; `attempt_id` is the ringing channel's Uniqueid."""

    attempt_id: str
    agent: str
    agent_name: str
    ringing_at: float | None = None
    ring_s: float | None = None
    ended: bool = False
    answered: bool = False
    missed: bool = False
    refused: bool = False


@dataclass(slots=True, eq=False)
class Visit:
    """What is known of one queue visit. Times in seconds since the epoch.

    `channel_id` is the Uniqueid under which the caller's channel is known now: a transfer into
    the queue can put another one in the waiting channel's place.
    """

    system: str
    uniqueid: str
    linkedid: str
    number: int
    queue: str
    caller: str
    caller_name: str
    channel: str
    joined_at: float
    phase: Phase = Phase.WAITING
    channel_id: str = ""
    call_id: str = ""
    by_arrival: bool = False
    reasons: dict[str, None] = field(default_factory=dict)
    estimated_join: bool = False

    attempts: dict[str, Attempt] = field(default_factory=dict)
    answered_attempt: bool = False
    missed_ids: set[str] = field(default_factory=set)
    unanswered: list[str] = field(default_factory=list)
    ring_attempts: list[RingAttempt] = field(default_factory=list)

    left_at: float | None = None
    abandon_seen: bool = False
    queue_status: str = ""
    moved_on: bool = False
    forced_outcome: Outcome | None = None

    agent: str = ""
    agent_name: str = ""
    agent_channel: str = ""
    agent_channel_id: str = ""
    answered_at: float | None = None
    wait_s: float | None = None
    ring_s: float | None = None
    rings: int | None = None

    hold_causes: set[str] = field(default_factory=set)
    held_since: float | None = None
    hold_s: float = 0.0

    transferred: bool = False
    handovers: list[Handover] = field(default_factory=list)
    wrap_up_s: float | None = None
    picked_up_by: str = ""
    conference: bool = False
    complete_reason: str = ""
    part_ended_at: float | None = None
    part_end_unknown: bool = False
    speech_ended: bool = False
    hung_up_by: HangupBy = ""
    hangup_asked_at: float | None = None
    caller_gone: bool = False
    hangup_cause: int | None = None

    def __post_init__(self) -> None:
        self.channel_id = self.channel_id or self.uniqueid
        self.call_id = self.call_id or call_id(self.system, self.uniqueid, self.number)

    def step(self, step: Step) -> bool:
        """Move on by the table; False when the table has no such step from here."""
        following = TRANSITIONS.get((self.phase, step))
        if following is None:
            return False
        self.phase = following
        return True

    @property
    def with_agent(self) -> bool:
        """Whether the agent's part is under way."""
        return self.phase in {Phase.TALKING, Phase.ON_HOLD}

    @property
    def queued(self) -> bool:
        """Whether no agent has taken the caller yet."""
        return self.phase in {Phase.WAITING, Phase.LEAVING}

    @property
    def may_be_parked(self) -> bool:
        """Whether the transfer may yet turn out to be into a parking lot."""
        return bool(self.handovers) and self.handovers[-1].kind == "blind"

    def doubt(self, reason: str) -> None:
        """Note why the record will be incomplete."""
        self.reasons.setdefault(reason)

    def hold_until(self, at: float) -> float:
        """End the running hold; return how long it was."""
        held = max(0.0, at - self.held_since) if self.held_since is not None else 0.0
        self.hold_s += held
        self.held_since = None
        self.hold_causes.clear()
        return held

    def record(self, outcome: Outcome, ended_at: float) -> CallRecord:
        """The finished visit's record."""
        talk_s = None
        wait_s = self.wait_s
        if self.answered_at is not None:
            if not self.part_end_unknown:
                talk_s = max(0.0, ended_at - self.answered_at)
        elif not self.part_end_unknown:
            wait_s = max(0.0, ended_at - self.joined_at)
        return CallRecord(
            call_id=self.call_id,
            system=self.system,
            uniqueid=self.uniqueid,
            linkedid=self.linkedid,
            visit=self.number,
            queue=self.queue,
            caller=self.caller,
            caller_name=self.caller_name,
            agent=self.agent,
            outcome=outcome,
            joined_at=self.joined_at,
            answered_at=self.answered_at,
            ended_at=ended_at,
            wait_s=wait_s,
            ring_s=self.ring_s,
            rings=self.rings,
            talk_s=talk_s,
            hold_s=self.hold_s,
            transfers=int(self.transferred),
            hangup_by=self._hangup_side(outcome),
            hangup_cause=None if self._handed_on else self.hangup_cause,
            unanswered=tuple(self.unanswered),
            complete=not self.reasons,
            incomplete_reason=",".join(self.reasons),
            arrival_times=self.by_arrival,
            attempts=tuple(self.ring_attempts),
            handovers=tuple(self.handovers),
            wrap_up_s=self.wrap_up_s if self.answered_at is not None else None,
            picked_up_by=self.picked_up_by,
            conference=self.conference,
            agent_name=self.agent_name,
        )

    @property
    def _handed_on(self) -> bool:
        return self.transferred or self.complete_reason == "transfer"

    def _hangup_side(self, outcome: Outcome) -> HangupBy:
        if outcome == "abandoned":
            return self.hung_up_by
        if outcome != "answered":
            return ""
        if self._handed_on:
            return "transfer"
        if self.hung_up_by:
            return self.hung_up_by
        sides: dict[str, HangupBy] = {"caller": "customer", "agent": "agent"}
        return sides.get(self.complete_reason, "")
