"""What managers plan with: the week ahead, and the reports that were made."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from agent_console import reporting
from agent_console.access import Context, Who
from agent_console.api.writing import Asked, entry, keep
from agent_console.problems import Problem
from agent_console.reporting import FullError
from metrics.periods import PeriodKind, period_of, today
from metrics.reports.settings import Format
from metrics.reports.wording import Language

if TYPE_CHECKING:
    from metrics.forecast.plan import Plan, Slot

router = APIRouter(tags=["planning"])

_REPORT = re.compile(r"(?:day|week|month)-[\dW-]{7,10}\.(?:zh|en)\.(?:pdf|xlsx|html)")
_MOST_REPORTS = 400


class SlotView(BaseModel):
    """A half hour: expected calls and seats, by Erlang A where callers' patience is known."""

    time: str
    calls: float
    seats: int
    rostered: int
    seats_erlang_c: int


class DayView(BaseModel):
    """A day of the week ahead."""

    day: date
    calls: float
    slots: list[SlotView]


class ErrorsView(BaseModel):
    """How far such forecasts of the last weeks were off, as shares of the calls that came."""

    weeks: int
    half_hours: float
    days: float
    bias: float
    repeating_last_week: float


class WarningView(BaseModel):
    """A topic with more complaints last week than chance explains."""

    topic: str
    calls: int
    complaints: int
    expected: float


class ForecastView(BaseModel):
    """The week ahead. `errors` is null with less than two weeks of calls.

    `warnings_right` of `warnings_given` past warnings came true; a week without one would have in
    `warnings_base_rate`.
    """

    weeks: int
    aht_s: float
    aht_known: bool
    patience_s: float | None
    service_level: float
    within_s: float
    shrinkage: float
    days: list[DayView]
    errors: ErrorsView | None
    warnings: list[WarningView]
    warnings_given: int
    warnings_right: int
    warnings_base_rate: float | None


class ReportFile(BaseModel):
    """A report that was made; `made_at` in epoch seconds."""

    name: str
    period: str
    label: str
    language: str
    format: str
    size_bytes: int
    made_at: float


class NewReport(Asked):
    """Which report to make: of the period that holds the day `on`, in which formats."""

    period: PeriodKind
    on: date = Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))
    language: Language = "zh"
    formats: tuple[Format, ...] = Field(("pdf", "xlsx"), min_length=1, max_length=3)


class AskedReport(BaseModel):
    """A report that is not there yet; `asked_at` in epoch seconds."""

    period: PeriodKind
    label: str
    language: Language
    formats: tuple[Format, ...]
    state: Literal["waiting", "making", "failed"]
    asked_at: float


@router.get("/forecast")
async def get_forecast(
    context: Context,
    *,
    service_level: Annotated[float, Query(gt=0, lt=1)] = 0.8,
    shrinkage: Annotated[float, Query(ge=0, le=0.9)] = 0.3,
) -> ForecastView:
    """Calls and seats of the next seven days, with the error of the same method on the past."""
    try:
        from metrics.forecast.arrivals import TooLittleHistoryError  # noqa: PLC0415 - an extra
        from metrics.forecast.plan import plan_week, read_past  # noqa: PLC0415 - the same
        from metrics.forecast.staffing import ServiceTarget  # noqa: PLC0415 - the same
    except ModuleNotFoundError:
        raise Problem(
            503, "not_installed", "The forecast needs the extra: pip install 'tingzhen[report]'."
        ) from None
    zone = context.site.metrics.zone
    first = today(context.clock.time(), zone)
    target = ServiceTarget(service_level=service_level, shrinkage=shrinkage)

    def read() -> Plan:
        with context.engine.connect() as connection:
            past = read_past(connection, zone, first)
        return plan_week(past, target)

    try:
        plan = await asyncio.to_thread(read)
    except TooLittleHistoryError:
        raise Problem(
            409, "too_little_history", "A forecast needs a whole week of calls."
        ) from None
    except ValueError:
        raise Problem(
            422, "invalid_request", "No number of seats keeps such a service level."
        ) from None
    return _forecast(plan)


@router.get("/reports")
async def list_reports(context: Context) -> list[ReportFile]:
    """The reports that are there, the newest first."""
    folder = context.site.reports
    if folder is None:
        return []
    return await asyncio.to_thread(_reports, folder)


