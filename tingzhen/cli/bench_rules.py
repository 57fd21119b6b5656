"""`tingzhen bench match`: how fast rules are."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated

import typer

from tingzhen.cli.output import console, print_json


def match(
    words: Annotated[int, typer.Option(min=1, help="Made-up words to look for.")] = 10_000,
    rules: Annotated[Path | None, typer.Option(help="Rule pack (a folder); ours if unset.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Characters a second of normalise and match; the time that judging one final takes.

    pyahocorasick runs beside it on the same lines when the dev extra is installed.

    Examples:

        tingzhen bench match

        tingzhen bench match --words 65000 --json
    """
    from importlib import resources

    from qa_engine.evaluate import read_truth
    from qa_engine.pack import DEFAULT_PACK, load
    from tingzhen.log_setup import configure_logging
    from tingzhen.rules_bench import final_times, percentile, throughput

    configure_logging("warning")
    pack = load(rules or DEFAULT_PACK)
    folder = Path(str(resources.files("tingzhen.demo"))) / "calls"
    calls = [read_truth(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    sentences = [said.text for call in calls for said in call.utterances]
    speed = throughput(sentences, words, pack=pack, calls=calls)
    times = final_times(pack, calls)
    line = {
        "words": words,
        "sentences": len(sentences),
        "characters_per_sentence": round(sum(map(len, sentences)) / len(sentences), 1),
        "pyahocorasick_alone_m_per_s": None
        if speed.pyahocorasick is None
        else round(speed.pyahocorasick, 2),
        "automaton_alone_m_per_s": round(speed.automaton, 2),
        "normalise_m_per_s": round(speed.normalise, 2),
        "normalise_and_match_m_per_s": round(speed.exact, 2),
        "and_by_sound_m_per_s": round(speed.phonetic, 2),
        "and_evaluate_m_per_s": round(speed.evaluate, 3),
        "rules": len(pack.rules),
        "phrases": pack.index.size,
        "final_p50_ms": round(percentile(times, 0.5) * 1000, 3),
        "final_p95_ms": round(percentile(times, 0.95) * 1000, 3),
        "final_p99_ms": round(percentile(times, 0.99) * 1000, 3),
        "pack": f"{pack.name} {pack.version}",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    if json:
        print_json({"type": "bench_match", **line})
        return
    for name, value in line.items():
        console.print(f"{name.replace('_', ' ')}: {value}", markup=False)
