"""`tingzhen bench match`: how fast rules are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tingzhen.cli.output import command, console, machine, print_json


def match(
    words: Annotated[int, typer.Option(min=1, help="Made-up words to look for.")] = 10_000,
    rules: Annotated[Path | None, typer.Option(help="Rule pack (a folder); ours if unset.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds over all sentences.")] = 60,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """What becomes of a sentence and how long it takes: normalise, match, evaluate.

    Time of each sentence (median, p95, p99) and characters a second on one core, with so many
    words; evaluate is by a whole pack, in a call. pyahocorasick runs beside it on the same lines
    when the dev extra is installed.

    Examples:

        tingzhen bench match

        tingzhen bench match --words 65000 --json

        tingzhen bench match --rules my-pack
    """
    from importlib import resources

    from qa_engine.evaluate import read_truth
    from qa_engine.pack import DEFAULT_PACK, load
    from tingzhen.log_setup import configure_logging
    from tingzhen.rules_bench import percentile, stages

    configure_logging("warning")
    pack = load(rules or DEFAULT_PACK)
    folder = Path(str(resources.files("tingzhen.demo"))) / "calls"
    calls = [read_truth(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    sentences = [said.text for call in calls for said in call.utterances]
    about = {
        "words": words,
        "sentences": len(sentences),
        "characters_per_sentence": round(sum(map(len, sentences)) / len(sentences), 1),
        "rules": len(pack.rules),
        "phrases": pack.index.size,
        "pack": f"{pack.name} {pack.version}",
        "machine": machine(),
        "command": command(),
    }
    table = Table("per sentence", "median µs", "p95 µs", "p99 µs", "million characters/s")
    for stage in stages(sentences, words, pack=pack, calls=calls, rounds=rounds):
        p50, p95, p99 = (percentile(stage.seconds, share) * 1e6 for share in (0.5, 0.95, 0.99))
        if json:
            figures = {"p50_us": p50, "p95_us": p95, "p99_us": p99, "m_per_s": stage.rate}
            rounded = {name: round(value, 3) for name, value in figures.items()}
            print_json({"type": "bench_stage", "stage": stage.name, **rounded})
        else:
            times = (f"{value:,.1f}" for value in (p50, p95, p99))
            table.add_row(stage.name, *times, f"{stage.rate:.3g}")
    if json:
        print_json({"type": "bench_match", **about})
        return
    console.print(table)
    for name, value in about.items():
        console.print(f"{name.replace('_', ' ')}: {value}", markup=False)
