"""`tingzhen bench wordings`: recall and precision on sentences kept apart from the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tingzhen.cli.output import console, print_json


def wordings(
    files: Annotated[list[Path], typer.Argument(help="YAML files of sentences by kind.")],
    rules: Annotated[Path | None, typer.Option(help="Rule pack (a folder); ours if unset.")] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print what was missed and what was found wrongly.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """How many sentences of each kind the rules find, red lines and emergencies first.

    Examples:

        tingzhen bench wordings tests/data/wordings/held_out.yaml

        tingzhen bench wordings my-sentences.yaml --rules my-pack --show
    """
    from qa_engine.pack import DEFAULT_PACK, load
    from tingzhen.log_setup import configure_logging
    from tingzhen.wordings_bench import GRAVE, find_wordings, read_wordings

    configure_logging("warning")
    pack = load(rules or DEFAULT_PACK)
    for path in files:
        result = find_wordings(pack, read_wordings(path))
        rows = [
            *result.ordered(),
            ("red lines and emergencies", result.total(GRAVE)),
            ("all", result.total()),
        ]
        table = Table("kind", "said", "found", "recall", "wrong", "precision", title=path.name)
        for kind, score in rows:
            line = {
                "kind": kind,
                "said": score.planned,
                "found": score.found,
                "recall": score.recall,
                "wrong": score.wrong,
                "precision": score.precision,
            }
            if json:
                print_json({"type": "bench_wordings", "file": path.name, **line})
            table.add_row(*(f"{v:.0%}" if isinstance(v, float) else str(v) for v in line.values()))
        if not json:
            console.print(table)
            console.print(f"{result.ordinary} ordinary sentences; pack {pack.name} {pack.version}")
        if show and not json:
            for mark, group in (("missed", result.missed), ("wrong", result.wrong)):
                for kind, sentence in group:
                    console.print(f"{mark} {kind}: {sentence}", markup=False)
