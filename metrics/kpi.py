"""Call-centre KPIs as pure functions; each names its formula and where it comes from.

A ratio whose denominator is zero is None, never 0 or 1: nothing happened, so nothing is known.

Sources: [A] Asterisk's app_queue (`queue show`, QueueSummary); [I] common practice of call
centres as ICMI and COPC describe it; [P] the publicly stated targets of Chinese hospital hotlines
(answer rate 98 %, three rings, 15 s); [S] SQM Group's definitions of first-contact resolution;
[W] Wazo's queue statistics.
"""

from __future__ import annotations

from telephony.events import Outcome


def is_short_abandon(outcome: Outcome, wait_s: float | None, threshold_s: float) -> bool:
    """Whether a visit is an abandon too short to have been offered: waited < threshold [I].

    With the default threshold of 0 none is. An unknown wait is never short.
    """
    return outcome == "abandoned" and wait_s is not None and wait_s < threshold_s


def offered(joined: int, short_abandons: int) -> int:
    """Offered calls = joins − short abandons [I].

    Time-outs, empty exits and withdrawals stay in; so do key exits and transfers out of the
    queue, which are joins too, and which are shown beside it for those who take them off. Callers
    whom a full or empty queue refused never joined: see `answer_rate_with_refused`.
    """
    return joined - short_abandons


def answer_rate(answered: int, offered: int) -> float | None:
    """Answer rate (接通率) = answered / offered [P]."""
    return _ratio(answered, offered)


def answer_rate_with_refused(answered: int, offered: int, refused: int) -> float | None:
    """Answer rate of all who tried = answered / (offered + refused) [W].

    Refused are callers whom the queue took not in, for it was full or had no agents.
    """
    return _ratio(answered, offered + refused)


def ring_answer_rate(answered_rings: int, missed_rings: int) -> float | None:
    """An agent's answer rate = rings answered / (rings answered + missed) [I].

    A ring that ended because another agent answered or the caller left is nobody's fault and
    in neither.
    """
    return _ratio(answered_rings, answered_rings + missed_rings)


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


def average_talk_time(talk_sum_s: float, handled: int) -> float | None:
    """ATT = time from connect to the end, hold included / handled, in seconds [I]."""
    return _ratio(talk_sum_s, handled)


def average_hold(hold_sum_s: float, handled: int) -> float | None:
    """Average hold = held time / handled, calls without hold included, in seconds [I]."""
    return _ratio(hold_sum_s, handled)


def average_wrap_up(after_call_sum_s: float, wrapped: int) -> float | None:
    """Average wrap-up (after-call work) = its sum / handled calls with a known one, s [I]."""
    return _ratio(after_call_sum_s, wrapped)


def average_handle_time(
    talk_sum_s: float, handled: int, after_call_sum_s: float = 0.0
) -> float | None:
    """AHT = (talk + hold + after-call work) / handled, in seconds [I].

    `talk_sum_s` is from connect to the end and so contains hold, as `CallRecord.talk_s` does.
    """
    return _ratio(talk_sum_s + after_call_sum_s, handled)


def occupancy(talk_s: float, hold_s: float, after_call_s: float, idle_s: float) -> float | None:
    """Occupancy = (talk + hold + ACW) / (that + idle), of agents' time [I].

    Here `talk_s` is without hold. Idle is available or ringing; paused, logged-out and
    unreachable time is in neither.
    """
    busy = talk_s + hold_s + after_call_s
    return _ratio(busy, busy + idle_s)


def transfer_rate(transferred: int, answered: int) -> float | None:
    """Transfer rate = answered calls whose agent handed the caller on / answered [A][I].

    Transferred is what Asterisk completes with Reason transfer.
    """
    return _ratio(transferred, answered)


def callback_rate(called_back: int, unanswered: int) -> float | None:
    """Callbacks (回拨率) = unanswered callers called back in time / unanswered callers [I].

    Only callers whose number is known; a visit is called back when an agent dials its caller
    within the window, whether or not somebody lifts.
    """
    return _ratio(called_back, unanswered)


def repeat_rate(repeats: int, known: int) -> float | None:
    """Repeat calls (重复来电率) = visits whose caller had called within W before / known [S].

    Looks back where first-contact resolution looks ahead; `known` are visits with a number.
    """
    return _ratio(repeats, known)


def first_contact_resolution(returned: int, judged: int) -> float | None:
    """FCR_W = 1 − (answered calls whose caller called again within W) / (answered calls) [S].

    Final over calls older than W (matured), provisional over younger ones.
    """
    ratio = _ratio(returned, judged)
    return None if ratio is None else 1.0 - ratio


def first_contact_by_disposition(resolved: int, coded: int) -> float | None:
    """FCR by disposition = calls the agent coded as resolved at first contact / coded calls [S].

    What the agent says, beside what callers do; calls without a code are in neither.
    """
    return _ratio(resolved, coded)


def satisfaction(satisfied: int, rated: int) -> float | None:
    """CSAT (满意度) = ratings of 4 and 5 / ratings on the scale of five, by keypress [I]."""
    return _ratio(satisfied, rated)


def mean_rating(value_sum: float, rated: int) -> float | None:
    """Mean of the ratings on the scale of five, 1 to 5 [I]."""
    return _ratio(value_sum, rated)


def rating_share(rated: int, answered: int) -> float | None:
    """Share of answered calls whose caller pressed a key, on any scale [I]."""
    return _ratio(rated, answered)


def per_hundred(number: int, answered: int) -> float | None:
    """Alerts (or red lines) per 100 calls = 100 · their number / answered calls."""
    return _ratio(100.0 * number, answered)


def script_compliance(done: int, required: int) -> float | None:
    """Script compliance (话术执行率) = required steps done / required steps, over all calls [I]."""
    return _ratio(done, required)


def mean_acknowledge_time(seconds_sum: float, acknowledged: int) -> float | None:
    """Acknowledge time = sum of (acknowledged − raised) / acknowledged alerts, in seconds."""
    return _ratio(seconds_sum, acknowledged)


def heard_share(complete_legs: int, closed_legs: int) -> float | None:
    """Share of closed audio legs that lack nothing: below 1, words were missed."""
    return _ratio(complete_legs, closed_legs)


def unintelligible_share(unintelligible: int, segments: int) -> float | None:
    """Share of speech segments that every guard of the recogniser refused."""
    return _ratio(unintelligible, segments)


def mean_confidence(confidence_sum: float, segments: int) -> float | None:
    """Mean confidence of the segments that were understood, 0 to 1."""
    return _ratio(confidence_sum, segments)


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None
