"""`tingzhen doctor`: what is missing here, and what mends it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from tingzhen.cli.output import console, print_json

HELP = """Say what is missing on this machine, and the command that mends it.

Exit status 1 when something is missing that running Tingzhen needs; what only the tests or an
extra need does not count.

Examples:

    tingzhen doctor

    tingzhen doctor --config /etc/tingzhen.toml --json

    tingzhen doctor --fetch-model
"""


def doctor(
    config: Annotated[Path | None, typer.Option(help="Settings of the node.")] = None,
    fetch_model: Annotated[
        bool, typer.Option("--fetch-model", help="Get the recognition model, then say no more.")
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
