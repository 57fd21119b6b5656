"""What is known of a call while it is judged: who speaks when, what was said, what is awaited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from asr.events import (
    AudioGap,
    LegTranscribed,
    SpeechStarted,
    SpeechStopped,
    TranscriptFinal,
    TranscriptPartial,
)
from backbone.events import Event
from backbone.media import LegClosed, LegOpened, Role
from qa_engine.attributes import Seniority
from qa_engine.conditions.base import Moment
from qa_engine.events import RuleMuted, TopicDetected
from qa_engine.words import Scan, WordIndex
from telephony.events import (
    AgentSpeechEnds,
    CallConnected,
    CallEnded,
    CallEvent,
    CallHeld,
    CallJoined,
    CallRecord,
    CallResumed,
)

ROLES: tuple[Role, Role] = ("agent", "customer")

FINAL_GRACE_S = 10.0
"""How long after the end of speech a final is waited for before it is given up."""


@dataclass(slots=True)
class Speech:
    """One segment of one side, on the call's clock; `end` is None while it lasts."""

    role: Role
    segment_id: str
    start: float
    end: float | None = None
    final: bool = False
    text_length: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """A final transcript with all words of the pack found in it."""

    final: TranscriptFinal
    scan: Scan

    @property
    def role(self) -> Role:
        """Who said it."""
        return self.final.role


