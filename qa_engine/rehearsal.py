"""Calls judged again, or for the first time, outside a live system: examples and backtests.

Pure: a call is a list of events with their times; time passes in steps between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from asr.events import TranscriptFinal
from backbone.events import Event
from backbone.media import LegOpened, Role
from qa_engine.attributes import Only, Seniority
from qa_engine.events import Alert, Hit, TopicDetected
from qa_engine.judge import CallJudge
from qa_engine.operators.base import SPOKEN_BY, BaseRule
from qa_engine.operators.when import WhenRule
from qa_engine.pack import Pack
from qa_engine.restore import timeline
from qa_engine.sides import other_side
from qa_engine.verdicts import Verdict
from telephony.events import CallConnected, CallEnded, CallRecord

_STEP_S = 0.5
_LAG_S = 0.4
_CHARACTERS_PER_S = 4.0
_PAUSE_S = 0.6
_AFTER_S = 40.0
"""Silence at the end of an example, in which deadlines pass."""


def judge_events(
    pack: Pack,
    call_id: str,
    events: Sequence[Event],
    seniority: Mapping[str, Seniority] | None = None,
) -> list[Verdict]:
    """Feed a call's events at their own times, with time passing in between, to the very end.

    Voice activity is put back from the finals: without it, whoever speaks for long would be
    silent until the final comes.
    """
    judge = CallJudge(pack, call_id, seniority=seniority)
    ordered = timeline(events)
    if not ordered:
        return []
    verdicts: list[Verdict] = []
    now = ordered[0].at
    for event in ordered:
        while now + _STEP_S < event.at:
            now += _STEP_S
            verdicts += judge.tick(now)
        now = max(now, event.at)
        verdicts += judge.feed(event, now)
    return verdicts + judge.close(now)


def conversation(call_id: str, lines: Iterable[tuple[Role, str]]) -> list[Event]:
    """An answered call in which these lines are said one after the other, at a calm pace."""
    finals: list[Event] = []
    clock = 1.0
    for number, (role, text) in enumerate(lines):
        end = clock + max(0.8, len(text) / _CHARACTERS_PER_S)
        finals.append(spoken(call_id, role, clock, end, text, segment_id=f"{number}"))
        clock = end + _PAUSE_S
    return [*_answered(call_id), *finals, _ended(call_id, clock + _AFTER_S)]


def spoken(
    call_id: str, role: Role, start: float, end: float, text: str, *, segment_id: str
) -> TranscriptFinal:
    """A final, known shortly after its end; the call was answered at epoch 0."""
    return TranscriptFinal(
        at=end + _LAG_S,
        call_id=call_id,
        role=role,
        leg_id=role,
        segment_id=segment_id,
        start=start,
        end=end,
        text=text,
        language="zh",
        confidence=1.0,
        level_db=-22.0,
        lag_s=_LAG_S,
        decode_s=0.0,
    )


def scripted(call_id: str, finals: Sequence[TranscriptFinal], duration_s: float) -> list[Event]:
    """An answered call of finals with times of their own."""
    return [*_answered(call_id), *finals, _ended(call_id, duration_s)]


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What became of one example of a rule."""

    rule: str
    lines: tuple[str, ...]
    should_fire: bool
    fired: bool
    instead: tuple[str, ...] = ()
    """Where it did not fire, the rules of its kind that did: of one kind, one tells of words."""

    @property
    def good(self) -> bool:
        """Whether it did as it should."""
        return self.should_fire == self.fired


def try_examples(pack: Pack) -> list[ExampleResult]:
    """Say every example of every rule in a call of its own."""
    return [
        _result(pack, rule, lines, should_fire=should_fire)
        for rule in pack.rules
        if rule.examples is not None
        for should_fire, group in ((True, rule.examples.fires), (False, rule.examples.silent))
        for lines in group
    ]


def _result(
    pack: Pack, rule: BaseRule, lines: tuple[str, ...], *, should_fire: bool
) -> ExampleResult:
    speaker = _speaker(rule)
    said = [_line(line, speaker) for line in lines]
    if len(lines) == 1:
        said.insert(0, (other_side(speaker), "你好"))
    events = conversation("example", said)
    seniority: Mapping[str, Seniority] = {}
    if rule.only is not None:
        events, seniority = _fitting(rule.only, events)
    verdicts = judge_events(pack, "example", events, seniority)
    found = {v.rule for v in verdicts if isinstance(v, Hit) and v.kind == rule.kind}
    others = () if rule.id in found else tuple(sorted(found))
    return ExampleResult(rule.id, lines, should_fire, rule.id in found, others)


