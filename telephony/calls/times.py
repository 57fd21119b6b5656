"""When a manager message happened, and how many rings an alerting time is."""

from __future__ import annotations

import math
from typing import NamedTuple

from telephony.ami.parser import AmiMessage

RING_CYCLE_S = {
    "cn": 5.0,
    "de": 5.0,
    "fr": 5.0,
    "jp": 3.0,
    "nl": 5.0,
    "tw": 5.0,
    "uk": 3.0,
    "us": 6.0,
}
"""One ring and its pause, in seconds, by country (the ring tones of Asterisk's own table)."""

_EARLIEST = 946_684_800.0  # the year 2000: a clock below it was never set
_LATEST = 32_503_680_000.0  # the year 3000


class Moment(NamedTuple):
    """Seconds since the epoch; `by_arrival` when our clock stood in for the PBX's."""

    at: float
    by_arrival: bool


def moment_of(message: AmiMessage, arrived: float) -> Moment:
    """Read a message's `Timestamp`; without a usable one, its arrival."""
    text = message.get("Timestamp")
    if text:
        try:
            at = float(text)
        except ValueError:
            return Moment(arrived, by_arrival=True)
        if _EARLIEST <= at <= _LATEST:
            return Moment(at, by_arrival=False)
    return Moment(arrived, by_arrival=True)


def rings_of(alerting_s: float | None, cycle_s: float) -> int | None:
    """How often a phone rang in `alerting_s`: the first ring is immediate, then one a cycle."""
    if alerting_s is None:
        return None
    return math.floor(alerting_s / cycle_s) + 1


def whole_seconds(text: str) -> float | None:
    """A header that counts whole seconds; None when it holds anything else."""
    try:
        seconds = int(text)
    except ValueError:
        return None
    return float(seconds) if 0 <= seconds < 10 * 365 * 86400 else None