@dataclass(slots=True)
class CallState:
    """One call, as told by its events. Times are on the call's clock (0 is the answer)."""

    call_id: str
    index: WordIndex
    seniorities: Mapping[str, Seniority] = field(default_factory=dict)
    topics: set[str] = field(default_factory=set)
    """What the call was found to be about."""
    queue: str = ""
    agent: str = ""
    joined_at: float | None = None
    connected_at: float | None = None
    ended: CallRecord | None = None
    agent_left_s: float | None = None
    held: bool = False
    held_until_s: float = 0.0
    now: float = 0.0
    """Seconds since the epoch of the event or tick that is being worked on."""
    heard: set[Role] = field(default_factory=set)
    """Sides whose audio we have; absence may only be told of these."""
    open_legs: dict[str, Role] = field(default_factory=dict)
    untranscribed: set[str] = field(default_factory=set)
    """Legs of which finals may still come."""
    unheard_until_s: float = 0.0
    """The end of the last gap in what was heard of either side."""
    lost: set[Role] = field(default_factory=set)
    """Sides whose audio broke off while the call went on."""
    speech: list[Speech] = field(default_factory=list)
    """All segments in order of start."""
    said: list[Said] = field(default_factory=list)
    """All intelligible finals in order of start."""
    found: list[tuple[str, Moment]] = field(default_factory=list)
    """What rules have found, by rule, in the order of finding."""
    kinds: list[tuple[str, bool]] = field(default_factory=list)
    """Kind of each hit, and whether it is only suspected."""
    muted: set[str] = field(default_factory=set)
    """Rules that raise no alerts on this call."""
    over: bool = False
    """Whether the last word is being said: nothing more is waited for."""

    @property
    def clock(self) -> float:
        """Now, on the call's clock; 0 before the answer."""
        return self.at(self.now)

    def at(self, epoch: float) -> float:
        """A time of the system on the call's clock; 0 before the answer."""
        return 0.0 if self.connected_at is None else epoch - self.connected_at

    @property
    def seniority(self) -> Seniority:
        """The agent's."""
        return self.seniorities.get(self.agent, "regular")

    @property
    def end_s(self) -> float | None:
        """When the agent's part ended, on the call's clock; None while it lasts."""
        if self.agent_left_s is not None:
            return self.agent_left_s
        if self.ended is None or self.connected_at is None:
            return None
        return max(self.at(self.ended.ended_at), self.last_speech_s)

    @property
    def last_speech_s(self) -> float:
        """The end of the last speech that is over, of either side; 0 when nobody spoke."""
        return max((s.end for s in self.speech if s.end is not None), default=0.0)

    def speaking(self) -> list[Speech]:
        """Segments that are being spoken now."""
        return [s for s in self.speech if s.end is None]

    def awaiting(self, *, role: Role | None = None, before: float | None = None) -> bool:
        """Whether a final is still to come for speech that began before a time of the call."""
        for speech in self.speech:
            if speech.final or (role is not None and speech.role != role):
                continue
            if before is not None and speech.start >= before:
                continue
            if speech.end is None or self.clock < speech.end + FINAL_GRACE_S:
                return True
        return False

    def complete(self) -> bool:
        """Whether the call is over and all of it was heard, or waited for long enough."""
        if self.ended is None or self.awaiting():
            return False
        return not self.untranscribed or self.now >= self.ended.ended_at + FINAL_GRACE_S

    def by(self, role: Role, after: float = -1e9, until: float = 1e9) -> Iterator[Said]:
        """What one side said in segments that begin in [after, until], in order."""
        return (s for s in self.said if s.role == role and after <= s.final.start <= until)

    def first_turn(self, role: Role) -> tuple[float, float] | None:
        """Begin and end of a side's speech before the other side first spoke after it."""
        segments = [s for s in self.speech if s.role == role]
        if not segments:
            return None
        begin = segments[0].start
        answer = min(
            (s.start for s in self.speech if s.role != role and s.start > begin), default=1e9
        )
        ends = [s.end for s in segments if s.end is not None and s.start < answer]
        return begin, max(ends, default=begin)

    def learn(self, event: Event) -> Said | None:
        """Take an event in; returns what was said when it is an intelligible final."""
        if isinstance(event, TranscriptFinal):
            return self._final(event)
        if isinstance(event, CallEvent):
            self._call_event(event)
        else:
            self._heard(event)
        return None

    def _call_event(self, event: CallEvent) -> None:
        match event:
            case CallJoined():
                self.queue = event.queue
                self.joined_at = event.at
            case CallConnected():
                self.queue, self.agent = event.queue, event.agent
                if self.connected_at is None:
                    self.connected_at = event.at
            case CallHeld():
                self.held = True
            case CallResumed():
                self.held = False
                self.held_until_s = self.at(event.at)
            case AgentSpeechEnds():
                self.agent_left_s = self.at(event.at)
            case CallEnded():
                self.ended = event.record
                self._close_speech()
            case _:
                pass

    def _heard(self, event: Event) -> None:
        match event:
            case LegOpened():
                self.open_legs[event.leg_id] = event.role
                self.untranscribed.add(event.leg_id)
                self.heard.add(event.role)
                self.lost.discard(event.role)
            case LegClosed():
                self._leg_closed(event)
            case LegTranscribed():
                self.untranscribed.discard(event.leg_id)
            case AudioGap():
                self.unheard_until_s = max(self.unheard_until_s, event.end)
            case SpeechStarted() | TranscriptPartial():
                self._segment(event.role, event.segment_id, event.start)
            case SpeechStopped():
                self._segment(event.role, event.segment_id, event.start).end = event.end
            case TopicDetected():
                self.topics = {event.topic}
            case RuleMuted(muted=True):
                self.muted.add(event.rule)
            case RuleMuted():
                self.muted.discard(event.rule)
            case _:
                pass

    def _leg_closed(self, event: LegClosed) -> None:
        self.open_legs.pop(event.leg_id, None)
        if self.ended is None and not event.complete and event.role not in self.open_legs.values():
            self.lost.add(event.role)

    def _segment(self, role: Role, segment_id: str, start: float) -> Speech:
        for speech in reversed(self.speech):
            if speech.segment_id == segment_id:
                return speech
        self.heard.add(role)
        speech = Speech(role, segment_id, start)
        self.speech.append(speech)
        self.speech.sort(key=lambda s: s.start)
        return speech

    def _final(self, final: TranscriptFinal) -> Said | None:
        speech = self._segment(final.role, final.segment_id, final.start)
        if speech.final:
            return None  # a final comes at least once, and counts once
        speech.end = final.end
        speech.final = True
        if final.unintelligible or not final.text:
            return None
        scan = self.index.scan(final.text)
        speech.text_length = len(scan.text.text)
        said = Said(final, scan)
        self.said.append(said)
        self.said.sort(key=lambda s: s.final.start)
        return said

    def _close_speech(self) -> None:
        for speech in self.speaking():
            speech.end = max(speech.start, self.clock)
