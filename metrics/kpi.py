"""Call-centre KPIs as pure functions; each names its formula and where it comes from.

A ratio whose denominator is zero is None, never 0 or 1: nothing happened, so nothing is known.

Sources: [A] Asterisk's app_queue (`queue show`, QueueSummary); [I] common practice of call
centres as ICMI and COPC describe it; [P] the publicly stated targets of Chinese hospital hotlines
(answer rate 98 %, three rings, 15 s).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from telephony.events import CallRecord, Outcome


@dataclass(frozen=True, slots=True)
class ServiceCounts:
    """Sums over finished queue visits, from which the ratios below are taken.

    Attributes:
        joined: visits that entered the queue.
        outcomes: finished visits by outcome.
        short_abandons: abandons that waited less than the threshold.
        wait_known: answered visits whose wait is known; `wait_sum_s` adds up those.
        longest_wait_s: of all answered and abandoned visits.
        answered_within: answered visits with a wait of at most the service level's T; [A] names
            them "completed within SL".
        abandoned_within: abandoned visits (short ones too) that waited at most T.
        ring_known: answered visits whose alerting time is known.
        ring_within: those of them answered within the ring limit.
        handled: answered visits whose talk time is known; `talk_sum_s` and `hold_sum_s` add up
            those. Talk time runs from connect to the end and contains the held part.
    """

    joined: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    short_abandons: int = 0
    wait_known: int = 0
    wait_sum_s: float = 0.0
    longest_wait_s: float = 0.0
    answered_within: int = 0
    abandoned_within: int = 0
    ring_known: int = 0
    ring_within: int = 0
    handled: int = 0
    talk_sum_s: float = 0.0
    hold_sum_s: float = 0.0

    @property
    def answered(self) -> int:
        """Visits that an agent took."""
        return self.outcomes.get("answered", 0)

    @property
    def abandoned(self) -> int:
        """Visits whose caller hung up while waiting, short ones included."""
        return self.outcomes.get("abandoned", 0)

    @property
    def offered(self) -> int:
        """See `offered`."""
        return offered(self.joined, self.short_abandons)


def count(
    records: Iterable[CallRecord],
    *,
    service_level_s: float = 15.0,
    ring_limit: int = 3,
    short_abandon_s: float = 0.0,
) -> ServiceCounts:
    """Add up finished visits. A visit (`call_id`) that comes twice counts once, the last wins.

    Args:
        records: finished queue visits, in any order.
        service_level_s: T of the service level, in seconds.
        ring_limit: rings within which an agent should answer.
        short_abandon_s: abandons that waited less than this are no offered calls.
    """
    visits = list({record.call_id: record for record in records}.values())
    outcomes: dict[Outcome, int] = {}
    for record in visits:
        outcomes[record.outcome] = outcomes.get(record.outcome, 0) + 1
    answered = [record for record in visits if record.outcome == "answered"]
    abandons = [
        record.wait_s
        for record in visits
        if record.outcome == "abandoned" and record.wait_s is not None
    ]
    waits = [record.wait_s for record in answered if record.wait_s is not None]
    rings = [record.rings for record in answered if record.rings is not None]
    handled = [(r.talk_s, r.hold_s) for r in answered if r.talk_s is not None]
    return ServiceCounts(
        joined=len(visits),
        outcomes=outcomes,
        short_abandons=sum(is_short_abandon("abandoned", w, short_abandon_s) for w in abandons),
        wait_known=len(waits),
        wait_sum_s=sum(waits),
        longest_wait_s=max(waits + abandons, default=0.0),
        answered_within=sum(wait <= service_level_s for wait in waits),
        abandoned_within=sum(wait <= service_level_s for wait in abandons),
        ring_known=len(rings),
        ring_within=sum(ring <= ring_limit for ring in rings),
        handled=len(handled),
        talk_sum_s=sum(talk for talk, _ in handled),
        hold_sum_s=sum(hold for _, hold in handled),
    )


def is_short_abandon(outcome: Outcome, wait_s: float | None, threshold_s: float) -> bool:
    """Whether a visit is an abandon too short to have been offered: waited < threshold [I].

    With the default threshold of 0 none is. An unknown wait is never short.
    """
    return outcome == "abandoned" and wait_s is not None and wait_s < threshold_s


def offered(joined: int, short_abandons: int) -> int:
    """Offered calls = joins − short abandons [I].

    Time-outs, empty exits and withdrawals stay in; so do key exits and transfers out of the
    queue, which are joins too, and which are shown beside it for those who take them off.
    """
    return joined - short_abandons


def answer_rate(answered: int, offered: int) -> float | None:
    """Answer rate (接通率) = answered / offered [P]."""
    return _ratio(answered, offered)


def abandonment_rate(abandoned: int, short_abandons: int, offered: int) -> float | None:
    """Abandonment = (abandoned − short abandons) / offered [I]."""
    return _ratio(abandoned - short_abandons, offered)


def service_level(answered_within: int, offered: int) -> float | None:
    """SL(T) = answered with wait ≤ T / offered [I]."""
    return _ratio(answered_within, offered)


def service_level_of_completed(completed_within: int, completed: int) -> float | None:
    """Asterisk's SLPerf = completed within SL / completed [A]. Abandons do not lower it."""
    return _ratio(completed_within, completed)


def service_level_with_abandons(
    completed_within: int, abandoned_within: int, completed: int, abandoned: int
) -> float | None:
    """Asterisk's SLPerf2 = (completed + abandoned within SL) / (completed + abandoned) [A].

    A caller who gives up within T counts as served, so it can exceed SL(T).
    """
    return _ratio(completed_within + abandoned_within, completed + abandoned)


def average_speed_of_answer(wait_sum_s: float, answered: int) -> float | None:
    """ASA = sum of wait over answered / answered, in seconds [I]."""
    return _ratio(wait_sum_s, answered)


def ring_sla(within_limit: int, answered_legs: int) -> float | None:
    """Ring SLA = legs answered within the ring limit / answered legs [P].

    Three rings of a 5 s cadence (1 s on, 4 s off) are an alerting time under 15 s.
    """
    return _ratio(within_limit, answered_legs)


def average_handle_time(
    talk_sum_s: float, handled: int, after_call_sum_s: float = 0.0
) -> float | None:
    """AHT = (talk + hold + after-call work) / handled, in seconds [I].

    `talk_sum_s` is from connect to the end and so contains hold, as `CallRecord.talk_s` does.
    """
    return _ratio(talk_sum_s + after_call_sum_s, handled)


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None
