"""`tingzhen forecast`: the week ahead."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from backbone.errors import UserError
from tingzhen.cli.output import console, print_json

if TYPE_CHECKING:
    from metrics.forecast.plan import Plan

HELP = """Expect the calls of the next seven days, and the seats they need.

Each half hour is the mean of the same half hour in the weeks before. Seats are given by Erlang C
(nobody hangs up) and Erlang A (callers have the patience that was measured), for the service level
asked for, at most 15 s of average wait and at most 2 % hanging up. The error of the same forecast
on past weeks stands beside it. Needs the extra `report`.

Examples:

    tingzhen forecast --config tingzhen.toml

    tingzhen forecast --half-hours --service-level 0.9 --shrinkage 0.25

    tingzhen forecast --json > next-week.jsonl
"""


def forecast(
    config: Annotated[Path | None, typer.Option(help="Settings of the node (TOML).")] = None,
    on: Annotated[str, typer.Option(help="First day to forecast (today).")] = "",
    weeks: Annotated[int, typer.Option(min=1, max=52, help="Weeks to take the mean of.")] = 6,
    service_level: Annotated[
        float, typer.Option(min=0.01, max=0.999, help="Share of callers answered in time.")
    ] = 0.8,
    shrinkage: Annotated[
        float, typer.Option(min=0.0, max=0.9, help="Share of rostered time away from the phone.")
    ] = 0.3,
    half_hours: Annotated[bool, typer.Option(help="Every half hour, not only the days.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Plan."""
    plan = _plan(config, on, weeks, service_level, shrinkage)
    if json:
        for day in plan.days:
            print_json({"type": "forecast_day", **msgspec.to_builtins(day)})
        rest = {name: value for name, value in msgspec.to_builtins(plan).items() if name != "days"}
        print_json({"type": "forecast", **rest})
        return
    _print_days(plan, half_hours=half_hours)
    _print_basis(plan)


def _plan(config: Path | None, on: str, weeks: int, service_level: float, shrinkage: float) -> Plan:
    import time

    from tingzhen.extras import need_report
    from tingzhen.settings import load_settings
    from tingzhen.stored import reading_store

    need_report()
    from metrics.forecast.arrivals import TooLittleHistoryError
    from metrics.forecast.plan import plan_week, read_past
    from metrics.forecast.staffing import ServiceTarget
    from metrics.periods import today

    settings = load_settings(config)
    zone = settings.metrics.zone
    try:
        first = date.fromisoformat(on) if on else today(time.time(), zone)
    except ValueError:
        raise UserError(f"--on {on}: not a day; an example is 2026-11-23") from None
    with reading_store(settings) as connection:
        past = read_past(connection, zone, first, max(weeks, 12))
    try:
        return plan_week(
            past, ServiceTarget(service_level=service_level, shrinkage=shrinkage), weeks
        )
    except TooLittleHistoryError as error:
        raise UserError(f"{error}; see --on") from error


def _print_days(plan: Plan, *, half_hours: bool) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("day")
    for heading in ("calls", "busiest", "calls then", "seats (A)", "seats (C)", "to roster"):
        table.add_column(heading, justify="right")
    for day in plan.days:
        busiest = max(day.slots, key=lambda slot: slot.calls)
        shown = day.slots if half_hours else (busiest,)
        for slot in shown:
            chosen = slot.by_erlang_a or slot.by_erlang_c
            table.add_row(
                f"{day.day:%Y-%m-%d %a}",
                f"{day.calls:.0f}",
                slot.time,
                f"{slot.calls:.1f}",
                "-" if slot.by_erlang_a is None else str(slot.by_erlang_a.seats),
                str(slot.by_erlang_c.seats),
                str(chosen.rostered),
            )
    console.print(table)


def _print_basis(plan: Plan) -> None:
    aht = f"{plan.aht_s:.0f} s" + ("" if plan.aht_known else " (assumed: nothing handled yet)")
    patience = "unknown" if plan.patience_s is None else f"{plan.patience_s:.0f} s"
    console.print(f"mean of {plan.weeks} weeks; handle time {aht}; patience {patience}")
    if plan.errors is None:
        console.print("error on past weeks: unknown, there are less than two weeks of calls")
    else:
        errors = plan.errors
        console.print(
            f"error on the last {errors.weeks} weeks: {errors.wape:.1%} by half hour, "
            f"{errors.wape_of_days:.1%} by day, bias {errors.bias:+.1%} "
            f"(repeating the week before: {errors.wape_of_last_week:.1%})"
        )
    for warning in plan.warnings:
        console.print(
            f"complaints: {warning.topic}: {warning.week.complaints} of {warning.week.calls} "
            f"calls, {warning.expected:.1f} expected"
        )
    rate, base = plan.hit_rate.rate, plan.hit_rate.base_rate
    if rate is not None and base is not None:
        console.print(
            f"such warnings came true {plan.hit_rate.hits} of {plan.hit_rate.warnings} times "
            f"({rate:.0%}); any week was above its usual share in {base:.0%}"
        )
