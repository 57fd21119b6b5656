"""The page for whoever is on call: connections, recognition, and what was lost."""

from __future__ import annotations

from metrics import targets
from metrics.dashboards.panels import Bound, Dashboard, dashboard, row, stat, trend

_NOTHING = "or on() vector(0)"
"""A reason that never occurred has no series; zero is the honest answer."""


def system() -> Dashboard:
    """Connections, recognition, judgement, inner queues."""
    board = dashboard(
        "tingzhen-system",
        "听诊 · 系统与识别",
        "System and recognition: PBX connection, audio taps, speech recognition, inner queues.",
        "system",
    )
    return _internals(_recognition(_connections(board)))


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


def _recognition(board: Dashboard) -> Dashboard:
    return (
        board.with_row(row("识别 · Recognition"))
        .with_panel(
            trend(
                "识别滞后",
                "Age of the oldest final transcript still waiting.",
                ("{{node}}", "max by (node) (tingzhen_asr_lag_seconds)"),
                unit="s",
                bound=Bound("at_most", targets.ASR_LAG_S),
                span=8,
            )
        )
        .with_panel(
            trend(
                "定稿延迟",
                "Real time from the end of speech to the final transcript: median and 95th "
                "percentile over five minutes.",
                ("p50", _final_lag(0.5)),
                ("p95", _final_lag(0.95)),
                unit="s",
                span=8,
            )
        )
        .with_panel(
            trend(
                "实时率",
                "Decoding time per second of audio; above the number of cores it cannot keep up.",
                (
                    "{{node}}",
                    f"{_per_node('decode')} / ({_per_node('audio')} > 0)",
                ),
                span=8,
            )
        )
        .with_panel(
            trend(
                "待识别语段",
                "Segments waiting for the recogniser.",
                ("{{node}}", "max by (node) (tingzhen_asr_queue_depth)"),
                span=8,
                decimals=0,
            )
        )
        .with_panel(
            trend(
                "语段、临时稿与放弃的临时稿(每分钟)",
                "Segments, partials and partials given up to keep up, per minute.",
                ("语段 segments", "60 * sum(rate(tingzhen_asr_segments_total[5m]))"),
                ("临时稿 partials", "60 * sum(rate(tingzhen_asr_partials_total[5m]))"),
                ("放弃 skipped", "60 * sum(rate(tingzhen_asr_partials_skipped_total[5m]))"),
                span=8,
            )
        )
        .with_panel(
            trend(
                "重新解码与无法识别(每小时)",
                "Segments decoded again by a guard, and finals that every guard refused.",
                ("重解 redecodes", "sum(increase(tingzhen_asr_redecodes_total[1h]))"),
                (
                    "无法识别 unintelligible",
                    "sum(increase(tingzhen_transcripts_unintelligible_total[1h]))",
                ),
                span=8,
                decimals=0,
            )
        )
    )


def _per_node(seconds_of: str) -> str:
    return f"sum by (node) (rate(tingzhen_asr_{seconds_of}_seconds_total[5m]))"


def _final_lag(quantile: float) -> str:
    buckets = "sum by (le) (rate(tingzhen_transcript_final_lag_seconds_bucket[5m]))"
    return f"histogram_quantile({quantile}, {buckets})"


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
    )
