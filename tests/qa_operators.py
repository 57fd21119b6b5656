"""Every operator that a rule pack can hold, as its schema tells, and small calls to try them on.

A call is written in one line, its parts divided by ` / `; times are seconds after the answer:

    a 您好                  the agent says it next, at a calm pace (c: the customer)
    a 3:5 您好              between these times; `a 3:5 @-18 您好` says how loud, in dB
    hold 4:12, gap 4:10    on hold; nothing heard of either side
    ring -20:-3 4          an agent's phone rang, so many times (`ring -20` still does)
    transfer 5, lost 9 agent, topic 3 refund
    queue night, wait 40, agent PJSIP/1002, seniority new, clock 22:30, deaf agent
    end 30 agent           who hung up when; else the customer, 3 s after all is said
    gave up 9              nobody answered: the caller waited so long
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel
from qa_calls import ANSWERED, CALL, connected, ended, final, joined, legs, run, spoken

from asr.events import AudioGap
from backbone.events import Event
from backbone.media import LegClosed
from qa_engine.attributes import Only
from qa_engine.conditions import AnyCondition, Condition
from qa_engine.events import Hit, TopicDetected
from qa_engine.judge import CallJudge
from qa_engine.operators import OPERATORS, BaseRule
from qa_engine.operators.words import Company, Settling
from qa_engine.pack import Pack
from qa_engine.pack.schema import Unless, WordList
from telephony.events import CallHeld, CallResumed, CallTransferred, RingEnded, RingStarted

PHRASES = ("phrase.gap", "phrase.alternatives", "phrase.list", "phrase.together")
"""The phrase syntax, which no schema holds."""

_MIDNIGHT = ANSWERED - (ANSWERED + 8 * 3600) % 86400
_PACE = 4.0
_PAUSE_S = 0.6


def operators() -> list[str]:
    """`type`, `type.field` of what may be left out, `type.field=choice` of what is chosen from."""
    found: dict[str, None] = {}
    for rule in OPERATORS:
        (name,) = get_args(rule.model_fields["type"].annotation)
        found.update(dict.fromkeys(_named(name, rule, leave=BaseRule)))
    for condition in get_args(get_args(AnyCondition)[0]):
        for name in get_args(condition.model_fields["op"].annotation):
            found.update(dict.fromkeys(_named(f"find.{name}", condition, leave=Condition)))
    for name, model in (
        ("only", Only),
        ("company", Company),
        ("unless", Unless),
        ("settle", Settling),
    ):
        found.update(dict.fromkeys(list(_named(name, model))[1:]))
    found.update(dict.fromkeys(_choices("list.phonetic", WordList.model_fields["phonetic"])))
    return [*found, *PHRASES]


def _named(
    name: str, model: type[BaseModel], leave: type[BaseModel] | None = None
) -> Iterator[str]:
    left = {"type", "op", *(() if leave is None else leave.model_fields)}
    yield name
    for option, info in model.model_fields.items():
        if option not in left:
            yield from _choices(f"{name}.{option}", info)


def _choices(name: str, info: Any) -> Iterator[str]:
    choices = list(_literals(info.annotation))
    if any(isinstance(choice, str) for choice in choices):
        yield from (f"{name}={choice}" for choice in choices)
    elif not info.is_required():  # what is required is what the operator is
        yield name


def _literals(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Literal:
        yield from get_args(annotation)
    elif origin is Annotated:
        yield from _literals(get_args(annotation)[0])
    elif origin in {Union, types.UnionType}:
        parts = [part for part in get_args(annotation) if part is not type(None)]
        if any(get_origin(part) is Literal for part in parts):
            for part in parts:
                # A number beside names, as in `which: 2`, is a choice of its own.
                yield from list(_literals(part)) or ["k"]
    elif origin is tuple:
        yield from _literals(get_args(annotation)[0])


def roles(rule: Any, name: str = "") -> Iterator[str]:
    """`type.role=side` of a rule and its conditions, as written."""
    if isinstance(rule, list):
        for part in rule:
            yield from roles(part)
    if not isinstance(rule, dict):
        return
    own = "when" if "find" in rule else rule.get("type", name)
    if "op" in rule:
        own = f"find.{rule['op']}"
    if own and "role" in rule:
        yield f"{own}.role={rule['role']}"
    for key, part in rule.items():
        company = key.endswith(("accompanied", "_by"))
        yield from roles(part, "company" if company else "")


@dataclass(slots=True)
class _Script:
    """What a line tells of a call, before it becomes events."""

    said: list[Any] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    clock: float = 1.0
    queue: str = "general"
    agent: str = "PJSIP/1001"
    wait_s: float = 5.0
    seniority: str = "regular"
    deaf: str = ""
    answered: float = ANSWERED
    end: tuple[float, str] | None = None
    gave_up: float | None = None


_SAID = re.compile(r"(a|c)(?: (-?[\d.]+):([\d.]+))?(?: @(-\d+))? (.+)")
_SIDES = {"a": "agent", "c": "customer"}


def _read(text: str) -> _Script:
    script = _Script()
    parts = [part.strip() for part in text.split(" / ")]
    # The hour first: all times hang on it.
    for number, part in sorted(enumerate(parts), key=lambda pair: not pair[1].startswith("clock ")):
        said = _SAID.fullmatch(part)
        if said is not None:
            _say(script, number, said)
        elif part:
            what, *values = part.split(" ")
            if what in _HAPPENS:
                _HAPPENS[what](script, *values)
            else:
                setattr(script, what, values[0])
    return script


def _say(script: _Script, number: int, part: re.Match[str]) -> None:
    side, start, end, level, text = part.groups()
    begin = script.clock if start is None else float(start)
    until = begin + max(0.8, len(text) / _PACE) if end is None else float(end)
    script.clock = max(script.clock, until + _PAUSE_S)
    said = final(_SIDES[side], begin, until, text, number=number)
    if level is not None:
        said = msgspec.structs.replace(said, level_db=float(level))
    script.said.append(said)


def _hold(script: _Script, times: str) -> None:
    begin, _, until = times.partition(":")
    at = script.answered + float(begin)
    script.events.append(CallHeld(at=at, call_id=CALL))
    script.clock = max(script.clock, float(until or begin))
    if until:
        held = float(until) - float(begin)
        script.events.append(CallResumed(at=at + held, call_id=CALL, held_s=held))


def _gap(script: _Script, times: str) -> None:
    begin, until = map(float, times.split(":"))
    for role in ("agent", "customer"):
        gap = AudioGap(
            at=script.answered + until, call_id=CALL, role=role, leg_id=role, start=begin, end=until
        )
        script.events.append(gap)


def _ring(script: _Script, times: str, rings: str = "") -> None:
    begin, _, until = times.partition(":")
    attempt = {"call_id": CALL, "queue": "q", "agent": "x", "attempt_id": f"ring{begin}"}
    at = script.answered + float(begin)
    script.events.append(RingStarted(at=at, agent_name="", **attempt))
    if until:
        ring_s = float(until) - float(begin)
        script.events.append(
            RingEnded(
                at=at + ring_s, ring_s=ring_s, rings=int(rings), result="no_answer", **attempt
            )
        )


def _transfer(script: _Script, at: str) -> None:
    script.events.append(
        CallTransferred(
            at=script.answered + float(at), call_id=CALL, kind="blind",
            from_agent=script.agent, to="2000",
        )
    )  # fmt: skip


def _lost(script: _Script, at: str, role: str) -> None:
    script.events.append(
        LegClosed(
            at=script.answered + float(at), call_id=CALL, leg_id=f"leg-{role}", role=role,
            samples=1, complete=False, reason="x",
        )
    )  # fmt: skip


def _topic(script: _Script, at: str, topic: str) -> None:
    script.events.append(
        TopicDetected(
            at=script.answered + float(at), call_id=CALL, topic=topic, confidence=1.0
        )
    )  # fmt: skip


def _clock(script: _Script, time: str) -> None:
    hours, minutes = map(int, time.split(":"))
    script.answered = _MIDNIGHT + hours * 3600 + minutes * 60


def _end(script: _Script, at: str, by: str = "customer") -> None:
    script.end = (float(at), by)


def _gave_up(script: _Script, _up: str, wait_s: str) -> None:
    script.gave_up = float(wait_s)


def _wait(script: _Script, wait_s: str) -> None:
    script.wait_s = float(wait_s)


_HAPPENS: dict[str, Callable[..., None]] = {
    "hold": _hold,
    "gap": _gap,
    "ring": _ring,
    "transfer": _transfer,
    "lost": _lost,
    "topic": _topic,
    "clock": _clock,
    "end": _end,
    "gave": _gave_up,
    "wait": _wait,
}
"""Anything else is a field of the script: queue, agent, seniority, deaf."""


def found(pack: Pack, text: str, rule: str = "r") -> list[Hit]:
    """What a rule finds, in its own kind, in a call that is written in a line."""
    script = _read(text)
    shift = script.answered - ANSWERED
    judge = CallJudge(pack, CALL, seniority={script.agent: script.seniority})
    last = max([script.clock + 3.0, *(event.at - script.answered + 3.0 for event in script.events)])
    end, by = script.end or (last, "customer")
    events: list[Event] = list(script.events)
    if script.gave_up is not None:
        gone = ended(script.answered, outcome="abandoned", answered=False, wait_s=script.gave_up)
        events += [_in(script, joined(script.answered - script.gave_up)), gone]
    else:
        over = ended(script.answered + end, wait_s=script.wait_s, hangup_by=by)
        answered = script.answered
        record = msgspec.structs.replace(over.record, answered_at=answered, talk_s=end)
        events += [
            _in(script, joined(answered - script.wait_s)),
            _in(script, connected(answered, wait_s=script.wait_s)),
            *(_later(leg, shift) for leg in legs() if leg.role != script.deaf),
            *(_later(event, shift) for event in spoken(script.said)),
            msgspec.structs.replace(over, record=record),
        ]
    events.sort(key=lambda event: event.at)
    verdicts = run(judge, events, script.answered + end + 15, step=0.5)
    kind = next(one.kind for one in pack.rules if one.id == rule)
    return [v for v in verdicts if isinstance(v, Hit) and (v.rule, v.kind) == (rule, kind)]


def _later(event: Event, shift: float) -> Event:
    return msgspec.structs.replace(event, at=event.at + shift)


def _in(script: _Script, event: Event) -> Event:
    changes = {"queue": script.queue}
    if hasattr(event, "agent"):
        changes["agent"] = script.agent
    return msgspec.structs.replace(event, **changes)
