"""A report as an XLSX workbook: the same tables, as numbers that can be counted on with."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import xlsxwriter

from metrics.board import Row
from metrics.reports.content import Report
from metrics.reports.results import PARTS
from metrics.reports.wording import Language, word

_KPIS = (
    "offered",
    "answered",
    "abandoned",
    "answer_rate",
    "service_level",
    "average_speed_of_answer_s",
    "longest_wait_s",
    "ring_sla",
    "first_contact_resolution",
    "satisfaction",
    "script_compliance",
    "red_lines",
)
Cell = str | float | int | None


def workbook(report: Report, language: Language) -> bytes:
    """Write a workbook, a sheet for each table of the report."""
    written = io.BytesIO()
    # Texts that callers said are never taken for a formula or a link.
    book = xlsxwriter.Workbook(
        written,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
    )
    head = book.add_format({"bold": True, "bottom": 1})

    def sheet(name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        page = book.add_worksheet(word(name, language)[:31])
        page.freeze_panes(1, 0)
        for column, title in enumerate(columns):
            page.write_string(0, column, word(title, language), head)
        for number, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    page.write_string(number, column, cell)
                elif cell is not None:
                    page.write_number(number, column, cell)
        page.set_column(0, 0, 26)
        page.set_column(1, max(1, len(columns) - 1), 16)

    chinese = language == "zh"
    sheet(
        "targets",
        ("kpi", "value", "last", "target", "verdict"),
        (
            (
                word(row.target.kpi, language),
                row.value,
                row.last,
                f"{word(row.target.direction, language)} {row.target.value:g}",
                word({True: "kept", False: "missed", None: "unknown"}[row.kept], language),
            )
            for row in report.targets
        ),
    )
    for name, heading, dimension in (
        ("calls_by_day", "date", "day"),
        ("hours", "hour", "hour_of_day"),
        ("queues", "queue", "queue"),
        ("teams", "team", "team"),
    ):
        sheet(name, (heading, *_KPIS), _kpis(report.kpis.by[dimension]))
    sheet(
        "topics",
        ("topic", "calls", "last", "complaints", "sampled", "questions"),
        (
            (
                row.title if chinese else row.title_en,
                row.calls,
                row.last,
                row.complaints,
                row.sampled,
                "\n".join(f"{question.text} ({question.calls})" for question in row.questions),
            )
            for row in report.topics
        ),
    )
    sheet(
        "rules",
        ("rule", "severity", "alerts", "last", "precision"),
        (
            (
                row.title if chinese else row.title_en,
                word(row.severity, language),
                row.alerts,
                row.last,
                row.precision,
            )
            for row in report.rules
        ),
    )
    sheet(
        "agents",
        ("agent", "handled", "scored", *PARTS, "entered", "total", "of_weight"),
        (
            (
                row.agent,
                row.kpis.handled,
                row.scored,
                *(part.mark for part in row.parts),
                ", ".join(
                    word(part.part, language) for part in row.parts if part.source == "entered"
                ),
                row.total,
                row.weight,
            )
            for row in report.agents
        ),
    )
    sheet(
        "quotations",
        ("quotations", "complaints"),
        ((quotation.text, word(quotation.kind, language)) for quotation in report.quotations),
    )
    book.close()
    return written.getvalue()


def _kpis(rows: Iterable[Row]) -> Iterable[Sequence[Cell]]:
    return ((row.key, *(getattr(row.kpis, name) for name in _KPIS)) for row in rows)
