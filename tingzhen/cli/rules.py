"""`tingzhen rules`: rule packs."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tingzhen.cli.output import console, print_json

app = typer.Typer(
    help="Rule packs: check them, and help an editor write them.", no_args_is_help=True
)


@app.command("check")
def check_pack(
    pack: Annotated[Path | None, typer.Argument(help="A pack's folder; ours if unset.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check a rule pack: file, line and reason of every problem.

    Exit status 2 when the pack cannot be used, 1 when it can but something in it looks wrong.

    Examples:

        tingzhen rules check

        tingzhen rules check /etc/tingzhen/rules --json
    """
    from qa_engine.pack import DEFAULT_PACK, check, load

    folder = pack or DEFAULT_PACK
    problems = check(folder)
    for problem in problems:
        if json:
            print_json({"type": "problem", **asdict(problem)})
        else:
            console.print(str(problem), markup=False)
    if any(problem.level == "error" for problem in problems):
        raise typer.Exit(2)
    if not json:
        loaded = load(folder)
        console.print(f"{loaded.name} {loaded.version}: {len(loaded.rules)} rules in force")
    if problems:
        raise typer.Exit(1)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of a pack's files, for editors that check YAML.

    Example:

        tingzhen rules schema > tingzhen-rules.schema.json
    """
    from qa_engine.pack import json_schema

    console.print_json(json_module.dumps(json_schema(), ensure_ascii=False))
