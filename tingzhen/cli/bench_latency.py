"""`tingzhen bench latency`: how soon an alert is on the page."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tingzhen.cli.output import console, print_json

if TYPE_CHECKING:
    from tingzhen.latency_bench import AlertTime


_SLOW_S = 2.0
"""What the final alert of 95 in 100 phrases should not take."""


def latency(
    rounds: Annotated[int, typer.Option(min=1, help="How often the calls are played.")] = 1,
    lab: Annotated[
        bool, typer.Option(help="Each call by itself through a real Asterisk, not the demo's.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """From the end of a phrase in the audio to the websocket frame, with finals and partials.

    Plays the demo's calls in real time, up to four at once, through real recognition: two minutes
    a round. With `--lab` the ten bundled calls, one after another, through an Asterisk of its own:
    nine minutes a round.

    Examples:

        tingzhen bench latency

        tingzhen bench latency --lab

        tingzhen bench latency --rounds 10 --json
    """
    from tingzhen.cli.recogniser import load_recogniser
    from tingzhen.latency_bench import measure_demo, measure_lab
    from tingzhen.log_setup import configure_logging
    from tingzhen.rules_bench import percentile
    from tingzhen.settings import load_settings

    configure_logging("warning")
    asr = load_settings().asr
    recogniser = load_recogniser(asr)

    def told(call: str) -> None:
        if not json:
            console.print(f"{call} …", style="dim")

    measuring = (
        measure_lab(asr, recogniser, rounds, told) if lab else measure_demo(asr, recogniser, rounds)
    )
    found = asyncio.run(measuring)
    for stage, seconds in found.seconds.items():
        line: dict[str, object] = {"stage": stage, "alerts": len(seconds)}
        if seconds:
            line |= {
                f"p{share}_s": round(percentile(seconds, share / 100), 2) for share in (50, 95, 99)
            }
        if json:
            print_json({"type": "bench_latency", **line})
        else:
            console.print(
                " ".join(f"{name}: {value}" for name, value in line.items()), markup=False
            )
    _each(found.alerts, json=json)
    summary = {
        "provisional_confirmed": found.confirmed,
        "provisional_withdrawn": found.withdrawn,
        "left_out_as_they_wait": found.waited,
        "model": asr.model,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    if json:
        print_json({"type": "bench_latency_summary", **summary})
        return
    for name, value in summary.items():
        console.print(f"{name.replace('_', ' ')}: {value}", markup=False)


def _each(alerts: Sequence[AlertTime], *, json: bool) -> None:
    """Every alert by itself; for people, those that were slow."""
    for rule, final, first in sorted(alerts, key=lambda alert: -alert.final):
        if json:
            times = {"final_s": round(final, 2), "first_s": round(first, 2)}
            print_json({"type": "bench_alert", "rule": rule, **times})
        elif final > _SLOW_S:
            console.print(f"slow: {rule}, {final:.2f} s", markup=False)
