"""`tingzhen bench guidance`: how well topic, script and feelings are told."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tingzhen.cli.output import console, print_json

if TYPE_CHECKING:
    from qa_engine.guidance.content import Guidance
    from tingzhen.guidance_bench import CallTallies, CallTruth, Tally


def bench_guidance(
    rules: Annotated[Path | None, typer.Option(help="Rule pack (a folder); ours if unset.")] = None,
    sound: Annotated[
        bool, typer.Option("--sound", help="Topics and steps from the calls' sound, nothing else.")
    ] = False,
    wrong: Annotated[bool, typer.Option("--wrong", help="Name what was told wrongly.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Topics, script steps and scenes of the bundled calls' true texts; sentences kept aside.

    Examples:

        tingzhen bench guidance

        tingzhen bench guidance --wrong

        tingzhen bench guidance --sound
    """
    from importlib import resources

    from qa_engine.evaluate import read_truth
    from qa_engine.guidance.content import load_guidance
    from tingzhen.guidance_bench import (
        TRUTH,
        add_up,
        calm_kept,
        final_times,
        read_guidance_truth,
        tally_calls,
        tally_scenes,
        tally_topics,
    )
    from tingzhen.log_setup import configure_logging
    from tingzhen.rules_bench import percentile

    configure_logging("warning")
    guidance = load_guidance(rules)
    truth = read_guidance_truth(TRUTH)
    folder = Path(str(resources.files("tingzhen.demo"))) / "calls"
    if sound:
        found = _from_sound(folder, guidance, truth.calls, rules)
        for name, tally in _of_calls(found).items():
            _print(name, tally, wrong=wrong, json=json)
        return
    calls = [read_truth(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    found = tally_calls(guidance, calls, truth.calls)
    tuned = tally_scenes(guidance, truth.scenes_tuned)
    later = tally_scenes(guidance, truth.scenes_tuned_later)
    indirect = tally_scenes(guidance, truth.scenes_indirect)
    indirect_later = tally_scenes(guidance, truth.scenes_indirect_later)
    aside = tally_scenes(guidance, truth.scenes_held_out)
    tallies = {
        **_of_calls(found),
        "calls: scene of an utterance": found.scenes,
        "sentences: scene, tuned with": add_up(tuned),
        "sentences: scene, tuned with later": add_up(later),
        "sentences: scene, no feeling named": add_up(indirect),
        "sentences: calm, beside those": calm_kept(indirect),
        "sentences: scene, no feeling named, later": add_up(indirect_later),
        "sentences: calm, beside those, later": calm_kept(indirect_later),
        "sentences: scene, kept aside at first": add_up(aside),
        "sentences: calm, kept aside": calm_kept(aside),
        "sentences: topic, kept aside": tally_topics(guidance, truth.topics_held_out),
    }
    for name, tally in tallies.items():
        _print(name, tally, wrong=wrong, json=json)
    times = final_times(guidance, calls)
    line = {
        "final_p50_ms": round(percentile(times, 0.5) * 1000, 3),
        "final_p95_ms": round(percentile(times, 0.95) * 1000, 3),
        "final_p99_ms": round(percentile(times, 0.99) * 1000, 3),
        "phrases": guidance.index.size,
        "guidance": guidance.version,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    if json:
        print_json({"type": "bench_guidance_time", **line})
    else:
        for name, value in line.items():
            console.print(f"{name}: {value}")


def _of_calls(found: CallTallies) -> dict[str, Tally]:
    return {
        "calls: topic": found.topics,
        "calls: steps done": found.done,
        "calls: steps missed": found.missed,
    }


def _from_sound(
    folder: Path, guidance: Guidance, truth: Mapping[str, CallTruth], rules: Path | None
) -> CallTallies:
    from qa_engine.pack import DEFAULT_PACK, load
    from tingzhen.cli.recogniser import load_recogniser
    from tingzhen.guidance_bench import tally_sound
    from tingzhen.settings import load_settings

    settings = load_settings().asr
    recogniser = load_recogniser(settings, rules)
    pack = load(rules or DEFAULT_PACK)
    heard = tally_sound(
        folder, guidance, truth, pack=pack, settings=settings, recogniser=recogniser
    )
    return asyncio.run(heard)


def _print(name: str, tally: Tally, *, wrong: bool, json: bool) -> None:
    counts = {"wanted": tally.wanted, "told": tally.told, "right": tally.right}
    if json:
        rates = {"recall": round(tally.recall, 3), "precision": round(tally.precision, 3)}
        print_json({"type": "bench_guidance", "what": name, **counts, **rates})
        return
    rates_text = f"recall {tally.recall:.0%} precision {tally.precision:.0%}"
    console.print(f"{name}: {tally.right} of {tally.wanted}, {tally.told} told; {rates_text}")
    if wrong:
        for line in tally.wrong:
            console.print(f"  {line}", markup=False)
