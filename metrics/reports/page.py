"""A report as an HTML page that needs nothing beside it, and as a PDF of that page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from weasyprint import HTML, URLFetcher

from metrics.board import Row
from metrics.reports import charts
from metrics.reports.content import Report
from metrics.reports.results import WEIGHTS
from metrics.reports.wording import Language, known, kpi_value, number, share, word


def html_page(report: Report, language: Language, hospital: str = "") -> str:
    """Render a report.

    Args:
        report: what to say.
        language: of headings; quotations stay as they were said.
        hospital: whose it is, for the title.
    """
    environment = Environment(
        loader=PackageLoader("metrics.reports", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = partial(word, language=language)
    kpis = report.kpis
    zone = ZoneInfo(kpis.time_zone)
    kept = sum(row.kept is True for row in report.targets)
    missed = sum(row.kept is False for row in report.targets)
    days, hours = kpis.by["day"], kpis.by["hour_of_day"]
    return environment.get_template("report.html.j2").render(
        report=report,
        hospital=hospital,
        language="zh-Hans" if language == "zh" else "en",
        chinese=language == "zh",
        w=words,
        known=known,
        kpi_value=kpi_value,
        share=share,
        number=number,
        weights=WEIGHTS,
        made_at=datetime.fromtimestamp(report.made_at, zone).strftime("%Y-%m-%d %H:%M"),
        over=report.made_at >= kpis.end,
        brief=words("brief").format(
            offered=number(report.total.offered),
            answered=number(report.total.answered),
            kept=kept,
            missed=missed,
        )
        if report.total.joined
        else words("none_joined"),
        day_chart=_picture(days, [row.key[5:] for row in days], _rates(days)),
        hour_chart=_picture(hours, [row.key for row in hours], _waits(hours)),
    )


def pdf(page: str) -> bytes:
    """Lay a page out on A4. Nothing is fetched: the page brings all that it shows."""
    document = HTML(string=page, url_fetcher=URLFetcher(allowed_protocols={"data"}))
    written = document.write_pdf(pdf_tags=True)
    if written is None:
        raise RuntimeError("no PDF was written")
    return bytes(written)


def _rates(rows: Sequence[Row]) -> list[float | None]:
    rates = [row.kpis.answer_rate for row in rows]
    return [None if rate is None else 100.0 * rate for rate in rates]


def _waits(rows: Sequence[Row]) -> list[float | None]:
    return [row.kpis.average_speed_of_answer_s for row in rows]


def _picture(rows: Sequence[Row], labels: Sequence[str], line: Sequence[float | None]) -> str:
    """A chart of offered and answered calls as a data URL; empty where one bar is all."""
    if len(rows) <= 1:
        return ""
    offered = [row.kpis.offered for row in rows]
    answered = [row.kpis.answered for row in rows]
    drawn = charts.bars(labels, offered, answered, line)
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.encode()).decode()
