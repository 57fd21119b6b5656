"""Scripts put together from their shared steps, with every mistake in its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import regex

from qa_engine.guidance.base import Wordings
from qa_engine.pack.problems import Problem
from qa_engine.pack.reading import Source
from qa_engine.scripts.models import Script, ScriptsFile, Slot, Step, StepUse


@dataclass(frozen=True, slots=True)
class CompiledSlot:
    """A slot with its words in the index under `group`."""

    id: str
    slot: Slot
    group: str
    pattern: regex.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """A step of a script; `groups` hold its words, `needed` those that make it required."""

    id: str
    step: Step
    groups: tuple[str, ...]
    needed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledScript:
    """A script ready to follow."""

    script: Script
    steps: tuple[CompiledStep, ...]


_Compiled = tuple[Mapping[str, CompiledScript], Mapping[str, CompiledSlot], list[Problem]]


def compile_scripts(
    source: Source, file: ScriptsFile, topics: Sequence[str], words: Wordings
) -> _Compiled:
    """Put the scripts together by topic, their words into `words`."""
    problems: list[Problem] = []
    slots = {}
    for name, slot in file.slots.items():
        if not (slot.words or slot.pattern or slot.personal):
            problems.append(source.problem(("slots", name), "nothing fills it"))
        group = f"slot/{name}"
        words.add(source, ("slots", name, "words"), group, slot.words, slot.unless)
        pattern = None if slot.pattern is None else regex.compile(slot.pattern)
        slots[name] = CompiledSlot(name, slot, group, pattern)
    for name, step in file.steps.items():
        place = ("steps", name)
        problems += _step(source, place, step, file)
        words.add(source, (*place, "words"), f"step/{name}", step.words, step.unless)
        words.add(source, (*place, "needed_if"), f"need/{name}", step.needed_if)
    scripts: dict[str, CompiledScript] = {}
    for number, script in enumerate(file.scripts):
        place_of = ("scripts", number)
        steps, wrong = _put_together(source, number, script, file, words)
        problems += wrong
        if script.topic and script.topic not in topics:
            problems.append(
                source.problem((*place_of, "topic"), f"no topic is named {script.topic}")
            )
        if script.topic in scripts:
            problems.append(source.problem((*place_of, "topic"), "has a script already"))
        scripts[script.topic] = CompiledScript(script, tuple(steps))
    problems += _lacking(source, scripts, topics)
    return scripts, slots, problems


def _lacking(
    source: Source, scripts: Mapping[str, CompiledScript], topics: Sequence[str]
) -> Iterator[Problem]:
    if "" not in scripts:
        yield source.problem(("scripts",), "one script must have no topic: it is for any call")
    for topic in topics:
        if topic not in scripts:
            yield source.problem(("scripts",), f"the topic {topic} has no script", warning=True)
    ids = [compiled.script.id for compiled in scripts.values()]
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield source.problem(("scripts",), f"two scripts are named {name}")


def _step(
    source: Source, place: tuple[int | str, ...], step: Step, file: ScriptsFile
) -> Iterator[Problem]:
    for slot in step.slots:
        if slot not in file.slots:
            yield source.problem((*place, "slots"), f"no slot is named {slot}")
    if not (step.words or step.slots or step.spoken):
        yield source.problem(place, "nothing tells that it is done: words, slots or spoken")
    if step.some is not None and step.some > len(step.slots):
        yield source.problem((*place, "some"), f"asks for {step.some} of {len(step.slots)} slots")
    named = (*step.before, *(() if step.once is None else (step.once,)))
    for other in named:
        if other not in file.steps:
            yield source.problem(place, f"no step is named {other}")


def _put_together(
    source: Source, number: int, script: Script, file: ScriptsFile, words: Wordings
) -> tuple[list[CompiledStep], list[Problem]]:
    problems: list[Problem] = []
    steps: list[CompiledStep] = []
    for at, entry in enumerate(script.steps):
        place = ("scripts", number, "steps", at)
        use = StepUse(use=entry) if isinstance(entry, str) else entry
        shared = file.steps.get(use.use)
        if shared is None:
            problems.append(source.problem(place, f"no step is named {use.use}"))
            continue
        name = use.id or use.use
        if any(step.id == name for step in steps):
            problems.append(source.problem(place, f"{name} stands here twice; give it an id"))
        own, need = f"use/{script.id}/{name}", f"use-need/{script.id}/{name}"
        words.add(source, (*place, "words"), own, use.words, shared.unless)
        words.add(source, (*place, "needed_if"), need, use.needed_if)
        step = _merged(shared, use)
        problems += _step(source, place, step, file)
        steps.append(CompiledStep(name, step, (f"step/{use.use}", own), (f"need/{use.use}", need)))
    return steps, problems


def _merged(shared: Step, use: StepUse) -> Step:
    changed = {
        name: getattr(use, name)
        for name in ("title", "title_en", "slots", "some", "required", "once", "within_s")
        if getattr(use, name) is not None
    }
    for name in ("say", "say_en"):
        if getattr(use, name) is not None:
            changed[name] = getattr(use, name)
    changed["words"] = (*shared.words, *use.words)
    changed["needed_if"] = (*shared.needed_if, *use.needed_if)
    return shared.model_copy(update=changed)