def _speaker(rule: BaseRule) -> Role:
    """The rule's own side; that of its condition where it has one only."""
    side = getattr(rule, "role", None)
    if isinstance(rule, WhenRule):
        sides = rule.find.roles()
        side = next(iter(sides)) if len(sides) == 1 else side
    return "customer" if side == "customer" else "agent"


def _line(line: str, speaker: Role) -> tuple[Role, str]:
    named = SPOKEN_BY.match(line)
    if named is None:
        return speaker, line
    return ("agent" if named[1] == "agent" else "customer"), line[named.end() :]


def _fitting(only: Only, events: Sequence[Event]) -> tuple[list[Event], Mapping[str, Seniority]]:
    """The events of a call on which a rule is in force that is so on some calls only."""
    agent = only.agents[0] if only.agents else "example"
    begin = only.earliest()
    placed: list[Event] = []
    for event in events:
        if isinstance(event, CallConnected):
            queue = only.queues[0] if only.queues else ""
            event = msgspec.structs.replace(event, queue=queue, agent=agent)  # noqa: PLW2901 - the same event, completed
        elif isinstance(event, CallEnded):
            until = msgspec.structs.replace(
                event.record, answered_at=begin, ended_at=begin + event.record.ended_at
            )
            event = msgspec.structs.replace(event, record=until)  # noqa: PLW2901 - the same event, moved
        placed.append(msgspec.structs.replace(event, at=begin + event.at))
    if only.topics:
        topic = TopicDetected(at=begin, call_id="example", topic=only.topics[0], confidence=1.0)
        placed.insert(1, topic)
    return placed, {agent: only.seniority[0]} if only.seniority else {}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Alerts of one rule over several calls: as they were, as they would be, and the change."""

    rule: str
    before: int
    after: int
    new: tuple[Alert, ...]
    gone: tuple[Alert, ...]


def compare(before: Iterable[Alert], after: Iterable[Alert]) -> list[Comparison]:
    """Match alerts of the same call, rule and stretch of speech; both over the same calls."""
    old, new = list(before), list(after)
    rules = sorted({alert.rule for alert in (*old, *new)})
    return [
        Comparison(
            rule,
            sum(a.rule == rule for a in old),
            sum(a.rule == rule for a in new),
            tuple(a for a in new if a.rule == rule and not any(_same(a, b) for b in old)),
            tuple(a for a in old if a.rule == rule and not any(_same(a, b) for b in new)),
        )
        for rule in rules
    ]


def _same(one: Alert, other: Alert) -> bool:
    if (one.call_id, one.rule, one.role) != (other.call_id, other.rule, other.role):
        return False
    if one.evidence.segment_id or other.evidence.segment_id:
        return one.evidence.segment_id == other.evidence.segment_id
    return one.start <= other.end and other.start <= one.end


def _answered(call_id: str) -> list[Event]:
    connected = CallConnected(
        at=0.0,
        call_id=call_id,
        system="rehearsal",
        uniqueid=call_id,
        channel="",
        queue="",
        agent="",
        agent_name="",
        wait_s=None,
        ring_s=None,
        rings=None,
    )
    roles: tuple[Role, Role] = ("agent", "customer")
    return [
        connected,
        *(
            LegOpened(at=0.0, call_id=call_id, leg_id=role, role=role, rate=8000, offset_s=0.0)
            for role in roles
        ),
    ]


def _ended(call_id: str, at: float) -> CallEnded:
    record = CallRecord(
        call_id=call_id,
        system="rehearsal",
        uniqueid=call_id,
        linkedid=call_id,
        visit=1,
        queue="",
        caller="",
        caller_name="",
        agent="",
        outcome="answered",
        joined_at=0.0,
        answered_at=0.0,
        ended_at=at,
        wait_s=None,
        ring_s=None,
        rings=None,
        talk_s=at,
        hold_s=0.0,
        transfers=0,
        hangup_by="",
        hangup_cause=None,
        unanswered=(),
        complete=True,
    )
    return CallEnded(at=at, call_id=call_id, record=record)
