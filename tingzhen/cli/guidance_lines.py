"""Topic, script, feelings and offers of a call, as lines of output."""

from __future__ import annotations

import msgspec

from backbone.events import Event
from qa_engine.events import (
    EmotionChanged,
    EmotionCourse,
    EmpathyOffered,
    EmpathyUsed,
    ScriptFinished,
    ScriptProgress,
    ScriptStep,
    TopicDetected,
)
from tingzhen.cli.output import ROLE_NAME, console

_MARK = {
    "done": "[green]✓[/]",
    "due": "[yellow]→[/]",
    "missed": "[red]✗[/]",
    "open": "[dim]·[/]",
}
_TYPES: dict[type[Event], str] = {
    TopicDetected: "topic",
    ScriptProgress: "script",
    ScriptFinished: "script",
    EmotionChanged: "emotion",
    EmotionCourse: "emotion_course",
    EmpathyOffered: "empathy",
    EmpathyUsed: "empathy_used",
}
_NOT_SHOWN = ("type", "at", "call_id")


def guidance_line(event: Event, emitted_at: float) -> dict[str, object] | None:
    """An event as a line of JSON; None for other events."""
    kind = _TYPES.get(type(event))
    if kind is None:
        return None
    fields = {k: v for k, v in msgspec.to_builtins(event).items() if k not in _NOT_SHOWN}
    final = {"final": isinstance(event, ScriptFinished)} if kind == "script" else {}
    return {"type": kind, **final, **fields, "emitted_at": emitted_at}


def show_guidance(event: Event) -> None:
    """Print it for people; the script once, when the call is over."""
    match event:
        case TopicDetected():
            sure = "" if event.stable else "？"
            console.print(
                f"      主题 [dim]topic[/] {event.title}{sure} [dim]{event.title_en} "
                f"{event.confidence:.0%}[/]"
            )
        case EmotionChanged():
            console.print(
                f"      {ROLE_NAME[event.role]}情绪 [dim]feels[/] {event.scene} "
                f"{event.score:+.2f} [dim]{event.trend}[/]"
            )
        case EmpathyOffered():
            for sentence in event.sentences:
                console.print(f"      “{sentence.zh}” [dim]{sentence.en}[/]")
        case ScriptFinished():
            console.print(f"      话术 [dim]script[/] {event.title} [dim]{event.title_en}[/]")
            for step in event.steps:
                console.print(f"        {_MARK[step.state]} {_step(step)}")
        case _:
            pass


def _step(step: ScriptStep) -> str:
    filled = "，".join(f"{slot.title}：{slot.value}" for slot in step.slots if slot.filled)
    more = f"（{filled}）" if filled else ""
    return f"{step.title}{more} [dim]{step.title_en}[/]"
