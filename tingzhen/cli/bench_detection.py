"""`tingzhen bench detection`: what is found in scripted calls, from their sound."""

from __future__ import annotations

import asyncio
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from tingzhen.cli.bench import bundled_calls
from tingzhen.cli.output import console, print_json, stderr

if TYPE_CHECKING:
    from tingzhen.detection_bench import Summary

_HEAD = ("kind", "plan", "found", "recall", "wrong", "prec.", "by char.", "in script")
"""The last two are found/wrong without words found by sound, and in the script's words."""


def detection(
    calls: Annotated[
        Path | None,
        typer.Option(
            "--calls",
            "--folder",
            help="Folder of ID.json, ID.agent.flac, ID.customer.flac; the bundled calls if unset.",
        ),
    ] = None,
    rules: Annotated[Path | None, typer.Option(help="Rule pack (a folder); ours if unset.")] = None,
    show: Annotated[
        bool,
        typer.Option(
            "--show",
            help="Print what was missed and what was found wrongly; not of calls kept blind.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Recall and precision of planned events, from the sound of scripted calls to the rules.

    Red lines and emergencies come first and are summed as `grave`. Beside what is found stands
    what is found without finding words by sound, and what is found in the words of the script,
    as if recognition made no error (found/wrong).

    Examples:

        tingzhen bench detection

        tingzhen bench detection --calls tests/data/blind_calls

        tingzhen bench detection --rules my-pack --json
    """
    from backbone.clock import SystemClock
    from qa_engine.pack import DEFAULT_PACK
    from tingzhen.cli.recogniser import load_recogniser
    from tingzhen.detection_bench import Summary, detect, load_packs, read_calls
    from tingzhen.log_setup import configure_logging
    from tingzhen.settings import load_settings

    configure_logging("warning")
    settings = load_settings().asr
    packs = load_packs(rules or DEFAULT_PACK)
    planned = read_calls(calls or bundled_calls())
    recogniser = load_recogniser(settings, rules)
    summary = Summary()

    async def each() -> None:
        async for result in detect(planned, packs, settings, recogniser, SystemClock()):
            summary.add(result)
            stderr.print(f"{result.truth.id} …")

    asyncio.run(each())
    figures = {
        **summary.figures(),
        "model": settings.model,
        "pack": f"{packs.full.name} {packs.full.version}",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    if json:
        _print_lines(summary, figures)
    else:
        _print_table(summary, figures)
    if show and not json:
        for call, event, sentence in summary.missed():
            console.print(f"missed {event.kind} in {call}: {sentence}", markup=False)
        for call, finding in summary.wrong():
            line = f"wrong {finding.kind} in {call} at {finding.start:.1f} s: {finding.phrase}"
            console.print(line, markup=False)


def _print_lines(summary: Summary, figures: dict[str, object]) -> None:
    for kind, score, by_characters, by_script in summary.rows():
        print_json(
            {
                "type": "bench_kind",
                "kind": kind,
                "planned": score.planned,
                "found": score.found,
                "recall": score.recall,
                "right": score.right,
                "wrong": score.wrong,
                "precision": score.precision,
                "found_by_characters": by_characters.found,
                "wrong_by_characters": by_characters.wrong,
                "found_in_script": by_script.found,
                "wrong_in_script": by_script.wrong,
            }
        )
    print_json({"type": "bench_detection", **figures})


def _print_table(summary: Summary, figures: dict[str, object]) -> None:
    kind_column, *others = _HEAD
    # Narrow enough for a terminal of 80 columns, with the longest kind in one line.
    table = Table(box=SIMPLE, padding=0)
    table.add_column(kind_column, no_wrap=True)
    for head in others:
        table.add_column(head, justify="right", no_wrap=True)
    rows = list(summary.rows())
    for number, (kind, score, by_characters, by_script) in enumerate(rows, start=1):
        table.add_row(
            kind,
            str(score.planned),
            str(score.found),
            _share(score.recall),
            str(score.wrong),
            _share(score.precision),
            *(f"{other.found}/{other.wrong}" for other in (by_characters, by_script)),
            end_section=number == len(rows) - 2,
        )
    console.print(table)
    for name, value in figures.items():
        console.print(f"{name.replace('_', ' ')}: {value}", markup=False)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
