"""The words of a report, in Chinese and English."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]

_WORDS: dict[str, tuple[str, str]] = {
    "day": ("客服日报", "Daily report"),
    "week": ("客服周报", "Weekly report"),
    "month": ("客服白皮书", "Monthly white paper"),
    "made_at": ("生成于", "made at"),
    "time_zone": ("时区", "time zone"),
    "targets": ("指标与目标", "KPIs against targets"),
    "kpi": ("指标", "KPI"),
    "value": ("本期", "this period"),
    "last": ("上期", "period before"),
    "target": ("目标", "target"),
    "verdict": ("结果", "result"),
    "kept": ("达标", "kept"),
    "missed": ("未达标", "missed"),
    "unknown": ("无数据", "unknown"),
    "at_least": ("≥", "≥"),
    "at_most": ("≤", "≤"),
    "trends": ("走势", "Trends"),
    "calls_by_day": ("每日进线与接通", "Calls offered and answered by day"),
    "calls_by_hour": ("各时段进线与平均等待", "Calls and average wait by hour of the day"),
    "offered": ("进线", "offered"),
    "answered": ("接通", "answered"),
    "abandoned": ("放弃", "abandoned"),
    "best_hours": ("最好的时段", "Best hours"),
    "worst_hours": ("最差的时段", "Worst hours"),
    "hour": ("时段", "hour"),
    "hours": ("各时段", "Hours"),
    "date": ("日期", "date"),
    "queues": ("各队列", "Queues"),
    "teams": ("各班组", "Teams"),
    "queue": ("队列", "queue"),
    "team": ("班组", "team"),
    "topics": ("来电主题与常见问题", "Topics and frequent questions"),
    "topic": ("主题", "topic"),
    "calls": ("通数", "calls"),
    "complaints": ("有投诉", "with a complaint"),
    "questions": ("常见问题", "frequent questions"),
    "sampled": ("抽样通数", "calls sampled"),
    "rules": ("规则命中", "Rules"),
    "rule": ("规则", "rule"),
    "severity": ("级别", "severity"),
    "alerts": ("告警", "alerts"),
    "precision": ("经复核的准确率", "precision by review"),
    "agents": ("坐席成绩", "Agents' results"),
    "agent": ("坐席", "agent"),
    "handled": ("接听", "handled"),
    "scored": ("已评分", "scored"),
    "quality": ("质量", "quality"),
    "efficiency": ("效率", "efficiency"),
    "learning": ("学习", "learning"),
    "teamwork": ("协作", "teamwork"),
    "innovation": ("创新", "innovation"),
    "total": ("得分", "total"),
    "of_weight": ("所依权重", "of weight"),
    "entered": ("人工录入", "entered by hand"),
    "agents_note": (
        "✎ 为人工录入；“—”为既未测得也未录入，不计分。",
        "✎ was entered by hand; “—” was neither measured nor entered and is in no total.",
    ),
    "quotations": ("患者原话（已隐去个人信息）", "Callers' own words (personal data covered)"),
    "nothing": ("本期没有数据。", "Nothing in this period."),
    "incomplete": ("本期尚未结束，数字会变。", "The period is not over; the numbers will change."),
    "answer_rate": ("接通率", "answer rate"),
    "service_level": ("服务水平", "service level"),
    "average_speed_of_answer_s": ("平均等待（秒）", "average speed of answer (s)"),
    "longest_wait_s": ("最长等待（秒）", "longest wait (s)"),
    "ring_sla": ("三声内接听", "answered within three rings"),
    "abandonment_rate": ("放弃率", "abandonment"),
    "callback_rate": ("未接回拨率", "unanswered callers called back"),
    "first_contact_resolution": ("首次解决率（未再来电）", "first-contact resolution (no repeat)"),
    "first_contact_by_disposition": (
        "首次解决率（登记）",
        "first-contact resolution (as registered)",
    ),
    "satisfaction": ("满意度", "satisfaction"),
    "script_compliance": ("话术执行率", "script compliance"),
    "red_lines": ("红线次数", "red lines"),
    "mean_acknowledge_time_s": ("告警平均确认用时（秒）", "mean time to acknowledge (s)"),
    "heard_share": ("双侧录听完整率", "legs heard whole"),
    "critical": ("红线", "red line"),
    "high": ("严重", "serious"),
    "medium": ("一般", "ordinary"),
    "low": ("轻微", "slight"),
    "info": ("提示", "note"),
    "customer_complaint": ("投诉", "complaint"),
    "escalation_threat": ("扬言投诉、曝光", "threat to escalate"),
    "brief": (
        "进线 {offered} 通，接通 {answered} 通；{kept} 项达标，{missed} 项未达标。",
        "{offered} calls offered, {answered} answered; {kept} targets kept, {missed} missed.",
    ),
    "none_joined": ("没有来电。", "No calls came."),
}


def word(key: str, language: Language) -> str:
    """What a key says; a key that has no words of its own (a queue's name) says itself."""
    words = _WORDS.get(key)
    if words is None:
        return key
    return words[0] if language == "zh" else words[1]


def known(key: str) -> bool:
    """Whether a key has words."""
    return key in _WORDS


def share(value: float | None) -> str:
    """A ratio 0..1 as a percentage."""
    return "—" if value is None else f"{value:.1%}"


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands set apart."""
    return "—" if value is None else f"{value:,.{digits}f}"


def kpi_value(kpi: str, value: float | None) -> str:
    """A KPI of `metrics.figures.Kpis` in its own unit."""
    if kpi.endswith("_s"):
        return number(value, 1)
    if kpi == "red_lines":
        return number(value)
    return share(value)
