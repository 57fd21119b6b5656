"""Follows one call's script: finals and the call's clock in, a checklist out. Pure.

Where a step stands is a table of transitions (`TRANSITIONS`). What was heard is kept, so that the
script of a topic that is detected later begins with all that was said before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from backbone.media import Role
from qa_engine.events import ScriptSlot, ScriptStep
from qa_engine.scripts.compiled import CompiledScript, CompiledSlot, CompiledStep
from qa_engine.scripts.slots import fill
from qa_engine.words import Scan

State = Literal["open", "due", "done", "missed"]
Change = Literal["turn", "wait", "said", "passed"]

TRANSITIONS: Mapping[tuple[State, Change], State] = {
    ("open", "turn"): "due",
    ("due", "wait"): "open",
    ("open", "said"): "done",
    ("due", "said"): "done",
    ("missed", "said"): "done",
    ("open", "passed"): "missed",
    ("due", "passed"): "missed",
}
"""`turn`: it is the next, or its time runs; `wait`: something else comes first after all;
`said`: all of it was said; `passed`: its time is up, or what it belongs before was done."""

GRACE_S = 3.0
"""How long after a deadline a final that tells of words before it is waited for."""


def advance(state: State, change: Change) -> State:
    """The state after a change; a change that the table lacks leaves it as it is."""
    return TRANSITIONS.get((state, change), state)


@dataclass(frozen=True, slots=True)
class Heard:
    """One final, in seconds on the call's clock."""

    role: Role
    start: float
    end: float
    scan: Scan


@dataclass(slots=True)
class _Working:
    compiled: CompiledStep
    state: State = "open"
    at: float | None = None
    needed_at: float | None = None
    worded_at: float | None = None
    spoken: int = 0
    values: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.compiled.id

    @property
    def required(self) -> bool:
        step = self.compiled.step
        return self.needed_at is not None if step.needed_if else step.required

    @property
    def over(self) -> bool:
        return self.state in ("done", "missed")

    def change(self, change: Change) -> None:
        self.state = advance(self.state, change)

    def complete(self) -> bool:
        step = self.compiled.step
        enough = len(step.slots) if step.some is None else step.some
        return (
            (not step.words or self.worded_at is not None)
            and len(self.values) >= enough
            and self.spoken >= step.spoken
        )


class ScriptTracker:
    """One script on one call.

    Args:
        script: to follow.
        slots: of the pack, by name.
        said: what was heard before, in order.
    """

    def __init__(
        self,
        script: CompiledScript,
        slots: Mapping[str, CompiledSlot],
        said: Iterable[Heard] = (),
    ) -> None:
        self.script = script
        self._slots = slots
        self._steps = [_Working(step) for step in script.steps]
        self._by_id = {step.id: step for step in self._steps}
        for heard in said:
            self.hear(heard)

    def hear(self, heard: Heard) -> None:
        """One side said something."""
        self._pass(heard.start - GRACE_S)
        for step in self._steps:
            self._need(step, heard)
        for step in self._steps:
            self._listen(step, heard)
        for step in self._steps:
            self._overtaken(step)
        self._turns(heard.end)

    def tick(self, clock: float) -> None:
        """Time passes on the call's clock."""
        self._pass(clock - GRACE_S)
        self._turns(clock)

    def close(self) -> None:
        """The call is over: what is required and was not done is missed."""
        for step in self._steps:
            if step.required:
                step.change("passed")
            else:
                step.change("wait")

    def steps(self) -> tuple[ScriptStep, ...]:
        """The checklist; a step that is needed only sometimes is in it when it is needed."""
        shown = (s for s in self._steps if s.required or s.over or not s.compiled.step.needed_if)
        return tuple(map(self._shown, shown))

    def next_step(self) -> str:
        """The id of what should be said next; empty when nothing is left to say."""
        return next((s.id for s in self._steps if s.required and not s.over), "")

    def _shown(self, working: _Working) -> ScriptStep:
        step = working.compiled.step
        deadline = self._deadline(working)
        return ScriptStep(
            step=working.id,
            title=step.title,
            title_en=step.title_en,
            state=working.state,
            at=None if working.at is None else round(working.at, 2),
            deadline_s=None if deadline is None else round(deadline, 2),
            required=working.required,
            slots=tuple(
                ScriptSlot(
                    slot=name,
                    title=self._slots[name].slot.title,
                    title_en=self._slots[name].slot.title_en,
                    filled=name in working.values,
                    value=working.values.get(name, ""),
                )
                for name in step.slots
            ),
            say=step.say,
            say_en=step.say_en,
        )

    def _deadline(self, working: _Working) -> float | None:
        within = working.compiled.step.within_s
        if within is None:
            return None
        if working.compiled.step.needed_if:
            return None if working.needed_at is None else working.needed_at + within
        once = working.compiled.step.once
        anchor = None if once is None else self._by_id.get(once)
        if anchor is None:
            return within
        return None if anchor.at is None else anchor.at + within

    def _need(self, working: _Working, heard: Heard) -> None:
        if working.needed_at is None and _said(heard, working.compiled.needed):
            working.needed_at = heard.end

    def _listen(self, working: _Working, heard: Heard) -> None:
        step = working.compiled.step
        if working.state == "done" or not self._may_count(working, heard):
            return
        if heard.role == step.by:
            if _said(heard, working.compiled.groups):
                working.worded_at = heard.end
            working.spoken += len(heard.scan.text.text)
        if not step.with_words or working.worded_at is not None:
            self._fill(working, heard)
        if working.complete():
            working.change("said")
            working.at = heard.end

    def _may_count(self, working: _Working, heard: Heard) -> bool:
        step = working.compiled.step
        once = None if step.once is None else self._by_id.get(step.once)
        if once is not None and not once.over:
            return False
        if working.state != "missed" or step.late:
            return True
        deadline = self._deadline(working)
        return deadline is not None and heard.start <= deadline

    def _fill(self, working: _Working, heard: Heard) -> None:
        step = working.compiled.step
        for name in step.slots:
            # What is read back, the agent must say; else it counts whoever said it.
            if step.with_words and heard.role != step.by:
                continue
            value = fill(self._slots[name], heard.role, heard.scan)
            if value is not None:
                working.values[name] = value

    def _overtaken(self, working: _Working) -> None:
        if working.over or not working.required:
            return
        for name in working.compiled.step.before:
            later = self._by_id.get(name)
            if later is not None and later.state == "done":
                working.change("passed")

    def _pass(self, clock: float) -> None:
        for working in self._steps:
            deadline = self._deadline(working)
            if deadline is not None and clock >= deadline and working.required:
                working.change("passed")

    def _turns(self, clock: float) -> None:
        following = self.next_step()
        for working in self._steps:
            deadline = self._deadline(working)
            running = working.required and deadline is not None and clock <= deadline + GRACE_S
            if working.id == following or running:
                working.change("turn")
            else:
                working.change("wait")


def _said(heard: Heard, groups: Iterable[str]) -> bool:
    return any(heard.scan.hits(group) for group in groups)
