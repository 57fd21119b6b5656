"""`interruption`, `dead_air`, `fast_speech`: when and how fast it was said, not what."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from backbone.events import Event
from backbone.media import Role
from qa_engine.events import Evidence
from qa_engine.operators.base import BaseRule, Finding, Outcome, Quiet
from qa_engine.sides import ROLES, Side, other_side, roles_of

if TYPE_CHECKING:
    from qa_engine.state import CallState, Speech

SAME_TURN_S = 0.8
"""Segments of one side with a shorter pause between them are one turn."""

DETECTION_S = 0.7
"""Voice activity is known so much later than it begins or ends, at most."""

TRIMMED_S = 0.4
"""Voice activity cuts that much off the soft ends of a turn, which makes it seem faster."""

PROMISE_S = 6.0
"""Who asks to wait says so at most that long before it becomes silent."""

_DURATION = re.compile(r"(?:(\d{1,3}|十)|(半))个?(分钟|分|秒)")
_BACK_CHANNEL = re.compile(
    r"(?:嗯|哦|噢|哎|诶|唉|呀|好的|好|对的|对|是的|是|行|可以|明白|知道|了|这样|你说|没错"
    r"|ok|okay|yes|yeah|yep|right|sure|uhhuh|isee)+"
)
_NEVER = 1e9


@dataclass(slots=True)
class _Turn:
    """Segments of one side with no more than a short pause between them."""

    start: float
    end: float
    segments: list[Speech] = field(default_factory=list)


def _turns(state: CallState, role: Role, pause: float) -> list[_Turn]:
    turns: list[_Turn] = []
    # An open segment is only known to last until a little before now.
    known = max(0.0, state.clock - DETECTION_S)
    for speech in state.speech:
        if speech.role != role:
            continue
        end = max(speech.start, known) if speech.end is None else speech.end
        if turns and speech.start <= turns[-1].end + pause:
            turns[-1].end = max(turns[-1].end, end)
            turns[-1].segments.append(speech)
        else:
            turns.append(_Turn(speech.start, end, [speech]))
    return turns


class InterruptionRule(BaseRule):
    """A side begins to speak while the other one does, and both go on."""

    type: Literal["interruption"]
    role: Side
    overlap_s: float = Field(2.0, gt=0, description="Both speak for at least that long.")
    characters: int = Field(
        0,
        ge=0,
        description="Said while interrupting, 嗯, 好的 and the like not counted; with 0 the "
        "overlap alone decides, and sooner.",
    )


class InterruptionOperator(Quiet):
    """Compares the turns of both sides."""

    def __init__(self, rule: InterruptionRule) -> None:
        self._rule = rule

    def feed(self, state: CallState, event: Event, said: object) -> Iterable[Outcome]:
        """Look again whenever anything became known."""
        del event, said
        return self.tick(state)

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """Look at the turns of the last minute."""
        rule = self._rule
        if state.ended is None and not state.speech:
            return
        turns = {role: _turns(state, role, SAME_TURN_S) for role in ROLES}
        for role in roles_of(rule.role):
            yield from self._interrupts(state, role, turns[role], turns[other_side(role)])

    def _interrupts(
        self, state: CallState, role: Role, own: Sequence[_Turn], theirs: Sequence[_Turn]
    ) -> Iterator[Finding]:
        rule = self._rule
        begins = [turn.start for turn in theirs]
        for turn in own:
            # Turns of one side follow each other: only the last one begun before can go on.
            before = bisect_left(begins, turn.start)
            if not before or turn.start >= theirs[before - 1].end:
                continue
            until = min(turn.end, theirs[before - 1].end)
            if until - turn.start < rule.overlap_s or not self._says_something(state, turn):
                continue
            yield Finding(
                key=("overlap", turn.segments[0].segment_id),
                role=role,
                phrase="",
                start=turn.start,
                end=until,
                evidence=Evidence(
                    segment_id=turn.segments[0].segment_id,
                    measured=round(until - turn.start, 2),
                    limit=rule.overlap_s,
                    unit="s",
                ),
            )

    def _says_something(self, state: CallState, turn: _Turn) -> bool:
        if not self._rule.characters:
            return True
        finals = [state.finals.get(speech.segment_id) for speech in turn.segments]
        texts = [said.scan.text for said in finals if said is not None]
        clauses = [text.text[start:end] for text in texts for start, end in text.clauses()]
        said = sum(len(clause) for clause in clauses if not _BACK_CHANNEL.fullmatch(clause))
        return said >= self._rule.characters


class DeadAirRule(BaseRule):
    """Nobody speaks for a while, and the caller is not on hold."""

    type: Literal["dead_air"]
    role: Side = Field(
        "either",
        description="Who owes the next word: agent, once the caller has spoken or a hold is over; "
        "customer, once the agent has; either: any silence, told of the agent.",
    )
    silence_s: float = Field(8.0, gt=0, description="Silence that long is too long.")
    asked_to_wait: tuple[str, ...] = Field(
        (), description="Word lists by which the agent asks the caller to wait."
    )
    caller_asked: tuple[str, ...] = Field(
        (),
        description="Word lists by which the caller asks the agent to wait (等会儿，我找支笔): "
        "such a silence is nobody's fault, and as long as the agent's own may be.",
    )
    wait_s: float = Field(
        30.0, ge=0, description="How long may be waited when no time was named (一分钟, 30秒)."
    )

    def groups(self) -> Iterable[str]:
        """Names of the word groups it looks at."""
        return (*self.asked_to_wait, *self.caller_asked)

    def asked_by(self, role: Role) -> tuple[str, ...]:
        """The lists by which a side asks the other one to wait."""
        return self.asked_to_wait if role == "agent" else self.caller_asked


class DeadAirOperator(Quiet):
    """Tells of a silence while it lasts."""

    def __init__(self, rule: DeadAirRule) -> None:
        self._rule = rule
        self._told: list[float] = []

    def feed(self, state: CallState, event: Event, said: object) -> Iterable[Outcome]:
        """A silence between two segments is also seen once the second is known."""
        del event, said
        end = max(state.held_until_s, state.unheard_until_s)
        for index, speech in enumerate(state.speech):
            silent = speech.start - end
            if not index or state.held or silent < self._rule.silence_s:
                pass
            elif silent >= self._allowed(state, end):
                yield from self._found(state, end, speech.start)
            end = max(end, _NEVER if speech.end is None else speech.end)

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """See whether it has been silent for too long."""
        if state.held or state.speaking() or not state.speech or state.end_s is not None:
            return
        begin = max(state.last_speech_s, state.held_until_s, state.unheard_until_s)
        if state.clock - begin < self._rule.silence_s + DETECTION_S:
            return
        if state.clock - begin >= self._allowed(state, begin) + DETECTION_S:
            yield from self._found(state, begin, state.clock)

    def _allowed(self, state: CallState, begin: float) -> float:
        """Seconds of silence that are too long, what was promised included."""
        rule = self._rule
        asked = [
            said
            for said in state.by("either", until=begin)
            if said.final.end >= begin - PROMISE_S
            and any(said.scan.hits(name) for name in rule.asked_by(said.role))
        ]
        if not asked:
            return rule.silence_s
        return rule.silence_s + _promised(asked[-1].scan.text.text, rule.wait_s)

    def _found(self, state: CallState, begin: float, end: float) -> Iterator[Finding]:
        if state.heard != {"agent", "customer"} or state.lost:
            return  # a side that is not heard may well be speaking
        role = self._rule.role
        if role not in {"either", _owed_by(state, begin)}:
            return
        # A final may put the end of the speech before it a little earlier or later.
        known = next((told for told in self._told if abs(told - begin) < SAME_TURN_S), None)
        if known is None:
            self._told.append(known := begin)
        yield Finding(
            key=("silence", round(known, 1)),
            role="agent" if role == "either" else role,
            phrase="",
            start=begin,
            end=end,
            evidence=Evidence(
                measured=round(end - begin, 2), limit=self._allowed(state, begin), unit="s"
            ),
        )


def _owed_by(state: CallState, begin: float) -> Role:
    """Who should speak in a silence that begins then."""
    before = [s for s in state.speech if s.end is not None and s.end <= begin]
    last = max(before, key=lambda speech: speech.end or 0.0, default=None)
    if last is None or begin in {state.held_until_s, state.unheard_until_s}:
        return "agent"
    return other_side(last.role)


def _promised(text: str, otherwise: float) -> float:
    """Seconds that a caller was asked to wait."""
    named = _DURATION.search(text)
    if named is None:
        return otherwise
    figure, half, unit = named.groups()
    seconds = 60.0 if unit.startswith("分") else 1.0
    return seconds * (0.5 if half else 10.0 if figure == "十" else float(figure))


class FastSpeechRule(BaseRule):
    """A side speaks too fast to follow."""

    type: Literal["fast_speech"]
    role: Side
    per_minute: float = Field(300.0, gt=0, description="Characters a minute, pauses counted.")
    characters: int = Field(10, ge=1, description="Shorter turns are not judged.")
    pause_s: float = Field(1.2, gt=0, description="A longer pause begins a new turn.")


class FastSpeechOperator(Quiet):
    """Judges each turn once it is over and recognised."""

    def __init__(self, rule: FastSpeechRule) -> None:
        self._rule = rule

    def feed(self, state: CallState, event: Event, said: object) -> Iterable[Outcome]:
        """Judge what is over."""
        del event, said
        return self._judge(state, state.clock)

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """Judge what is over."""
        return self._judge(state, state.clock)

    def close(self, state: CallState) -> Iterable[Outcome]:
        """Everything is over."""
        return self._judge(state, _NEVER)

    def _judge(self, state: CallState, now: float) -> Iterator[Finding]:
        for role in roles_of(self._rule.role):
            for turn in _turns(state, role, self._rule.pause_s):
                yield from self._judge_turn(role, turn, now)

    def _judge_turn(self, role: Role, turn: _Turn, now: float) -> Iterator[Finding]:
        rule = self._rule
        if now < turn.end + rule.pause_s + DETECTION_S:
            return
        if now < _NEVER and not all(speech.final for speech in turn.segments):
            return
        characters = sum(speech.text_length for speech in turn.segments)
        seconds = turn.end - turn.start + TRIMMED_S
        if characters < rule.characters:
            return
        rate = characters / seconds * 60
        if rate < rule.per_minute:
            return
        yield Finding(
            key=("turn", turn.segments[0].segment_id),
            role=role,
            phrase="",
            start=turn.start,
            end=turn.end,
            evidence=Evidence(
                segment_id=turn.segments[0].segment_id,
                measured=round(rate),
                limit=rule.per_minute,
                unit="characters/min",
            ),
        )
