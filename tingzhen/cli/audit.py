"""`tingzhen audit`: the chain of what was done to calls and agents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tingzhen.cli.output import console, print_json

app = typer.Typer(help="The audit chain: who listened, paused, hung up.", no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Keep `verify` a subcommand, though it is the only one."""


@app.command("verify")
def verify(
    config: Annotated[Path | None, typer.Option(help="The node's TOML settings.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check the chain; exit status 1 and the first broken row when it was tampered with.

    The head's hash stands for all rows up to it: kept elsewhere, it shows a chain made anew.

    Examples:

        tingzhen audit verify --config tingzhen.toml

        tingzhen audit verify --json
    """
    import backbone.audit
    from tingzhen.settings import load_settings
    from tingzhen.stored import reading_store

    with reading_store(load_settings(config)) as connection:
        verdict = backbone.audit.verify(connection)
    if json:
        print_json(
            {
                "type": "audit",
                "whole": verdict.whole,
                "rows": verdict.rows,
                "head": verdict.head,
                "broken": verdict.broken,
                "reason": verdict.reason,
            }
        )
    elif verdict.whole:
        console.print(f"审计链完整 whole: {verdict.rows} rows, head {verdict.head}")
    else:
        console.print(
            f"审计链在第 {verdict.broken} 行断开 broken at row {verdict.broken}: "
            f"{verdict.reason}; rows before it are sound",
            markup=False,
        )
    if not verdict.whole:
        raise typer.Exit(1)
