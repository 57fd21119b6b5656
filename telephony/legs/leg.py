"""One side of a call that is expected, or heard. Pure but for its flags.

A leg's sample 0 is placed on the call's clock by this host's clock alone: when its first audio
arrived, less that audio's length, less when this host heard of the answer. The way of the answer
over the manager connection and the way of the audio are both about a millisecond on one machine
or LAN, and cancel; how far the PBX's clock is off does not matter.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal, Protocol

from backbone.media import Role
from telephony.legs.frames import Audio
from telephony.legs.gate import SpeechGate
from telephony.legs.sample_clock import SAMPLE_BYTES, SampleClock

Telling = Literal["hold", "resume", "end"]
"""What a leg is told about the call: hold music begins, it ends, the party's part is over."""


class Line(Protocol):
    """What a connection is ended by; an asyncio transport is one."""

    def close(self) -> None:
        """End it as its protocol does."""
        ...

    def abort(self) -> None:
        """Cut it."""
        ...


@dataclass(slots=True, eq=False)
class Leg:
    """`answered_here` is when this host heard of the answer (epoch seconds)."""

    leg_id: str
    call_id: str
    role: Role
    answered_here: float
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    gate: SpeechGate | None = None
    early: list[tuple[Telling, float]] = field(default_factory=list)
    rate: int = 0
    samples: int = 0
    offset_s: float = 0.0
    transport: Line | None = None
    by_arrival: bool = False
    """Its sender sends nothing while the party sends nothing: what is behind is silence."""
    clock: SampleClock | None = None
    lost: int = 0
    """Of its samples, those that were thrown away before they were sent."""

    def skip(self, lost: int) -> None:
        """Pass over samples that will never come, up to where the party's part ends."""
        last = self.gate.last if self.gate is not None else None
        if last is not None:
            lost = max(0, min(lost, last - self.samples))
        self.samples += lost
        self.lost += lost

    def tell(self, what: Telling, at_s: float) -> None:
        """Gate the leg: `hold`, `resume` or `end` at a time on the call's clock."""
        if self.gate is None:
            self.early.append((what, at_s))
        elif what == "hold":
            self.gate.hold(at_s)
        elif what == "resume":
            self.gate.resume(at_s)
        else:
            self.gate.end(at_s)
        if what == "end":
            self.over.set()

    def open(self, audio: Audio, arrived: float, heard: float) -> None:
        """The first audio is here.

        Args:
            audio: all of it that came at once.
            arrived: when it came, in epoch seconds.
            heard: the same on a clock that never steps.
        """
        length_s = len(audio.pcm) / SAMPLE_BYTES / audio.rate
        self.rate = audio.rate
        self.offset_s = arrived - length_s - self.answered_here
        self.clock = SampleClock(audio.rate, heard - length_s, silent=self.by_arrival)
        self.gate = SpeechGate(audio.rate, self.offset_s)
        for what, at_s in self.early:
            self.tell(what, at_s)
        self.early.clear()

    @property
    def whole(self) -> bool:
        """Whether all that was to come has come."""
        last = self.gate.last if self.gate is not None else None
        return last is not None and self.samples >= last

    @property
    def missing_s(self) -> float:
        """Audio that should be there and is not, in seconds."""
        if self.by_arrival or not self.rate:
            return 0.0  # a party that sends nothing at the end is not missing
        last = self.gate.last if self.gate is not None else None
        missing = max(0, last - self.samples) if last is not None else 0
        return (missing + self.lost) / self.rate
