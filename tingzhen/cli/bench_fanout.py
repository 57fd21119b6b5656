"""`tingzhen bench fanout`: many browsers, many calls."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from tingzhen.cli.bench_search import ask
from tingzhen.cli.output import stderr
from tingzhen.cli.past import Keep, show, stored_calls


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
    keep: Keep = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each search is done.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Time from publishing an alert to its receipt, with memory; time of searches and screen pop.

    Two runs: all browsers well, then some that read nothing. The browsers run on this machine
    too, so their own work is in the times.

    Examples:

        tingzhen bench fanout

        tingzhen bench fanout --clients 300 --alerts 200 --calls 0 --compress

        tingzhen bench fanout --clients 10 --keep /var/tmp/past --json
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
        show("bench_fanout", asdict(found), json=json)
    if calls:
        with stored_calls(keep, calls) as store:
            ask(store, rounds, json=json)
