"""The page for whoever is on call: connections, and what was lost."""

from __future__ import annotations

from metrics import targets
from metrics.dashboards.panels import Bound, Dashboard, dashboard, row, stat, trend

_NOTHING = "or on() vector(0)"
"""A reason that never occurred has no series; zero is the honest answer."""


def system() -> Dashboard:
    """Connections, inner queues, what goes out, the machine."""
    board = dashboard(
        "tingzhen-system",
        "听诊 · 系统",
        "System: PBX connection, audio taps, inner queues, pushes, recordings, disk.",
        "system",
    )
    return _internals(_connections(board))


def _connections(board: Dashboard) -> Dashboard:
    up = Bound("at_least", 1)
    none = Bound("at_most", 1)
    return (
        board.with_row(row("连接 · Connections"))
        .with_panel(
            stat(
                "AMI 连接", "Manager connection to the PBX is up.", "min(tingzhen_ami_up)", bound=up
            )
        )
        .with_panel(
            stat(
                "最近事件距今",
                "Age of the last message from the PBX.",
                "max(time() - tingzhen_ami_last_event_timestamp_seconds)",
                unit="s",
                bound=Bound("at_most", targets.EVENT_AGE_S),
            )
        )
        .with_panel(
            stat(
                "重连次数(近 1 小时)",
                "Manager connections made anew in the last hour.",
                "sum(increase(tingzhen_ami_reconnects_total[1h]))",
                bound=none,
            )
        )
        .with_panel(
            stat(
                "取音覆盖率(近 1 小时)",
                "Answered calls whose both sides were heard. Target: at least 95 %.",
                "sum(increase(tingzhen_calls_tapped_total[1h]))"
                " / (sum(increase(tingzhen_calls_answered_total[1h])) > 0)",
                unit="percentunit",
                decimals=1,
                bound=Bound("at_least", targets.TAPPED),
            )
        )
        .with_panel(
            trend(
                "在听声道",
                "Audio legs being heard, by role.",
                ("{{role}}", "sum by (role) (tingzhen_legs_open)"),
                span=12,
                decimals=0,
            )
        )
        .with_panel(
            trend(
                "不完整的声道与通话(每小时,按原因)",
                "Legs and calls that lack something, per hour and reason.",
                (
                    "声道 leg {{reason}}",
                    f"sum by (reason) (increase(tingzhen_legs_incomplete_total[1h])) {_NOTHING}",
                ),
                (
                    "通话 call {{reason}}",
                    f"sum by (reason) (increase(tingzhen_calls_incomplete_total[1h])) {_NOTHING}",
                ),
                span=12,
                decimals=0,
            )
        )
    )


def _internals(board: Dashboard) -> Dashboard:
    return (
        board.with_row(row("内部 · Internals"))
        .with_panel(
            trend(
                "总线队列深度",
                "Events waiting in memory, by subscriber.",
                ("{{subscriber}}", "sum by (subscriber) (tingzhen_bus_queue_depth)"),
                decimals=0,
            )
        )
        .with_panel(
            trend(
                "丢弃的事件(每小时)",
                "Events dropped for a subscriber that fell behind, or on their way from the PBX.",
                (
                    "{{subscriber}} {{delivery}}",
                    "sum by (subscriber, delivery) (increase(tingzhen_bus_dropped_total[1h]))",
                ),
                ("AMI", "sum(increase(tingzhen_ami_dropped_total[1h]))"),
                decimals=0,
            )
        )
        .with_panel(
            trend(
                "存储失败(每小时)",
                "Failed writes, events lost for good, and rows that did not fit.",
                ("写入失败 failures", "sum(increase(tingzhen_journal_failures_total[1h]))"),
                ("丢失 lost", "sum(increase(tingzhen_journal_lost_total[1h]))"),
                ("投影失败 projections", "sum(increase(tingzhen_projection_failures_total[1h]))"),
                decimals=0,
            )
        )
        .with_panel(
            trend(
                "已确认的告警与合规步骤(每小时)",
                "Alerts acknowledged, and required steps of calls by state, per hour.",
                (
                    "已确认 acknowledged",
                    "sum(increase(tingzhen_alert_acknowledge_seconds_count[1h]))",
                ),
                (
                    "步骤 {{state}}",
                    f"sum by (state) (increase(tingzhen_compliance_steps_total[1h])) {_NOTHING}",
                ),
            )
        )
        .with_panel(
            stat(
                "数据盘可用",
                "Free share of the data's disk. At least 10 %.",
                "min(tingzhen_disk_free_bytes / tingzhen_disk_size_bytes)",
                unit="percentunit",
                decimals=0,
                bound=Bound("at_least", targets.DISK_FREE),
                span=4,
                height=8,
            )
        )
        .with_panel(
            trend(
                "推送与录音(每小时)",
                "Push messages sent and given up; recordings stored and those that lack something.",
                ("推送 sent", "sum(increase(tingzhen_notify_sent_total[1h]))"),
                ("推送失败 failed", "sum(increase(tingzhen_notify_failed_total[1h]))"),
                ("录音 recordings", "sum(increase(tingzhen_recordings_stored_total[1h]))"),
                (
                    "录音不完整 incomplete",
                    "sum(increase(tingzhen_recordings_incomplete_total[1h]))",
                ),
                span=10,
                decimals=0,
            )
        )
        .with_panel(
            trend(
                "取音失败(每小时)",
                "Calls whose audio could not be asked for, and audio lost on its way.",
                ("失败 failed", "sum(increase(tingzhen_taps_failed_total[1h]))"),
                ("丢失 lost", "sum(increase(tingzhen_taps_lost_total[1h]))"),
                span=10,
                decimals=0,
            )
        )
        .with_panel(
            trend(
                "电话系统丢失的声音(每小时)",
                "Seconds of audio per hour that the PBX threw away because it missed ticks.",
                (
                    "{{system}}",
                    "sum by (system) (increase(tingzhen_tap_audio_lost_seconds_total[1h]))",
                ),
                unit="s",
                span=14,
            )
        )
    )
