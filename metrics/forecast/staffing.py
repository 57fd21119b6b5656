"""Seats for a half hour: as few as keep the service targets."""

from __future__ import annotations

import math
from dataclasses import dataclass

from metrics import targets
from metrics.forecast.arrivals import SLOT_S
from metrics.forecast.erlang import MOST_SEATS, ErlangA, ErlangC


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """What callers should meet.

    Attributes:
        within_s: T of the service level, in seconds.
        service_level: the share of callers answered within T.
        average_wait_s: at most, over all callers.
        abandoned: at most this share hangs up (Erlang A alone can tell).
        shrinkage: the share of rostered time in which an agent is not at the phone (breaks,
            training, illness).
    """

    within_s: float = targets.ANSWER_SPEED_S
    service_level: float = 0.80
    average_wait_s: float = targets.ANSWER_SPEED_S
    abandoned: float = 1.0 - targets.ANSWER_RATE
    shrinkage: float = 0.30

    def __post_init__(self) -> None:
        if not (0 <= self.shrinkage < 1 and 0 < self.service_level < 1 and self.abandoned >= 0):
            raise ValueError("shares of a service target lie between 0 and 1")


@dataclass(frozen=True, slots=True)
class Seats:
    """Seats of one half hour, and what they give by the model that they were chosen by.

    Attributes:
        seats: agents at the phone.
        rostered: agents to roster, shrinkage added.
        service_level: share answered within the target's T.
        average_wait_s: over all callers.
        abandoned: share that hangs up; None by Erlang C, where nobody does.
        occupancy: share of agents' time spent handling calls.
    """

    seats: int
    rostered: int
    service_level: float
    average_wait_s: float
    abandoned: float | None
    occupancy: float


def seats_needed(
    calls: float, aht_s: float, target: ServiceTarget, patience_s: float | None = None
) -> Seats:
    """Choose the seats for a half hour.

    Args:
        calls: expected in the half hour; at least 0.
        aht_s: average handle time in seconds.
        target: what to keep.
        patience_s: callers' mean patience: Erlang A with it, Erlang C without.

    Raises:
        ValueError: the target cannot be kept with `MOST_SEATS`, or an argument is out of range.
    """
    rate = calls / SLOT_S
    # Calls that are answered keep at least their own load of seats busy.
    load = rate * aht_s
    if patience_s is None:
        first = math.floor(load) + 1
    else:
        first = max(1, math.ceil(load * (1.0 - target.abandoned)))
    for seats in range(first, MOST_SEATS + 1):
        model = (
            ErlangC(rate, aht_s, seats)
            if patience_s is None
            else ErlangA(rate, aht_s, seats, patience_s)
        )
        abandoned = model.abandoned if isinstance(model, ErlangA) else None
        if model.average_wait_s > target.average_wait_s or (abandoned or 0.0) > target.abandoned:
            continue
        level = model.service_level(target.within_s)
        if level >= target.service_level:
            return Seats(
                seats=seats,
                rostered=math.ceil(seats / (1.0 - target.shrinkage)),
                service_level=level,
                average_wait_s=model.average_wait_s,
                abandoned=abandoned,
                occupancy=model.occupancy,
            )
    raise ValueError(f"{calls:g} calls in a half hour would need more than {MOST_SEATS} seats")
