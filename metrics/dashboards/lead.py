"""The team lead's page: who can answer, how the day goes, which alerts wait."""

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
from metrics.dashboards.wallboard import day_sum, day_weighted, grown, share

_NOBODY = "or on() vector(0)"
_BUSY_SHARE = share(
    'sum(tingzhen_agents{state=~"talking|on_hold|wrap_up"})',
    'sum(tingzhen_agents{state=~"talking|on_hold|wrap_up|available|ringing"})',
)


def team_lead() -> Dashboard:
    """Agents, the day, alerts."""
    board = dashboard(
        "tingzhen-lead",
        "听诊 · 班长",
        "Team lead: agents by state, the day against its targets, alerts that wait.",
        "lead",
    ).with_variable(queue_variable())
    return _alerts(_day(_agents(board)))


def _agents(board: Dashboard) -> Dashboard:
    board = board.with_row(row("坐席 · Agents"))
    for title, text, state, bound in (
        ("空闲坐席", "Agents who can take a call now.", "available", Bound("at_least", 1)),
        ("通话中坐席", "Agents talking, or with a caller on hold.", "talking|on_hold", None),
        ("整理中坐席", "Agents in wrap-up.", "wrap_up", None),
        ("小休坐席", "Agents who have paused.", "paused", None),
    ):
        board = board.with_panel(
            stat(title, text, f'sum(tingzhen_agents{{state=~"{state}"}})', bound=bound)
        )
    return (
        board.with_panel(
            trend(
                "坐席状态",
                "Agents by what they are doing.",
                ("{{state}}", "sum by (state) (tingzhen_agents)"),
                span=8,
                decimals=0,
            )
        )
        .with_panel(
            trend(
                "坐席忙碌率",
                "Talking, on hold or in wrap-up / those and the free ones.",
                (
                    "忙碌率 busy",
                    f"{_BUSY_SHARE} {_NOBODY}",
                ),
                unit="percentunit",
                span=8,
            )
        )
        .with_panel(
            trend(
                "振铃未接(每小时)",
                "Times an agent's phone rang in vain, or was busy, per hour.",
                (
                    "未接 missed",
                    grown(
                        "tingzhen_ring_attempts_total",
                        "1h",
                        'queue=~"$queue",result=~"no_answer|busy"',
                    ),
                ),
                span=8,
                decimals=0,
            )
        )
    )


def _day(board: Dashboard) -> Dashboard:
    return (
        board.with_row(row("今日 · Today"))
        .with_panel(
            stat("今日来电", "Calls offered today, from the call store.", day_sum("calls_offered"))
        )
        .with_panel(
            stat(
                "今日接通率",
                "Answer rate of today. Target: at least 98 %; below 95 % call in emergency seats.",
                share(day_sum("calls_answered"), day_sum("calls_offered")),
                unit="percentunit",
                decimals=1,
                bound=Bound("at_least", targets.ANSWER_RATE_EMERGENCY, amber=targets.ANSWER_RATE),
            )
        )
        .with_panel(
            stat(
                "今日服务水平(15 秒)",
                "Answered within 15 s / offered today.",
                day_weighted("service_level_ratio", "calls_offered"),
                unit="percentunit",
                decimals=1,
                bound=Bound("at_least", targets.SERVICE_LEVEL),
            )
        )
        .with_panel(
            stat(
                "今日放弃率",
                "Abandoned / offered today. Target: at most 5 %.",
                day_weighted("abandonment_ratio", "calls_offered"),
                unit="percentunit",
                decimals=1,
                bound=Bound("at_most", targets.ABANDONMENT),
            )
        )
        .with_panel(
            trend(
                "今日累计:来电、接通、放弃、拒入",
                "Today so far: offered, answered, abandoned, refused.",
                ("来电 offered", day_sum("calls_offered")),
                ("接通 answered", day_sum("calls_answered")),
                ("放弃 abandoned", day_sum("calls_abandoned")),
                ("拒入 refused", day_sum("calls_refused")),
                span=12,
                decimals=0,
            )
        )
        .with_panel(
            trend(
                "今日平均应答速度与最长等待",
                "Average speed of answer and longest wait, today so far.",
                ("平均 mean", day_weighted("speed_of_answer_seconds", "calls_answered")),
                ("最长 longest", 'max(tingzhen_day_longest_wait_seconds{queue=~"$queue"})'),
                unit="s",
                bound=Bound("at_most", targets.ANSWER_SPEED_S),
                span=12,
            )
        )
    )


def _alerts(board: Dashboard) -> Dashboard:
    return (
        board.with_row(row("告警 · Alerts"))
        .with_panel(
            stat(
                "未确认红色告警",
                "Alerts of severity high and critical that nobody has acknowledged.",
                'sum(tingzhen_alerts_open{severity=~"high|critical"})',
                bound=Bound("at_most", 1),
            )
        )
        .with_panel(
            stat(
                "红色告警最长未确认",
                "Age of the oldest of them. Target: two minutes.",
                "max(time() - tingzhen_alerts_oldest_open_timestamp_seconds"
                f'{{severity=~"high|critical"}}) {_NOBODY}',
                unit="s",
                bound=Bound("at_most", targets.ACKNOWLEDGE_S),
            )
        )
        .with_panel(
            trend(
                "告警类别(每小时)",
                "Alerts raised per hour, the ten kinds that come most.",
                (
                    "{{kind}}",
                    f"topk(10, sum by (kind) (increase(tingzhen_alerts_total[1h]))) {_NOBODY}",
                ),
                span=12,
                decimals=0,
            )
        )
    )