@router.get("/reports/asked")
async def list_asked(context: Context) -> list[AskedReport]:
    """Reports that were asked for and are not there yet, and those that failed last."""
    return [_asked(one) for one in context.reports.asked]


@router.post("/reports", status_code=202)
async def ask_for_report(who: Who, context: Context, body: NewReport) -> AskedReport:
    """Have a report made; it is listed among the asked ones until its files are there."""
    folder = context.site.reports
    if folder is None:
        raise Problem(409, "no_reports", "This node has no folder for reports.")
    try:
        from metrics.reports.files import Order  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise Problem(
            503, "not_installed", "Reports need the extra: pip install 'tingzhen[report]'."
        ) from None
    settings = context.site.reporting
    order = Order(
        kind=body.period,
        on=body.on,
        directory=folder,
        formats=body.formats,
        languages=(body.language,),
        hospital=settings.hospital,
        marks_file=settings.marks_file,
    )
    label = period_of(body.period, body.on, context.site.metrics.zone).label
    try:
        asked = context.reports.ask(order, label)
    except FullError:
        raise Problem(429, "too_many_reports", "Reports wait to be made: ask later.") from None
    await keep(context, entry(context, who, "report_asked", f"{body.period} {label}", ""))
    return _asked(asked)


@router.get("/reports/{name}", response_class=FileResponse)
async def get_report(context: Context, name: str) -> Response:
    """A report's file."""
    folder = context.site.reports
    if folder is None or not _REPORT.fullmatch(name) or not (folder / name).is_file():
        raise Problem(404, "not_found", "There is no such report.")
    # Never shown within the console's own page: an attachment, whatever its format.
    return FileResponse(folder / name, filename=name, headers={"Cache-Control": "no-store"})


def _asked(one: reporting.Asked) -> AskedReport:
    return AskedReport(
        period=one.period,
        label=one.label,
        language=one.order.languages[0],
        formats=one.order.formats,
        state=one.state,
        asked_at=one.asked_at,
    )


def _reports(folder: Path) -> list[ReportFile]:
    try:
        found = [path for path in folder.iterdir() if _REPORT.fullmatch(path.name)]
    except OSError:
        return []  # none was made yet
    files = []
    for path in found:
        stem, language, form = path.name.rsplit(".", 2)
        period, label = stem.split("-", 1)
        status = path.stat()
        files.append(
            ReportFile(
                name=path.name,
                period=period,
                label=label,
                language=language,
                format=form,
                size_bytes=status.st_size,
                made_at=status.st_mtime,
            )
        )
    return sorted(files, key=lambda file: (-file.made_at, file.name))[:_MOST_REPORTS]


def _forecast(plan: Plan) -> ForecastView:
    errors = plan.errors
    return ForecastView(
        weeks=plan.weeks,
        aht_s=plan.aht_s,
        aht_known=plan.aht_known,
        patience_s=plan.patience_s,
        service_level=plan.target.service_level,
        within_s=plan.target.within_s,
        shrinkage=plan.target.shrinkage,
        days=[
            DayView(day=day.day, calls=day.calls, slots=[_slot(slot) for slot in day.slots])
            for day in plan.days
        ],
        errors=None
        if errors is None
        else ErrorsView(
            weeks=errors.weeks,
            half_hours=errors.wape,
            days=errors.wape_of_days,
            bias=errors.bias,
            repeating_last_week=errors.wape_of_last_week,
        ),
        warnings=[
            WarningView(
                topic=warning.topic,
                calls=warning.week.calls,
                complaints=warning.week.complaints,
                expected=warning.expected,
            )
            for warning in plan.warnings
        ],
        warnings_given=plan.hit_rate.warnings,
        warnings_right=plan.hit_rate.hits,
        warnings_base_rate=plan.hit_rate.base_rate,
    )


def _slot(slot: Slot) -> SlotView:
    chosen = slot.by_erlang_a or slot.by_erlang_c
    return SlotView(
        time=slot.time,
        calls=slot.calls,
        seats=chosen.seats,
        rostered=chosen.rostered,
        seats_erlang_c=slot.by_erlang_c.seats,
    )
