"""`tingzhen doctor`: what is missing here, and what mends it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from tingzhen.cli.output import console, print_json, stderr

if TYPE_CHECKING:
    from asr.settings import AsrSettings

HELP = """Say what is missing on this machine, and the command that mends it.

Exit status 1 when something is missing that running Tingzhen needs; what only the tests or an
extra need does not count.

Examples:

    tingzhen doctor

    tingzhen doctor --config /etc/tingzhen.toml --json

    tingzhen doctor --fetch-model

    tingzhen doctor --asr
"""


def doctor(
    config: Annotated[Path | None, typer.Option(help="Settings of the node.")] = None,
    fetch_model: Annotated[
        bool, typer.Option("--fetch-model", help="Get the recognition model, then say no more.")
    ] = False,
    asr: Annotated[
        bool, typer.Option("--asr", help="Measure recognition here, and recommend settings.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Examine this machine."""
    from tingzhen.cli.recogniser import fetch_model as get_model
    from tingzhen.doctor import examine
    from tingzhen.settings import load_settings

    settings = load_settings(config)
    if fetch_model:
        folder = get_model(settings.asr)
        console.print(f"model {settings.asr.model}: {folder}")
        return
    if asr:
        get_model(settings.asr)
        _recognition(settings.asr, json=json)
        return
    table = Table("", "what", "found", "needed for", "mend")
    missing = False
    for finding in examine(settings):
        missing |= not finding.ok and finding.needed == "demo"
        if json:
            print_json({"type": "finding", **asdict(finding)})
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
        table.add_row(
            mark, finding.what, escape(finding.detail), finding.needed, escape(finding.mend)
        )
    if not json:
        console.print(table)
    if missing:
        raise typer.Exit(1)


def _recognition(settings: AsrSettings, *, json: bool) -> None:
    """Measure what this machine recognises, and say which settings suit it."""
    from importlib import resources

    from asr.bench import read_audio
    from asr.capacity import measure_all, recommend
    from asr.machine import describe
    from tingzhen.log_setup import configure_logging

    configure_logging("warning")
    stderr.print(f"Measuring ({describe()}) …")
    voice = Path(str(resources.files("tingzhen.demo"))) / "calls" / "c01.agent.flac"
    measured = []
    table = Table(
        "model", "device", "compute", "workers × threads", "final s", "speech s / s",
        "calls, finals only", "calls, partials",
    )  # fmt: skip
    for one in measure_all(settings, read_audio(voice)):
        measured.append(one)
        if json:
            print_json({"type": "asr_measured", **asdict(one)})
        table.add_row(
            one.model,
            one.device,
            one.compute_type,
            f"{one.workers} × {one.cpu_threads}",
            str(one.final_s),
            str(one.speech_per_s),
            str(one.calls_finals_only),
            str(one.calls_with_partials),
        )
    best = recommend(measured)
    if best is None:
        return
    if json:
        print_json({"type": "asr_recommended", **asdict(best)})
        return
    console.print(table)
    console.print(
        f"[b]建议 / recommended[/] for {best.calls_finals_only} calls "
        f"({best.calls_with_partials} with partials every second):\n"
    )
    lines = ["[asr]", f'model = "{best.model}"', f'device = "{best.device}"']
    lines += [f'compute_type = "{best.compute_type}"', f"workers = {best.workers}"]
    lines += [f"cpu_threads = {best.cpu_threads}"]
    console.print("\n".join(lines), markup=False)
