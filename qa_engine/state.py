"""What is known of a call while it is judged: who speaks when, what was said, what is awaited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
from qa_engine.meanings import Meanings, Reading
from qa_engine.sides import Side, roles_of
from qa_engine.text import spoken_length
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

FINAL_GRACE_S = 10.0
"""How long after the end of speech a final is waited for before it is given up."""

BEHIND_S = 120.0
"""The same for telling that something was not said, while its leg's finals are still coming.

A recogniser that is far behind brings each of them; only one that died may owe one for ever.
"""

GAP_S = 0.5
"""A word fits into a gap that long in what was heard; nobody says one in less."""


@dataclass(slots=True)
class Speech:
    """One segment of one side, on the call's clock; `end` is None while it lasts."""

    role: Role
    segment_id: str
    start: float
    end: float | None = None
    final: bool = False
    continues: str = ""
    """The segment before, where one sentence was cut in two."""
    text_length: int = 0
    """As `qa_engine.text.spoken_length` counts."""


@dataclass(frozen=True, slots=True)
class Said:
    """A final transcript with all words of the pack found in it."""

    final: TranscriptFinal
    scan: Scan
    readings: tuple[Reading, ...] = ()
    """What it and its parts mean, where the pack teaches meanings."""

    @property
    def role(self) -> Role:
        """Who said it."""
        return self.final.role


@dataclass(slots=True)
class CallState:
    """One call, as told by its events. Times are on the call's clock (0 is the answer)."""

    call_id: str
    index: WordIndex
    meanings: Meanings = Meanings({})  # noqa: RUF009 - immutable, and teaches nothing
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
    untranscribed: dict[str, Role] = field(default_factory=dict)
    """Legs of which finals may still come, and whose they are."""
    gaps: list[tuple[Role, float, float]] = field(default_factory=list)
    """When something may have been said that was not heard: whose, from, to."""
    unheard_until_s: float = 0.0
    """The end of the last of them."""
    lost: set[Role] = field(default_factory=set)
    """Sides whose audio broke off while the call went on."""
    speech: list[Speech] = field(default_factory=list)
    """All segments in order of start."""
    said: list[Said] = field(default_factory=list)
    """All intelligible finals in order of start."""
    segments: dict[str, Speech] = field(default_factory=dict)
    """Segments by id."""
    finals: dict[str, Said] = field(default_factory=dict)
    """What was said, by segment."""
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

    def awaiting(self, *, role: Side = "either", before: float | None = None) -> bool:
        """Whether a final is still to come for speech that began before a time of the call."""
        return any(
            speech.end is None or self.clock < speech.end + FINAL_GRACE_S
            for speech in self._unrecognised(role, before)
        )

    def behind(self, *, role: Side = "either", before: float | None = None) -> bool:
        """The same, told with more patience: whether recognition has not come so far yet."""
        coming = set(self.untranscribed.values())
        return any(
            speech.end is None
            or self.clock < speech.end + (BEHIND_S if speech.role in coming else FINAL_GRACE_S)
            for speech in self._unrecognised(role, before)
        )

    def caught_up(self, deadline: float, *, role: Side = "either") -> bool:
        """Whether a deadline has passed, and what was begun before it is known."""
        return self.clock >= deadline and not self.behind(role=role, before=deadline)

    def _unrecognised(self, role: Side, before: float | None) -> Iterator[Speech]:
        roles = roles_of(role)
        for speech in self.speech:
            if before is not None and speech.start >= before:
                return
            if not speech.final and speech.role in roles:
                yield speech

    def listened(self, roles: Iterable[Role], begin: float, end: float) -> bool:
        """Whether all that these sides said in [begin, end] was heard: silence proves something."""
        wanted = set(roles)
        return (
            wanted <= self.heard
            and wanted.isdisjoint(self.lost)
            and not any(
                role in wanted and min(end, until) - max(begin, since) > GAP_S
                for role, since, until in self.gaps
            )
        )

    def missed(self, role: Role, begin: float, end: float) -> None:
        """Nothing was heard of a side for a while; it may have spoken."""
        self.gaps.append((role, begin, end))
        self.unheard_until_s = max(self.unheard_until_s, end)

    def whole(self, segment_id: str) -> str:
        """The first segment of the sentence that a segment is part of."""
        while (speech := self.segments.get(segment_id)) is not None and speech.continues:
            segment_id = speech.continues
        return segment_id

    def complete(self) -> bool:
        """Whether the call is over and all of it was heard, or waited for long enough."""
        if self.ended is None or self.behind():
            return False
        return not self.untranscribed or self.now >= self.ended.ended_at + FINAL_GRACE_S

    def by(self, role: Side, after: float = -1e9, until: float = 1e9) -> Iterator[Said]:
        """What a side said in segments that begin in [after, until], in order."""
        roles = roles_of(role)
        return (s for s in self.said if s.role in roles and after <= s.final.start <= until)

    def first_turn(self, role: Side) -> tuple[float, float] | None:
        """Begin and end of a side's speech before the other side first spoke after it."""
        roles = roles_of(role)
        segments = [s for s in self.speech if s.role in roles]
        if not segments:
            return None
        begin, first = segments[0].start, segments[0].role
        answer = min(
            (s.start for s in self.speech if s.role != first and s.start > begin), default=1e9
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
                self.untranscribed[event.leg_id] = event.role
                self.heard.add(event.role)
                self.lost.discard(event.role)
            case LegClosed():
                self._leg_closed(event)
            case LegTranscribed():
                self.untranscribed.pop(event.leg_id, None)
            case AudioGap():
                self.missed(event.role, event.start, event.end)
            case SpeechStarted() | TranscriptPartial():
                speech = self._segment(event.role, event.segment_id, event.start)
                speech.continues = getattr(event, "continues", speech.continues)
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
        known = self.segments.get(segment_id)
        if known is not None:
            return known
        self.heard.add(role)
        speech = self.segments[segment_id] = Speech(role, segment_id, start)
        self.speech.append(speech)
        self.speech.sort(key=lambda s: s.start)
        return speech

    def _final(self, final: TranscriptFinal) -> Said | None:
        speech = self._segment(final.role, final.segment_id, final.start)
        if speech.final:
            return None  # a final comes at least once, and counts once
        speech.end = final.end
        speech.final = True
        speech.continues = final.continues
        if final.unintelligible or not final.text:
            return None
        scan = self.index.scan(final.text)
        speech.text_length = spoken_length(scan.text)
        said = self.finals[final.segment_id] = Said(
            final, scan, self.meanings.read(final.role, scan.text)
        )
        self.said.append(said)
        self.said.sort(key=lambda s: s.final.start)
        return said

    def _close_speech(self) -> None:
        for speech in self.speaking():
            speech.end = max(speech.start, self.clock)
