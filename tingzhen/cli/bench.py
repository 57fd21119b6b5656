"""`tingzhen bench`: figures that anybody can measure again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tingzhen.cli.output import command, console, machine, print_json, stderr

app = typer.Typer(help="Figures that anybody can measure again.", no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Measure."""


@app.command()
def asr(
    legs: Annotated[int, typer.Option(min=2, help="Audio legs at once, two for a call.")] = 20,
    seconds: Annotated[
        float, typer.Option(min=0, help="Begin new calls for so long; those begun end.")
    ] = 30.0,
    folder: Annotated[
        Path | None,
        typer.Option(help="ID.json, ID.agent.flac, ID.customer.flac; the bundled calls if unset."),
    ] = None,
    baseline_seconds: Annotated[
        float,
        typer.Option(min=0, help="Audio for decoding a growing buffer every second; 0 for none."),
    ] = 30.0,
    window_calls: Annotated[
        int,
        typer.Option(min=0, help="Calls to decode over Whisper's full window too; 0 for none."),
    ] = 3,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Many calls in real time: errors, delays, CPU, memory; beside decoding a growing buffer.

    Twice: with partials, and with finals only. Then some calls over short windows and the full
    one, for what short ones cost in errors; then the first leg as streaming wrappers do it.

    Examples:

        tingzhen bench asr

        tingzhen bench asr --legs 8 --seconds 120 --baseline-seconds 0 --json
    """
    from tingzhen.cli.recogniser import load_recogniser
    from tingzhen.log_setup import configure_logging
    from tingzhen.recognition_bench import measure
    from tingzhen.settings import load_settings

    configure_logging("warning")
    settings = load_settings().asr
    recogniser = load_recogniser(settings)
    calls = folder or bundled_calls()
    for result in measure(
        recogniser,
        settings,
        calls,
        legs=legs + legs % 2,
        seconds=seconds,
        baseline_seconds=baseline_seconds,
        window_calls=window_calls,
    ):
        if json:
            print_json(result)
        else:
            _print_figures(result)


def _print_figures(result: dict[str, object]) -> None:
    table = Table(show_header=False, title=str(result["what"]))
    for name, value in result.items():
        if name in {"type", "what"}:
            continue
        shown = value
        if isinstance(value, dict):
            shown = ", ".join(f"{key} {'–' if one is None else one}" for key, one in value.items())
        table.add_row(name.replace("_", " "), str(shown))
    console.print(table)


def bundled_calls() -> Path:
    """Where the calls are that come with the program."""
    from importlib import resources

    return Path(str(resources.files("tingzhen.demo"))) / "calls"


@app.command()
def ami(
    recording: Annotated[
        Path | None, typer.Option("--ami", help="Recorded AMI stream of one call; ours if unset.")
    ] = None,
    calls: Annotated[int, typer.Option(min=1, help="Calls in each round.")] = 300,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of both sides in turn.")] = 9,
    memory_calls: Annotated[
        int, typer.Option(min=0, help="Calls over which memory is watched; 0: not at all.")
    ] = 100_000,
    beside: Annotated[
        bool, typer.Option(help="Measure panoramisk on the same bytes too (in the dev extra).")
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Manager events a second, from bytes to call events, and memory over very many calls.

    Rates are of one core (its processor time), on an unfiltered recording.

    Examples:

        tingzhen bench ami

        tingzhen bench ami --memory-calls 0 --json
    """
    import msgspec

    from tingzhen.ami_bench import Recording, memory, rates

    source = Recording(recording)
    found = rates(source, calls=calls, rounds=rounds, beside=beside)
    samples = []
    for sample in memory(source, memory_calls) if memory_calls else ():
        samples.append(sample)
        stderr.print(f"{sample.calls} calls: {sample.rss_mb:.1f} MB")
    ratio = found[0].median / found[1].median if len(found) > 1 else None
    growth = max(s.rss_mb for s in samples) - samples[0].rss_mb if samples else None
    if json:
        for rate in found:
            print_json({"type": "bench_rate", **msgspec.structs.asdict(rate)})
        for sample in samples:
            print_json({"type": "bench_memory", **msgspec.structs.asdict(sample)})
        print_json(
            {
                "type": "bench_ami",
                "ratio": ratio,
                "growth_mb": growth,
                "machine": machine(),
                "command": command(),
            }
        )
        return
    table = Table("", "events", "events/s, median", "95 % of rounds reach")
    for rate in found:
        table.add_row(rate.who, str(rate.events), f"{rate.median:,.0f}", f"{rate.p95:,.0f}")
    console.print(table)
    if ratio is not None:
        console.print(f"ours / panoramisk: {ratio:.2f}")
    if samples and growth is not None:
        console.print(
            f"memory: {samples[0].rss_mb:.1f} MB after {samples[0].calls} calls, "
            f"{growth:+.1f} MB at most up to {samples[-1].calls}"
        )
    console.print(f"machine: {machine()}", markup=False)
    console.print(f"command: {command()}", markup=False)
