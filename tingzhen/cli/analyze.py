"""`tingzhen analyze`: a recorded call, transcribed and judged."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from asr.events import TranscriptFinal, TranscriptPartial
from backbone.clock import SystemClock
from backbone.errors import UserError
from backbone.events import Event
from backbone.media import Role
from qa_engine.events import Alert, ComplianceStep, Hit, RunningScore, Score
from tingzhen.cli.guidance_lines import guidance_line, show_guidance
from tingzhen.cli.output import ROLE_NAME, clock_time, console, print_json, severity_text
from tingzhen.cli.transcribe import show_transcript, transcript_line

HELP = """Transcribe and judge a recorded call.

The two files are the two sides; both start at the same instant. Times are seconds on the call's
clock; `emitted_at` is when a live call's lead would have seen it.

Examples:

    tingzhen analyze --agent call.agent.wav --customer call.customer.wav

    tingzhen analyze --agent a.flac --customer c.flac --rules my-pack --json

    tingzhen analyze --agent a.flac --customer c.flac --realtime
"""


def analyze(
    agent: Annotated[Path | None, typer.Option(help="Recording of the agent's side.")] = None,
    customer: Annotated[Path | None, typer.Option(help="Recording of the caller's side.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Rule pack (a folder); ours if unset.")] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="At the speed of speech, with partials.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Analyze one call."""
    from qa_engine.guidance.content import load_guidance
    from qa_engine.pack import DEFAULT_PACK, load
    from tingzhen.analysis import analyze as analyze_call
    from tingzhen.cli.recogniser import load_recogniser
    from tingzhen.log_setup import configure_logging
    from tingzhen.settings import load_settings

    files: dict[Role, Path] = {}
    if agent is not None:
        files["agent"] = agent
    if customer is not None:
        files["customer"] = customer
    if not files:
        raise UserError("name at least one recording: --agent FILE, --customer FILE")
    configure_logging("warning")
    pack = load(rules or DEFAULT_PACK)
    guidance = load_guidance(rules)
    settings = load_settings().asr
    recogniser = load_recogniser(settings, rules)

    async def each() -> None:
        judged = analyze_call(
            files,
            pack,
            settings,
            recogniser,
            SystemClock(),
            realtime=realtime,
            guidance=guidance,
        )
        async for known_at, event in judged:
            if json:
                line = event_line(known_at, event)
                if line is not None:
                    print_json(line)
            else:
                _show(event)

    asyncio.run(each())


def event_line(known_at: float, event: Event) -> dict[str, object] | None:
    """An event as a line of output; None for what is not printed."""
    emitted_at = round(known_at, 2)
    match event:
        case TranscriptFinal() | TranscriptPartial():
            return {**transcript_line(event), "emitted_at": emitted_at}
        case Hit() | Alert():
            line = {
                "type": "hit" if isinstance(event, Hit) else "alert",
                "rule": event.rule,
                "kind": event.kind,
                "severity": event.severity,
                "role": event.role,
                "phrase": event.phrase,
                "start": event.start,
                "end": event.end,
                "suspected": event.suspected,
                "evidence": msgspec.to_builtins(event.evidence),
                "emitted_at": emitted_at,
            }
            if isinstance(event, Alert):
                line |= {"title": event.title, "title_en": event.title_en}
            return line
        case ComplianceStep():
            return {
                "type": "compliance",
                "step": event.step,
                "title": event.title,
                "title_en": event.title_en,
                "state": event.state,
                "due": event.due,
                "done_at": event.done_at,
                "emitted_at": emitted_at,
            }
        case RunningScore() | Score():
            return {
                "type": "score",
                "final": isinstance(event, Score),
                "card": event.card,
                "revision": event.revision,
                "score": event.score,
                "items": msgspec.to_builtins(event.items),
                "emitted_at": emitted_at,
            }
        case _:
            return guidance_line(event, emitted_at)


def _show(event: Event) -> None:
    match event:
        case TranscriptFinal():
            show_transcript(event.role, event)
        case Alert():
            console.print(alert_text(event))
        case ComplianceStep() if event.state != "pending":
            mark = "[green]✓[/]" if event.state == "done" else "[red]✗[/]"
            console.print(f"      {mark} {event.title} [dim]{event.title_en}[/]")
        case Score():
            figure = "不适用 n/a" if event.score is None else f"{event.score:g}"
            console.print(f"      得分 [dim]score[/] [bold]{figure}[/]")
        case _:
            show_guidance(event)


def alert_text(alert: Alert) -> Text:
    """An alert for people, without markup of its own words."""
    text = Text(f"{clock_time(alert.start)} ! ")
    text.append_text(severity_text(alert.severity))
    text.append(f" {ROLE_NAME[alert.role]} {alert.title}")
    if alert.suspected:
        text.append("（疑似）")
    if alert.phrase:
        text.append(f"：{alert.phrase}", style="bold")
    text.append(f"  {alert.title_en}", style="dim")
    return text
