"""`tingzhen bench search`: how fast a console with many stored calls answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tingzhen.cli.output import console, print_json
from tingzhen.cli.past import Calls, Keep, stored_calls

if TYPE_CHECKING:
    from tingzhen.past.questions import Found
    from tingzhen.past.store import PastStore


def bench_search(
    calls: Calls = 100_000,
    keep: Keep = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each question is asked.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Time of searches, lists, the caller's card and the knowledge base over many stored calls.

    Examples:

        tingzhen bench search

        tingzhen bench search --keep /var/tmp/past --rounds 50 --json
    """
    from tingzhen.log_setup import configure_logging

    configure_logging("error")
    with stored_calls(keep, calls) as store:
        ask(store, rounds, json=json)


def ask(store: PastStore, rounds: int, *, json: bool) -> None:
    """Ask everything so often and print what was found."""
    import asyncio

    found = asyncio.run(_all(store, rounds, json=json))
    slowest = max(found, key=lambda answer: answer.p95_ms)
    summary = {
        "calls": store.calls,
        "store_mb": round(store.size_mb, 1),
        "slowest": slowest.what,
        "slowest_p95_ms": slowest.p95_ms,
    }
    if json:
        print_json({"type": "bench_search_summary", **summary})
        return
    console.print(", ".join(f"{name} {value}" for name, value in summary.items()), markup=False)


async def _all(store: PastStore, rounds: int, *, json: bool) -> list[Found]:
    from dataclasses import asdict

    from tingzhen.past.questions import measure

    answers = []
    if not json:
        console.print(f"{'':40} {'items':>5} {'median ms':>10} {'p95 ms':>8} {'worst ms':>8}")
    async for found in measure(store, rounds):
        answers.append(found)
        if json:
            print_json({"type": "bench_search", **asdict(found)})
            continue
        console.print(
            f"{found.what:40} {found.items:5} {found.p50_ms:10} {found.p95_ms:8} "
            f"{found.worst_ms:8}",
            markup=False,
        )
    return answers
