"""Who was called back: agents' own calls laid beside the callers nobody answered."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, select

from backbone.store.schema import direct_calls
from metrics.periods import Period

_SIGNIFICANT = 11
"""Last digits that tell numbers apart; before them stand prefixes for an outside line."""

_SHORTEST = 7
"""Shorter numbers are extensions."""


class Callbacks:
    """Calls that agents placed, by number."""

    def __init__(self, placed: Iterable[tuple[str, float]], window_s: float) -> None:
        self._window_s = window_s
        self._times: dict[str, list[float]] = defaultdict(list)
        for number, at in sorted(placed, key=lambda call: call[1]):
            digits = _digits(number)
            if digits:
                self._times[digits].append(at)

    def after(self, number: str, at: float) -> bool:
        """Whether an agent dialled the number after `at`, within the window."""
        times = self._times.get(_digits(number), [])
        following = bisect_right(times, at)
        return following < len(times) and times[following] - at <= self._window_s


def read_callbacks(connection: Connection, period: Period, window_s: float) -> Callbacks:
    """Outbound calls of a period and the window after it; these are few beside calls coming in."""
    table = direct_calls.c
    query = select(table.number, table.started_at).where(
        table.direction == "outbound",
        table.started_at >= period.start,
        table.started_at < period.end + window_s,
    )
    rows = connection.execute(query)
    return Callbacks(((number, started_at) for number, started_at in rows), window_s)


def _digits(number: str) -> str:
    digits = "".join(character for character in number if character.isdigit())[-_SIGNIFICANT:]
    return digits if len(digits) >= _SHORTEST else ""
