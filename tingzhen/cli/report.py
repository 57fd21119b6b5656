"""`tingzhen report`: a day, a week or a month on paper."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from backbone.errors import UserError
from tingzhen.cli.output import print_json, stderr

HELP = """Write a daily or weekly report, or the monthly white paper (客服白皮书).

KPIs against targets and against the period before, trends, best and worst hours, topics with
frequent questions, callers' words with personal data covered, rules, and agents' results. The
formats are PDF, XLSX and HTML, in Chinese or English. Needs the extra `report`.

Marks that nobody can measure (learning, teamwork, innovation) come from a CSV file with a column
`agent` and one for each; they are shown as entered by hand.

Examples:

    tingzhen report --config tingzhen.toml                     yesterday

    tingzhen report month --on 2026-10 --format pdf --format xlsx --out reports/

    tingzhen report week --language en --marks marks.csv
"""


def report(
    period: Annotated[
        Literal["day", "week", "month"], typer.Argument(help="What it is about.")
    ] = "day",
    config: Annotated[Path | None, typer.Option(help="Settings of the node (TOML).")] = None,
    on: Annotated[
        str, typer.Option(help="A day of the period, or a month as 2026-10 (the last one over).")
    ] = "",
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="pdf, xlsx or html; several times.")
    ] = None,
    language: Annotated[Literal["zh", "en"], typer.Option(help="Of headings.")] = "zh",
    marks: Annotated[Path | None, typer.Option(help="CSV of marks entered by hand.")] = None,
    out: Annotated[Path | None, typer.Option(help="Directory (reports in data_dir).")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Write."""
    import time

    from tingzhen.extras import need_report
    from tingzhen.settings import load_settings
    from tingzhen.stored import reading_store

    need_report()
    from metrics.periods import period_of, today
    from metrics.reports.files import make_files, order_by

    settings = load_settings(config)
    now = time.time()
    zone = settings.metrics.zone
    day = _day(on) if on else period_of(period, today(now, zone), zone).previous().first
    chosen = settings.reports.model_copy(
        update={
            "formats": _formats(formats) or settings.reports.formats,
            "languages": (language,),
            "marks_file": marks or settings.reports.marks_file,
        }
    )
    directory = out or settings.reports_dir
    if not json:
        stderr.print(f"reading {period_of(period, day, zone).label} …")
    with reading_store(settings) as connection:
        try:
            files = make_files(
                connection, order_by(chosen, period, day, directory), settings.metrics, now
            )
        except OSError as error:
            raise UserError(f"{directory}: {error.strerror or error}") from error
    for path in files:
        if json:
            print_json({"type": "report", "path": str(path), "bytes": path.stat().st_size})
        else:
            typer.echo(path)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text if text.count("-") != 1 else f"{text}-01")
    except ValueError:
        raise UserError(f"--on {text}: no day or month; examples: 2026-10-31, 2026-10") from None


def _formats(given: list[str] | None) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(given or ()))
    unknown = [name for name in wanted if name not in {"pdf", "xlsx", "html"}]
    if unknown:
        raise UserError(f"--format {unknown[0]}: known are pdf, xlsx and html")
    return wanted
