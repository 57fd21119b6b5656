"""What was said, as it becomes known.

Speech times (`start`, `end`) are seconds on the call's clock, whose zero is the agent's answer;
they come from counting samples, never from arrival.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from backbone.events import Delivery, Event
from backbone.media import Role


class SpeechStarted(Event, frozen=True, kw_only=True):
    """Voice activity began on a leg.

    `continues` is the segment before, where one sentence was cut in two.
    """

    delivery: ClassVar[Delivery] = Delivery.LIVE

    call_id: str
    role: Role
    segment_id: str
    start: float
    continues: str = ""


class SpeechStopped(Event, frozen=True, kw_only=True):
    """Voice activity ended; `level_db` is its RMS in dBFS."""

    delivery: ClassVar[Delivery] = Delivery.LIVE

    call_id: str
    role: Role
    segment_id: str
    start: float
    end: float
    level_db: float


class TranscriptPartial(Event, frozen=True, kw_only=True):
    """What a segment that is still being spoken sounds like so far; replaced by the next one.

    `stable` characters at the beginning of `text` stood in the previous partial too, or were
    decoded with a final's care up to a pause. `char_times` are as in `TranscriptFinal`; a busy node
    does not find them out.
    """

    delivery: ClassVar[Delivery] = Delivery.LATEST

    call_id: str
    role: Role
    segment_id: str
    start: float
    end: float
    text: str
    stable: int
    revision: int
    char_times: tuple[float, ...] = ()

    def latest_key(self) -> object:
        """One partial per side of a call."""
        return ("partial", self.call_id, self.role)


class Correction(msgspec.Struct, frozen=True):
    """A word in place of what was decoded, of the same sound, from character `at` of the text."""

    at: int
    heard: str
    written: str

    def moved(self, by: int) -> Correction:
        """The same, so many characters further on in a text."""
        return msgspec.structs.replace(self, at=self.at + by)


class TranscriptFinal(Event, frozen=True, kw_only=True):
    """What a segment said, once and for all. Exactly one per segment that held speech.

    `text` is in simplified characters with punctuation as the recogniser gave it, empty with
    `unintelligible` true when every guard refused what was decoded. `confidence` is the mean
    token probability in 0..1. `level_db` is the segment's RMS in dBFS. `lag_s` is real time from
    the end of speech to this event; `late` when that is more than the node's settings allow.
    `at` minus the call's answer minus `end` is its age. `char_times` has the start of each
    character of `text` on the call's clock; it is empty where the recogniser gives none.
    `corrections` tells what was put right in `text` by its sound. `display` is `text` with its
    numbers in digits, empty where that is the same. `continues` is as in `SpeechStarted`.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    role: Role
    leg_id: str
    segment_id: str
    start: float
    end: float
    text: str
    language: str
    confidence: float
    level_db: float
    lag_s: float
    decode_s: float
    unintelligible: bool = False
    redecoded: bool = False
    late: bool = False
    char_times: tuple[float, ...] = ()
    corrections: tuple[Correction, ...] = ()
    display: str = ""
    continues: str = ""


class FinalWanted(Event, frozen=True, kw_only=True):
    """Something urgent seems to be said in a segment that goes on.

    It shall end at a good place after `after`, on the call's clock, so that its final tells: by now
    or soon. Asked of recognition; where the segment has ended meanwhile, nothing happens.
    """

    delivery: ClassVar[Delivery] = Delivery.LIVE

    call_id: str
    role: Role
    segment_id: str
    after: float


class AudioGap(Event, frozen=True, kw_only=True):
    """No audio came for a while on a leg that goes on: what was said then is not known."""

    delivery: ClassVar[Delivery] = Delivery.LIVE

    call_id: str
    role: Role
    leg_id: str
    start: float
    end: float


class LegTranscribed(Event, frozen=True, kw_only=True):
    """A leg has closed and the last of its `segments` finals is out: nothing more will come.

    `late` of them came late, because the node could not keep up.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    role: Role
    leg_id: str
    segments: int
    late: int = 0


class AsrHealth(Event, frozen=True, kw_only=True):
    """How far recognition is behind, and what it gave up to keep up.

    `lag_s` is the age of the oldest final still waiting, 0 when none waits. `overloaded` from the
    moment that finals come late until all have caught up; `detail` says so in words. `late`
    counts late finals, `ahead` those that were decoded before their end was certain (and
    `ahead_wasted` the decodings that were in vain because speech went on), `workers_replaced`
    worker processes that died or hung. `ease` is `calm`, `busy` (a segment gets its first partial
    only) or `pressed` (no partials). The counts are since the start of the process.
    """

    delivery: ClassVar[Delivery] = Delivery.LATEST

    node: str
    ready: bool
    legs: int
    lag_s: float
    queued: int
    segments: int
    partials: int
    partials_skipped: int
    redecodes: int
    audio_s: float
    decode_s: float
    detail: str = ""
    overloaded: bool = False
    late: int = 0
    ahead: int = 0
    ahead_wasted: int = 0
    ease: str = "calm"
    workers: int = 0
    workers_replaced: int = 0

    def latest_key(self) -> object:
        """One state per node."""
        return ("asr_health", self.node)
