"""`tingzhen transcribe`: recordings to text."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from asr.events import TranscriptFinal, TranscriptPartial
from backbone.media import Role
from tingzhen.cli.output import ROLE_NAME, clock_time, console, print_json

HELP = """Transcribe recordings, each as one speaker's leg.

Any audio format that FFmpeg reads; several channels are mixed.

Examples:

    tingzhen transcribe call.wav

    tingzhen transcribe --language en --json *.flac
"""


def transcribe(
    files: Annotated[list[Path], typer.Argument(help="Audio files.")],
    language: Annotated[
        Literal["zh", "en", "auto"] | None, typer.Option(help="Spoken language.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Transcribe files."""
    from asr.offline import transcribe_files
    from tingzhen.cli.recogniser import load_recogniser
    from tingzhen.log_setup import configure_logging
    from tingzhen.settings import load_settings

    configure_logging("warning")
    settings = load_settings().asr
    if language:
        settings = settings.model_copy(update={"language": language})
    recogniser = load_recogniser(settings)

    async def each() -> None:
        for file in files:
            if not json and len(files) > 1:
                console.print(f"[b]{file}[/]")
            async for event in transcribe_files(file, settings, recogniser):
                if isinstance(event, TranscriptFinal):
                    _show(event, file, json=json)

    asyncio.run(each())


def transcript_line(event: TranscriptFinal | TranscriptPartial) -> dict[str, object]:
    """A transcript as a line of output."""
    line: dict[str, object] = {
        "type": "transcript",
        "role": event.role,
        "start": round(event.start, 3),
        "end": round(event.end, 3),
        "text": event.text,
        "final": isinstance(event, TranscriptFinal),
    }
    if isinstance(event, TranscriptFinal):
        line |= {
            "language": event.language,
            "confidence": round(event.confidence, 3),
            "unintelligible": event.unintelligible,
        }
    return line


def show_transcript(role: Role | None, event: TranscriptFinal) -> None:
    """A final transcript for people."""
    who = f"{ROLE_NAME[role]} " if role else ""
    text = event.text or "[dim]听不清 (unintelligible)[/]"
    console.print(f"[dim]{clock_time(event.start)}[/] {who}{text}")


def _show(event: TranscriptFinal, file: Path, *, json: bool) -> None:
    if json:
        line = transcript_line(event)
        del line["role"]  # one file alone does not say who speaks
        print_json({**line, "file": str(file)})
    else:
        show_transcript(None, event)
