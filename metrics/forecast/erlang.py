"""Erlang C and Erlang A: what a number of seats does for callers who wait.

Both take Poisson arrivals at rate λ, exponential handling with mean AHT, and n seats, in the
steady state. Erlang C [C] lets nobody hang up, so it has no steady state when the load λ·AHT
reaches n; Erlang A [A] gives each caller an exponential patience with a known mean and is
therefore the one for a busy hotline. Times are seconds and rates are per second throughout.

Sources: [C] A. K. Erlang (1917); the recursion by R. B. Cooper, *Introduction to Queueing Theory*,
2nd ed. (1981), ch. 3. [A] C. Palm (1946); A. Mandelbaum and S. Zeltyn, "Service engineering in
action: the Palm/Erlang-A queue, with applications to call centers" (2007). For the wait in [A],
the sum of exponentials with rates nμ + iθ, i = 0…j, has exp(−θ·V) ~ Beta(nμ/θ, j + 1), because the
minimum of the factors is a product of independent Beta(nμ/θ + i, 1) variables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from scipy.special import betainc

_NEGLIGIBLE = 1e-12
"""States less likely than this, relative to the likeliest, do not change a rounded figure."""
MOST_SEATS = 5_000


@dataclass(frozen=True)
class ErlangC:
    """n seats, callers who never hang up.

    Args:
        rate: λ, calls per second; at least 0.
        aht_s: average handle time in seconds; more than 0.
        seats: n, at least 1.

    Raises:
        ValueError: an argument is out of its range.
    """

    rate: float
    aht_s: float
    seats: int

    def __post_init__(self) -> None:
        _check(self.rate, self.aht_s, self.seats)

    @property
    def load(self) -> float:
        """The offered load λ·AHT, in erlangs."""
        return self.rate * self.aht_s

    @cached_property
    def waiting(self) -> float:
        """The share of callers who wait at all, C(n, a); 1 when the load is not below the seats."""
        if self.load >= self.seats:
            return 1.0
        blocked = erlang_b(self.load, self.seats)
        return blocked / (1.0 - (self.load / self.seats) * (1.0 - blocked))

    def service_level(self, within_s: float) -> float:
        """The share of callers answered within some seconds."""
        if self.load >= self.seats:
            return 0.0
        spare = self.seats - self.load
        return 1.0 - self.waiting * math.exp(-spare * within_s / self.aht_s)

    @property
    def average_wait_s(self) -> float:
        """The average wait over all callers; infinite when the load is not below the seats."""
        if self.load >= self.seats:
            return math.inf
        return self.waiting * self.aht_s / (self.seats - self.load)

    @property
    def occupancy(self) -> float:
        """The share of an agent's time that is spent handling calls."""
        return min(1.0, self.load / self.seats)


@dataclass(frozen=True)
class ErlangA:
    """n seats, callers who hang up after an exponential patience.

    Args:
        rate: λ, calls per second; at least 0.
        aht_s: average handle time in seconds; more than 0.
        seats: n, at least 1.
        patience_s: mean patience 1/θ in seconds; more than 0.

    Raises:
        ValueError: an argument is out of its range.
    """

    rate: float
    aht_s: float
    seats: int
    patience_s: float

    def __post_init__(self) -> None:
        _check(self.rate, self.aht_s, self.seats)
        if not (math.isfinite(self.patience_s) and self.patience_s > 0):
            raise ValueError(f"a mean patience is more than 0 s, not {self.patience_s}")

    @cached_property
    def _busy(self) -> tuple[float, ...]:
        """The probability of all seats being taken and j callers waiting, j = 0, 1 and so on."""
        # Unnormalised from the state where all seats are just taken: nothing grows beyond float.
        below, weight = 0.0, 1.0
        load = self.rate * self.aht_s
        for taken in range(self.seats, 0, -1):
            if load == 0.0:
                return (0.0,)
            weight *= taken / load
            below += weight
            if math.isinf(below):  # next to nobody waits
                return (0.0,)
        states = [1.0]
        while True:
            gone_per_s = self.seats / self.aht_s + len(states) / self.patience_s
            following = states[-1] * self.rate / gone_per_s
            if following < _NEGLIGIBLE * max(states) and self.rate < gone_per_s:
                break
            states.append(following)
        total = below + sum(states)
        return tuple(state / total for state in states)

    @cached_property
    def waiting(self) -> float:
        """The share of callers who find all seats taken."""
        return sum(self._busy)

    @cached_property
    def abandoned(self) -> float:
        """The share of callers who hang up waiting: θ·E[queue] / λ."""
        if self.rate == 0.0:
            return 0.0
        queue = sum(waiting * likely for waiting, likely in enumerate(self._busy))
        return queue / self.patience_s / self.rate

    @property
    def average_wait_s(self) -> float:
        """The average wait over all callers, those who hang up included: E[queue] / λ."""
        return self.abandoned * self.patience_s

    def service_level(self, within_s: float) -> float:
        """The share of all callers who are answered, and within some seconds."""
        served = self.seats * self.patience_s / self.aht_s  # nμ/θ
        least = math.exp(-within_s / self.patience_s)
        answered = 1.0 - self.waiting
        for ahead, likely in enumerate(self._busy):
            stays = served / (served + ahead + 1)
            answered += likely * stays * (1.0 - float(betainc(served + 1, ahead + 1, least)))
        return answered

    @property
    def occupancy(self) -> float:
        """The share of an agent's time that is spent handling calls."""
        return self.rate * (1.0 - self.abandoned) * self.aht_s / self.seats


def erlang_b(load: float, seats: int) -> float:
    """Share of calls lost when nobody may wait, by the stable recursion over the seats.

    B(0) = 1; B(k) = a·B(k−1) / (k + a·B(k−1)).
    """
    blocked = 1.0
    for seat in range(1, seats + 1):
        blocked = load * blocked / (seat + load * blocked)
    return blocked


def mean_patience_s(waits_sum_s: float, abandons: int) -> float | None:
    """The mean patience of callers: time spent waiting by all of them / those who hung up.

    The maximum-likelihood estimate for exponential patience where an answer cuts the patience
    short unseen (Mandelbaum and Zeltyn, 2007). None when nobody hung up or nobody waited.

    Args:
        waits_sum_s: waits of answered and abandoned callers, added up.
        abandons: callers who hung up waiting.
    """
    return waits_sum_s / abandons if abandons and waits_sum_s > 0 else None


def _check(rate: float, aht_s: float, seats: int) -> None:
    if not (math.isfinite(rate) and rate >= 0):
        raise ValueError(f"a rate of calls is at least 0 per second, not {rate}")
    if not (math.isfinite(aht_s) and aht_s > 0):
        raise ValueError(f"an average handle time is more than 0 s, not {aht_s}")
    if not 1 <= seats <= MOST_SEATS:
        raise ValueError(f"seats are 1 to {MOST_SEATS}, not {seats}")
