"""The wallboard: how the queues do now, and how the day went."""

from __future__ import annotations

from metrics import targets
from metrics.dashboards.panels import (
    Bound,
    Dashboard,
    dashboard,
    queue_variable,
    row,
    stat,
    trend,
)

_QUEUE = 'queue=~"$queue"'
_SLA_EDGE = f'le="{targets.ANSWER_SPEED_S}"'
"""prometheus-client writes the edge as `15.0`."""


def grown(name: str, window: str, selector: str = _QUEUE) -> str:
    """How much a counter has grown in a window, over all chosen queues."""
    return f"sum(increase({name}{{{selector}}}[{window}]))"


def share(part: str, whole: str) -> str:
    """Part of a whole; no value at all while the whole is zero."""
    return f"{part} / ({whole} > 0)"


def answer_rate(window: str) -> str:
    """Answered / offered."""
    return share(
        grown("tingzhen_calls_answered_total", window),
        grown("tingzhen_calls_offered_total", window),
    )


def service_level(window: str) -> str:
    """Answered with a wait of at most T / offered; T is an exact bucket edge."""
    within = f'{_QUEUE},outcome="answered",{_SLA_EDGE}'
    return share(
        grown("tingzhen_call_wait_seconds_bucket", window, within),
        grown("tingzhen_calls_offered_total", window),
    )


def speed_of_answer(window: str) -> str:
    """Sum of wait over answered / answered."""
    answered = f'{_QUEUE},outcome="answered"'
    return share(
        grown("tingzhen_call_wait_seconds_sum", window, answered),
        grown("tingzhen_call_wait_seconds_count", window, answered),
    )


def ring_sla(window: str) -> str:
    """Answered within the ring limit / answered with a known alerting time."""
    return share(
        grown("tingzhen_calls_answered_in_ring_limit_total", window),
        grown("tingzhen_call_ring_seconds_count", window),
    )


def mean_ring(window: str) -> str:
    """Mean alerting time of the answering phone."""
    return share(
        grown("tingzhen_call_ring_seconds_sum", window),
        grown("tingzhen_call_ring_seconds_count", window),
    )


def day_sum(name: str) -> str:
    """One of today's counts from the call store, over all chosen queues."""
    return f"sum(tingzhen_day_{name}{{{_QUEUE}}})"


def day_weighted(name: str, weight: str) -> str:
    """One of today's ratios or means over all chosen queues, each weighing what it counted."""
    weighed = f"tingzhen_day_{name}{{{_QUEUE}}} * tingzhen_day_{weight}{{{_QUEUE}}}"
    return share(f"sum({weighed})", day_sum(weight))


_ANSWER_RATE = Bound("at_least", targets.ANSWER_RATE)
_ANSWER_SPEED = Bound("at_most", targets.ANSWER_SPEED_S, amber=targets.ANSWER_SPEED_S * 2 / 3)


def wallboard() -> Dashboard:
    """At most twelve panels, readable from ten metres."""
    board = dashboard(
        "tingzhen-wallboard",
        "听诊 · 服务大屏",
        "Wallboard: queues now and over the last hours, against the service targets.",
        "wallboard",
    ).with_variable(queue_variable())
    return _trend(_now(board))


def _now(board: Dashboard) -> Dashboard:
    return (
        board.with_row(row("此刻 · Now"))
        .with_panel(
            stat(
                "排队人数",
                "Callers waiting.",
                f"sum(tingzhen_calls_waiting{{{_QUEUE}}})",
                bound=Bound("at_most", 5, amber=1),
            )
        )
        .with_panel(
            stat(
                "最长等待",
                "Wait of the caller who waits longest.",
                f"max(tingzhen_calls_longest_wait_seconds{{{_QUEUE}}})",
                unit="s",
                bound=_ANSWER_SPEED,
            )
        )
        .with_panel(
            stat(
                "通话中",
                "Callers talking to an agent.",
                f"sum(tingzhen_calls_in_progress{{{_QUEUE}}})"
                f" - sum(tingzhen_calls_waiting{{{_QUEUE}}})",
            )
        )
        .with_panel(
            stat(
                "未确认告警",
                "Alerts nobody has acknowledged: high and critical.",
                'sum(tingzhen_alerts_open{severity=~"high|critical"})',
                bound=Bound("at_most", 1),
            )
        )
        .with_panel(
            stat(
                "今日接通率",
                "Answer rate of today, from the call store: answered / offered. Target: 98 %.",
                share(day_sum("calls_answered"), day_sum("calls_offered")),
                unit="percentunit",
                decimals=1,
                bound=_ANSWER_RATE,
            )
        )
        .with_panel(
            stat(
                "今日平均应答速度",
                "Average speed of answer of today, from the call store. Target: at most 15 s.",
                day_weighted("speed_of_answer_seconds", "calls_answered"),
                unit="s",
                decimals=1,
                bound=_ANSWER_SPEED,
            )
        )
        .with_panel(
            stat(
                "三声内接听(近 1 小时)",
                "Answered calls within three rings, last hour. Target: at least 95 %.",
                ring_sla("1h"),
                unit="percentunit",
                decimals=1,
                bound=Bound("at_least", targets.RING_SLA),
            )
        )
        .with_panel(
            stat(
                "首次解决率(7 天内未再来电)",
                "First-contact resolution: callers who did not call again within 7 days. Final for "
                "calls older than that, provisional for younger ones. Target: at least 90 %.",
                'tingzhen_first_contact_resolution_ratio{window="7d"}',
                unit="percentunit",
                decimals=1,
                legend="{{maturity}}",
                bound=Bound("at_least", targets.FIRST_CONTACT_RESOLUTION),
            )
        )
    )


def _trend(board: Dashboard) -> Dashboard:
    lost = f'{_QUEUE},outcome="abandoned"'
    return (
        board.with_row(row("趋势 · Trend"))
        .with_panel(
            trend(
                "来电、接听与放弃(每 15 分钟)",
                "Calls offered, answered and abandoned per 15 minutes.",
                ("来电 offered", grown("tingzhen_calls_offered_total", "15m")),
                ("接听 answered", grown("tingzhen_calls_answered_total", "15m")),
                ("放弃 abandoned", grown("tingzhen_calls_ended_total", "15m", lost)),
                decimals=0,
            )
        )
        .with_panel(
            trend(
                "接通率与服务水平(滚动 1 小时)",
                "Answer rate, and service level (answered within 15 s / offered), rolling hour.",
                ("接通率 answer rate", answer_rate("1h")),
                ("15 秒服务水平 service level", service_level("1h")),
                unit="percentunit",
                bound=_ANSWER_RATE,
            )
        )
        .with_panel(
            trend(
                "等待与振铃(滚动 1 小时平均)",
                "Mean wait of answered calls and mean alerting time of the agent's phone.",
                ("等待 wait", speed_of_answer("1h")),
                ("振铃 ring", mean_ring("1h")),
                unit="s",
                bound=_ANSWER_SPEED,
            )
        )
        .with_panel(
            trend(
                "告警(每小时,按级别)",
                "Alerts raised per hour by severity.",
                (
                    "{{severity}}",
                    "sum by (severity) (increase(tingzhen_alerts_total[1h])) or on() vector(0)",
                ),
                decimals=0,
            )
        )
    )
