"""How speech recognition keeps up, and how soon alerts follow the words."""

from __future__ import annotations

from metrics import targets
from metrics.dashboards.panels import Bound, Dashboard, dashboard, row, stat, trend


def recognition() -> Dashboard:
    """Latency first, then load, then what was given up."""
    board = dashboard(
        "tingzhen-recognition",
        "听诊 · 识别与告警时延",
        "Recognition: how late finals and alerts are, the load, and what was given up.",
        "recognition",
    )
    return _recognition(_latency(board))


def _latency(board: Dashboard) -> Dashboard:
    return (
        board.with_row(row("时延 · Latency"))
        .with_panel(
            stat(
                "告警时延 P95(近 1 小时)",
                "From the end of the words to the alert: 95 of 100 are there by then. Target: 3 s.",
                _quantile(0.95, "tingzhen_alert_latency_seconds", '{stage="final"}'),
                unit="s",
                decimals=2,
                bound=Bound("at_most", targets.ALERT_LATENCY_S),
            )
        )
        .with_panel(
            stat(
                "告警时延中位数(近 1 小时)",
                "From the end of the words to the alert, median.",
                _quantile(0.5, "tingzhen_alert_latency_seconds", '{stage="final"}'),
                unit="s",
                decimals=2,
                bound=Bound("at_most", targets.ALERT_LATENCY_S),
            )
        )
        .with_panel(
            stat(
                "识别节点就绪",
                "Nodes whose recogniser is loaded.",
                "sum(tingzhen_asr_ready)",
                bound=Bound("at_least", 1),
            )
        )
        .with_panel(
            stat(
                "识别中的声道",
                "Audio legs under recognition, all nodes.",
                "sum(tingzhen_asr_legs)",
            )
        )
        .with_panel(
            trend(
                "告警送到页面的时延(近 1 小时)",
                "From the end of the words to the first websocket frame of the alert: median, 95th "
                "and 99th percentile by stage, on stable partials or on finals. Target: 2 s.",
                *(
                    (f"{{{{stage}}}} p{share}", _frame_latency(share / 100))
                    for share in (50, 95, 99)
                ),
                unit="s",
                bound=Bound("at_most", targets.ALERT_FRAME_S),
                span=24,
            )
        )
        .with_panel(
            trend(
                "告警(每小时,按阶段)",
                "Alerts timed by stage: on stable partials, or on finals.",
                (
                    "{{stage}}",
                    "sum by (stage) (increase(tingzhen_alert_latency_seconds_count[1h]))",
                ),
                span=12,
                decimals=0,
            )
        )
        .with_panel(
            trend(
                "过载与工作进程",
                "Nodes that say they are overloaded, and their worker processes.",
                ("过载 overloaded", "sum(tingzhen_asr_overloaded)"),
                ("进程 workers", "sum(tingzhen_asr_workers)"),
                span=12,
                decimals=0,
            )
        )
    )


def _frame_latency(quantile: float) -> str:
    buckets = "sum by (stage, le) (increase(tingzhen_alert_frame_seconds_bucket[1h]))"
    return f"histogram_quantile({quantile}, {buckets})"


def _quantile(quantile: float, name: str, selector: str = "") -> str:
    buckets = f"sum by (le) (increase({name}_bucket{selector}[1h]))"
    return f"histogram_quantile({quantile}, {buckets})"


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
