"""`tingzhen bench screenpop`: from a phone's ringing to the caller's details on the page."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from tingzhen.cli.output import console, print_json, stderr
from tingzhen.cli.past import Calls, Keep, stored_calls


def bench_screenpop(
    calls: Calls = 100_000,
    keep: Keep = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often a phone rings.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Time from AgentCalled on the manager interface to the painted page of the agent.

    A node of its own with many stored calls, a recorded call's AMI bytes under new numbers, and
    headless Chromium on the agent's page. Beside it, in the same rounds: the same details over the
    live feed without a browser, and by asking every second. Takes about two seconds a round, and
    a minute or two before that to write the stored calls unless they are kept.

    Examples:

        tingzhen bench screenpop

        tingzhen bench screenpop --keep /var/tmp/past --rounds 100 --json
    """
    import asyncio
    from dataclasses import asdict

    from rich.table import Table

    from tingzhen.log_setup import configure_logging
    from tingzhen.screenpop.measure import measure

    configure_logging("error")
    with stored_calls(keep, calls) as store, stderr.status("the phone rings …") as status:
        pops = asyncio.run(
            measure(store, rounds, lambda done: status.update(f"round {done} of {rounds}"))
        )
        size_mb = round(store.size_mb, 1)
    summary = {
        "calls": calls,
        "store_mb": size_mb,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    if json:
        for pop in pops:
            print_json({"type": "bench_screenpop", **asdict(pop)})
        print_json({"type": "bench_screenpop_summary", **summary})
        return
    table = Table("from AgentCalled", "rounds", "median ms", "p95 ms", "worst ms")
    for pop in pops:
        table.add_row(
            pop.what, *(str(n) for n in (pop.rounds, pop.p50_ms, pop.p95_ms, pop.worst_ms))
        )
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in summary.items()), markup=False)
