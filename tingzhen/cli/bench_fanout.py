"""`tingzhen bench fanout`: many browsers, many calls."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tingzhen.cli.output import console, print_json, stderr


def bench_fanout(
    clients: Annotated[int, typer.Option(min=1, help="Browsers on the live page.")] = 300,
    alerts: Annotated[int, typer.Option(min=1, help="Alerts to publish.")] = 100,
    every_s: Annotated[float, typer.Option(min=0.01, help="Seconds between two.")] = 0.25,
    stalled: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share that reads nothing.")
    ] = 0.05,
    finals: Annotated[int, typer.Option(min=0, help="Transcripts beside each alert.")] = 1,
    letters: Annotated[int, typer.Option(min=3, help="Letters of a transcript.")] = 3000,
    compress: Annotated[bool, typer.Option("--compress", help="With permessage-deflate.")] = False,
    calls: Annotated[
        int, typer.Option(min=0, help="Stored calls to search; 0 leaves the search out.")
    ] = 100_000,
    store: Annotated[
        Path | None, typer.Option(help="Keep them in this database; one that exists is used.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each search is done.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Time from publishing an alert to its receipt, with memory; time of searches and screen pop.

    Two runs: all browsers well, then some that read nothing. The browsers run on this machine
    too, so their own work is in the times.

    Examples:

        tingzhen bench fanout

        tingzhen bench fanout --clients 300 --alerts 200 --calls 0 --compress

        tingzhen bench fanout --clients 10 --store /var/tmp/calls.sqlite3 --json
    """
    from tingzhen.fanout.measure import measure
    from tingzhen.fanout.node import Load
    from tingzhen.log_setup import configure_logging

    configure_logging("error")
    load = Load(alerts, every_s, finals, letters)
    counts = [0, round(clients * stalled)]
    for still in dict.fromkeys(counts):
        stderr.print(f"{clients} clients, {still} of them stalled …")
        found = asyncio.run(measure(clients, still, load, compress=compress))
        _show("bench_fanout", asdict(found), json=json)
    if calls:
        _search(calls, store, rounds, json=json)


def _search(calls: int, store: Path | None, rounds: int, *, json: bool) -> None:
    import tempfile

    from rich.progress import Progress

    from tingzhen.fanout.search import make_calls, measure

    with tempfile.TemporaryDirectory(prefix="tingzhen-search-") as folder:
        file = store or Path(folder) / "calls.sqlite3"
        if not file.exists():
            with Progress(console=stderr) as bar:
                tasks = {name: bar.add_task(name, total=None) for name in ("calls", "transcripts")}
                make_calls(
                    file,
                    calls,
                    lambda name, done, total: bar.update(tasks[name], completed=done, total=total),
                )
        size_mb = round(file.stat().st_size / 1e6, 1)
        for found in asyncio.run(measure(file, rounds)):
            _show("bench_search", {**asdict(found), "calls": calls, "store_mb": size_mb}, json=json)


def _show(kind: str, line: dict[str, object], *, json: bool) -> None:
    if json:
        print_json({"type": kind, **line})
        return
    console.print(", ".join(f"{name} {value}" for name, value in line.items()), markup=False)
