"""`tingzhen bench history`: a month of calls, and what it takes to read it."""

from __future__ import annotations

import platform
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tingzhen.cli.output import console, print_json, stderr


def bench_history(
    calls: Annotated[int, typer.Option(min=1, help="Calls in the month.")] = 200_000,
    month: Annotated[
        datetime, typer.Option(formats=["%Y-%m"], help="The month to fill.")
    ] = datetime(2026, 10, 1),  # noqa: DTZ001 - a date without a time
    store: Annotated[
        Path | None,
        typer.Option(help="Keep the history in this database; one that exists is only read."),
    ] = None,
    queues: Annotated[int, typer.Option(min=1, help="Queues on the /metrics page.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Time and memory of a month's KPIs and report; time and size of a /metrics scrape.

    Examples:

        tingzhen bench history

        tingzhen bench history --calls 20000 --store /var/tmp/month.sqlite3 --json
    """
    import tempfile
    from calendar import monthrange
    from datetime import timedelta

    from metrics.settings import MetricsSettings
    from tingzhen.history_bench import make_history, read_alone, report_alone, scrape
    from tingzhen.log_setup import configure_logging

    configure_logging("warning")
    first = month.date().replace(day=1)
    days = monthrange(first.year, first.month)[1]
    with tempfile.TemporaryDirectory(prefix="tingzhen-history-") as folder:
        file = store or Path(folder) / "history.sqlite3"
        if not file.exists():
            stderr.print(f"writing {calls} calls …")
            make_history(file, calls, first, days, MetricsSettings())
        day = read_alone(file, "day", first + timedelta(days=14))
        whole = read_alone(file, "month", first)
        paper = report_alone(file, "month", first)
        size_mb = file.stat().st_size / 1e6
    page = scrape(queues)
    line = {
        "calls": whole.offered,
        "store_mb": round(size_mb, 1),
        "month_s": round(whole.seconds, 2),
        "month_cpu_s": round(whole.cpu_s, 2),
        "month_peak_mb": round(whole.peak_mb, 1),
        "month_report_s": round(paper.seconds, 2),
        "month_report_cpu_s": round(paper.cpu_s, 2),
        "month_report_peak_mb": round(paper.peak_mb, 1),
        "day_calls": day.offered,
        "day_s": round(day.seconds, 3),
        "day_peak_mb": round(day.peak_mb, 1),
        "scrape_queues": queues,
        "scrape_ms": round(page.seconds * 1000, 2),
        "scrape_kb": round(page.size_bytes / 1000, 1),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    if json:
        print_json({"type": "bench_history", **line})
        return
    for name, value in line.items():
        console.print(f"{name.replace('_', ' ')}: {value}", markup=False)
