"""A call under way, and what its parties measured of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from tingzhen.lab.sip.leg import Leg, LegRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tingzhen.lab.scripts import CallerScript


class CallTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What the parties themselves measured of a call. Seconds, and epoch seconds.

    Attributes:
        uniqueid: Asterisk's id of the caller's channel.
        queue: Queue that was dialled.
        caller: The caller's number.
        agent: Interface of the agent who answered, None when nobody did.
        outcome: answered, abandoned (the caller hung up waiting), or released (Asterisk ended the
            wait: timeout, empty queue).
        began: The caller's INVITE.
        joined_at: Asterisk answered the caller, who waits from here on.
        answered_at: The agent's 200.
        ended_at: The caller's BYE, sent or received.
        wait_s: From `joined_at` to `answered_at`, or to the end when nobody answered.
        ring_s: The answering agent's alerting time: its 180 to its 200.
        talk_s: From `answered_at` to the end of that agent's leg, or of the caller's if earlier.
        hangup_by: caller, agent, or pbx (also for whoever the call was transferred to).
        caller_leg: The caller's record.
        agent_legs: The records of every agent leg of this call, in order of start.
    """

    uniqueid: str
    queue: str
    caller: str
    agent: str | None
    outcome: str
    began: float
    joined_at: float | None
    answered_at: float | None
    ended_at: float
    wait_s: float | None
    ring_s: float | None
    talk_s: float | None
    hangup_by: str
    caller_leg: LegRecord
    agent_legs: tuple[LegRecord, ...]


class PlacedCall:
    """A call under way; made by `Lab.place`.

    Attributes:
        caller: The caller's leg.
        agents: The agents' legs, as they came to ring.
        answering: The leg of the agent who answered.
        failure: What went wrong in playing the script, None for nothing.
        connected: Set at the instant of an agent's answer.
        named: Set when Asterisk's id of the caller's channel is known.
        uniqueid: That id, empty until then.
    """

    def __init__(self, script: CallerScript, caller: Leg) -> None:
        self.script = script
        self.caller = caller
        self.agents: list[Leg] = []
        self.answering: Leg | None = None
        self.failure: Exception | None = None
        self.connected = asyncio.Event()
        self.named = asyncio.Event()
        self.uniqueid = ""

    def truth(self) -> CallTruth:
        """Return what was measured; all of it once the call is over."""
        caller = self.caller.record()
        answering = self.answering.record() if self.answering else None
        answered_at = answering.answer if answering else None
        began = caller.start or 0.0
        ended = caller.end or began
        return CallTruth(
            uniqueid=self.uniqueid,
            queue=self.script.to.partition("-")[0],
            caller=self.script.number,
            agent=f"PJSIP/{answering.user}" if answering else None,
            outcome=_outcome(caller, answering),
            began=began,
            joined_at=caller.answer,
            answered_at=answered_at,
            ended_at=ended,
            wait_s=_between(caller.answer, answered_at or caller.end),
            ring_s=_between(answering.ring, answering.answer) if answering else None,
            talk_s=_between(answered_at, min(ended, answering.end or ended)) if answering else None,
            hangup_by=_hangup_by(caller, answering),
            caller_leg=caller,
            agent_legs=tuple(leg.record() for leg in self.agents),
        )


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else end - start


def _outcome(caller: LegRecord, answering: LegRecord | None) -> str:
    if answering is not None:
        return "answered"
    return "abandoned" if caller.ended_by == "local" else "released"


def _hangup_by(caller: LegRecord, answering: LegRecord | None) -> str:
    if caller.ended_by == "local":
        return "caller"
    if answering is not None and answering.ended_by == "local" and answering.cause == "bye":
        return "agent"
    return "pbx"


def busiest(truths: Sequence[CallTruth]) -> int:
    """Return how many answered calls went on at the same time at most."""
    edges = [(t.answered_at, 1) for t in truths if t.answered_at is not None]
    edges += [(t.ended_at, -1) for t in truths if t.answered_at is not None]
    count = most = 0
    for _, change in sorted(edges):
        count += change
        most = max(most, count)
    return most
