"""All KPIs of a queue, a team, an agent or a time, as one record that goes out as JSON."""

from __future__ import annotations

import msgspec

from metrics import kpi
from metrics.tally import Tally


class Kpis(msgspec.Struct, frozen=True, kw_only=True):
    """The KPIs; ratios 0..1, durations in seconds, None where nothing is known.

    The formulas stand in `metrics.kpi` under the same names; the counts they were taken from are
    beside them, so that any ratio can be checked and any two rows added up.
    """

    calls: int
    joined: int
    offered: int
    answered: int
    abandoned: int
    short_abandons: int
    timeouts: int
    key_exits: int
    refused: int
    answer_rate: float | None
    answer_rate_with_refused: float | None
    abandonment_rate: float | None
    service_level: float | None
    service_level_of_completed: float | None
    service_level_with_abandons: float | None
    average_speed_of_answer_s: float | None
    longest_wait_s: float
    ring_sla: float | None
    ring_answer_rate: float | None
    missed_rings: int
    handled: int
    average_handle_time_s: float | None
    average_talk_time_s: float | None
    average_hold_s: float | None
    average_wrap_up_s: float | None
    occupancy: float | None
    transfer_rate: float | None
    transferred: int
    callbacks: int
    callback_rate: float | None
    repeat_calls: int
    repeat_rate: float | None
    first_contact_resolution: float | None
    first_contact_calls: int
    first_contact_resolution_provisional: float | None
    first_contact_by_disposition: float | None
    disposition_calls: int
    satisfaction: float | None
    mean_rating: float | None
    rated: int
    likes: int
    rating_share: float | None
    alerts: int
    alerts_per_100: float | None
    red_lines: int
    red_lines_per_100: float | None
    acknowledged: int
    mean_acknowledge_time_s: float | None
    script_compliance: float | None
    heard_share: float | None
    unintelligible_share: float | None
    mean_confidence: float | None


RATIOS_OF_OFFERED = (
    "answer_rate",
    "answer_rate_with_refused",
    "abandonment_rate",
    "service_level",
    "service_level_of_completed",
    "service_level_with_abandons",
)
"""What an agent's row cannot have: who was not answered belongs to a queue, not to an agent."""


def figures(tally: Tally, *, of_agent: bool = False) -> Kpis:
    """The KPIs of a tally; an agent's have no answer rate of callers, see `ring_answer_rate`."""
    offered = kpi.offered(tally.joined, tally.short_abandons)
    answered, within = tally.answered, tally.answered_within
    outcomes = tally.outcomes
    kpis = Kpis(
        calls=tally.calls,
        joined=tally.joined,
        offered=offered,
        answered=answered,
        abandoned=tally.abandoned,
        short_abandons=tally.short_abandons,
        timeouts=outcomes.get("timeout", 0),
        key_exits=outcomes.get("exit_key", 0),
        refused=tally.refused,
        answer_rate=kpi.answer_rate(answered, offered),
        answer_rate_with_refused=kpi.answer_rate_with_refused(answered, offered, tally.refused),
        abandonment_rate=kpi.abandonment_rate(tally.abandoned, tally.short_abandons, offered),
        service_level=kpi.service_level(within, offered),
        service_level_of_completed=kpi.service_level_of_completed(within, answered),
        service_level_with_abandons=kpi.service_level_with_abandons(
            within, tally.abandoned_within, answered, tally.abandoned
        ),
        average_speed_of_answer_s=kpi.average_speed_of_answer(tally.wait_sum_s, tally.wait_known),
        longest_wait_s=tally.longest_wait_s,
        ring_sla=kpi.ring_sla(tally.ring_within, tally.ring_known),
        ring_answer_rate=kpi.ring_answer_rate(tally.rings_answered, tally.rings_missed),
        missed_rings=tally.rings_missed,
        handled=tally.handled,
        average_handle_time_s=kpi.average_handle_time(
            tally.talk_sum_s, tally.handled, tally.wrap_sum_s
        ),
        average_talk_time_s=kpi.average_talk_time(tally.talk_sum_s, tally.handled),
        average_hold_s=kpi.average_hold(tally.hold_sum_s, tally.handled),
        average_wrap_up_s=kpi.average_wrap_up(tally.wrap_sum_s, tally.wrapped),
        occupancy=kpi.occupancy(
            tally.talk_state_s, tally.hold_state_s, tally.wrap_state_s, tally.idle_s
        ),
        transfer_rate=kpi.transfer_rate(tally.transferred, answered),
        transferred=tally.transferred,
        callbacks=tally.called_back,
        callback_rate=kpi.callback_rate(tally.called_back, tally.unanswered_known),
        repeat_calls=tally.repeats,
        repeat_rate=kpi.repeat_rate(tally.repeats, tally.known),
        first_contact_resolution=kpi.first_contact_resolution(
            tally.returned_matured, tally.judged_matured
        ),
        first_contact_calls=tally.judged_matured,
        first_contact_resolution_provisional=kpi.first_contact_resolution(
            tally.returned, tally.judged
        ),
        first_contact_by_disposition=kpi.first_contact_by_disposition(tally.resolved, tally.coded),
        disposition_calls=tally.coded,
        satisfaction=kpi.satisfaction(tally.satisfied, tally.rated),
        mean_rating=kpi.mean_rating(tally.rating_sum, tally.rated),
        rated=tally.rated,
        likes=tally.likes,
        rating_share=kpi.rating_share(tally.rated + tally.likes, answered),
        alerts=tally.alerts,
        alerts_per_100=kpi.per_hundred(tally.alerts, answered),
        red_lines=tally.red_lines,
        red_lines_per_100=kpi.per_hundred(tally.red_lines, answered),
        acknowledged=tally.acknowledged,
        mean_acknowledge_time_s=kpi.mean_acknowledge_time(
            tally.acknowledge_sum_s, tally.acknowledged
        ),
        script_compliance=kpi.script_compliance(tally.script_done, tally.script_required),
        heard_share=kpi.heard_share(tally.legs_complete, tally.legs_closed),
        unintelligible_share=kpi.unintelligible_share(tally.unintelligible, tally.segments),
        mean_confidence=kpi.mean_confidence(
            tally.confidence_sum, tally.segments - tally.unintelligible
        ),
    )
    if of_agent:
        return msgspec.structs.replace(kpis, **dict.fromkeys(RATIOS_OF_OFFERED))
    return kpis
