"""Reports as files, each whole or not there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
from sqlalchemy import URL, Connection

from backbone.store.engine import open_engine
from metrics.periods import Period, PeriodKind, period_of
from metrics.reports.content import Report, read_report
from metrics.reports.page import html_page, pdf
from metrics.reports.results import read_marks
from metrics.reports.settings import Format, ReportSettings
from metrics.reports.wording import Language
from metrics.reports.workbook import workbook
from metrics.settings import MetricsSettings


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Which files to make of which period; `on` is any day of it."""

    kind: PeriodKind
    on: date
    directory: Path
    formats: tuple[Format, ...]
    languages: tuple[Language, ...]
    hospital: str = ""
    marks_file: Path | None = None

    def missing(self, period: Period) -> list[Path]:
        """Those of the files that are not there yet."""
        return [path for path, _, _ in _named(self, period) if not path.exists()]


def order_by(settings: ReportSettings, kind: PeriodKind, on: date, directory: Path) -> Order:
    """The order that a site's settings stand for."""
    return Order(
        kind=kind,
        on=on,
        directory=directory,
        formats=settings.formats,
        languages=settings.languages,
        hospital=settings.hospital,
        marks_file=settings.marks_file,
    )


def make_files(
    connection: Connection, order: Order, settings: MetricsSettings, now: float
) -> list[Path]:
    """Read the report once and write all its files; a file that exists is replaced.

    Raises:
        UserError: the file of marks cannot be used.
        OSError: the directory cannot be written.
    """
    marks = read_marks(order.marks_file) if order.marks_file is not None else {}
    period = period_of(order.kind, order.on, settings.zone)
    report = read_report(connection, period, settings, now=now, marks=marks)
    order.directory.mkdir(parents=True, exist_ok=True)
    written = []
    for path, language, form in _named(order, period):
        _replace(path, _made(report, language, form, order.hospital))
        written.append(path)
    return written


def make_files_of(url: URL, order: Order, settings: MetricsSettings, now: float) -> list[Path]:
    """As `make_files`, with a connection of its own: what a worker process runs."""
    os.nice(10)  # a report has time; calls have not
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            return make_files(connection, order, settings, now)
    finally:
        engine.dispose()


def _named(order: Order, period: Period) -> Sequence[tuple[Path, Language, Format]]:
    return [
        (
            order.directory / f"{period.kind}-{period.label}.{language}.{form}",
            language,
            form,
        )
        for language in order.languages
        for form in order.formats
    ]


def _made(report: Report, language: Language, form: Format, hospital: str) -> bytes:
    if form == "xlsx":
        return workbook(report, language)
    page = html_page(report, language, hospital)
    return pdf(page) if form == "pdf" else page.encode()


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
