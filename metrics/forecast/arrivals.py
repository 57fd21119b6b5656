"""Calls per half hour for the days to come, from the same half hours of the weeks before.

The seasonal moving average: next Tuesday 09:30 is the mean of the last Tuesdays at 09:30. J. W.
Taylor, "A comparison of univariate time series methods for forecasting intraday arrivals at a
call center" (Management Science 54, 2008), found that beyond a few days ahead nothing
more elaborate did clearly better. What it cannot know: holidays, campaigns, epidemics.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

SLOTS = 48
"""Half hours of a day."""
SLOT_S = 1800.0
WEEK = 7
DEFAULT_WEEKS = 6

Days = npt.NDArray[np.float64]
"""Shape (days, 48): calls that joined in each local half hour, the oldest day first."""


class TooLittleHistoryError(ValueError):
    """Less than a whole week of calls."""


@dataclass(frozen=True, slots=True)
class Errors:
    """How far forecasts of past weeks, made a week ahead, were from what came.

    Attributes:
        weeks: how many weeks were forecast and compared.
        wape: sum of |forecast − calls| / sum of calls, over half hours.
        wape_of_days: the same, over whole days.
        bias: sum of (forecast − calls) / sum of calls; above zero is too many forecast.
        wape_of_last_week: of the forecast that repeats the week before, for comparison.
    """

    weeks: int
    wape: float
    wape_of_days: float
    bias: float
    wape_of_last_week: float


def half_hours(times: Iterable[float], first: date, last: date, zone: ZoneInfo) -> Days:
    """Count calls by local day and half hour.

    A half hour that a change of clocks repeats holds both; one that it skips stays empty.

    Args:
        times: when calls joined, in epoch seconds; others than those of the days are left out.
        first: the first local day.
        last: the last one, included.
        zone: the hospital's.
    """
    counted = np.zeros(((last - first).days + 1, SLOTS))
    for at in times:
        local = datetime.fromtimestamp(at, zone)
        day = (local.date() - first).days
        if 0 <= day < len(counted):
            counted[day, local.hour * 2 + local.minute // 30] += 1
    return counted


def forecast_week(history: Days, weeks: int = DEFAULT_WEEKS) -> Days:
    """Expect the calls of the seven days after the history.

    Args:
        history: shape (days, 48); its last row is the day before the first one forecast.
        weeks: how many weeks to average; fewer are used when there are fewer.

    Returns:
        Shape (7, 48).

    Raises:
        TooLittleHistoryError: there are fewer than seven days.
    """
    used = min(weeks, len(history) // WEEK)
    if used < 1:
        raise TooLittleHistoryError(
            f"a forecast needs a whole week of calls; there are {len(history)} days"
        )
    recent = history[-used * WEEK :].reshape(used, WEEK, SLOTS)
    return np.asarray(recent.mean(axis=0), dtype=np.float64)


def backtest(history: Days, weeks: int = DEFAULT_WEEKS, folds: int = 4) -> Errors | None:
    """Forecast past weeks from what was known before them, and compare.

    Args:
        history: as for `forecast_week`.
        weeks: as for `forecast_week`.
        folds: how many of the last weeks to forecast.

    Returns:
        The errors; None with less than two weeks, or when no calls came in those forecast.
    """
    made, naive, came = [], [], []
    for fold in range(min(folds, len(history) // WEEK - 1), 0, -1):
        end = len(history) - (fold - 1) * WEEK
        before = history[: end - WEEK]
        made.append(forecast_week(before, weeks))
        naive.append(forecast_week(before, 1))
        came.append(history[end - WEEK : end])
    if not came:
        return None
    expected, last_week, actual = (np.concatenate(rows) for rows in (made, naive, came))
    calls = actual.sum()
    if not calls:
        return None
    return Errors(
        weeks=len(came),
        wape=float(np.abs(expected - actual).sum() / calls),
        wape_of_days=float(np.abs(expected.sum(axis=1) - actual.sum(axis=1)).sum() / calls),
        bias=float((expected.sum() - calls) / calls),
        wape_of_last_week=float(np.abs(last_week - actual).sum() / calls),
    )


def days_after(last: date, count: int = WEEK) -> list[date]:
    """The local days that a forecast is for."""
    return [last + timedelta(days=ahead) for ahead in range(1, count + 1)]
