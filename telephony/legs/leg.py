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

Telling = Literal["hold", "resume", "end"]
"""What a leg is told about the call: hold music begins, it ends, the party's part is over."""

SAMPLE_BYTES = 2
_UNSPOKEN_S = 0.2
"""A longer gap between frames of a leg that is timed by arrival is silence."""


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
    """Its sender sends nothing while the party sends nothing: silence fills such gaps."""
    began: float = 0.0

    def filled(self, pcm: bytes, now: float) -> bytes:
        """Put silence before audio that came later than counting samples says.

        What is waiting to be read comes with it, so a reader that stalled is not taken for a
        party that did not speak.
        """
        if not self.by_arrival or self.gate is None:
            return pcm
        due = round((now - self.began) * self.rate)
        missing = due - self.samples - len(pcm) // SAMPLE_BYTES
        return bytes(missing * SAMPLE_BYTES) + pcm if missing > _UNSPOKEN_S * self.rate else pcm

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

    def open(self, audio: Audio, arrived: float, length_s: float) -> None:
        """The first audio is here, `length_s` of it."""
        self.rate = audio.rate
        self.began = arrived - length_s
        self.offset_s = self.began - self.answered_here
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
        """Audio that should be there at the end and is not, in seconds."""
        if self.by_arrival:
            return 0.0  # a party that sends nothing at the end is not missing
        last = self.gate.last if self.gate is not None else None
        missing = (last - self.samples) / self.rate if last is not None else 0.0
        return max(0.0, missing)
