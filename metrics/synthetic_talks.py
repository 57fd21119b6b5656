"""Made-up talks: what was heard in the calls of a made-up history, and what came of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from backbone.events import encode, kind_of
from backbone.store.schema import alerts, journal, legs, ratings
from backbone.store.tables.guidance import call_scripts, call_topics
from metrics.synthetic_rows import Rows
from qa_engine.events import Alert, Evidence

TOPICS = (
    ("appointment", "预约挂号", "Appointment", 34),
    ("report", "报告查询", "Test report", 17),
    ("insurance", "医保报销", "Insurance", 13),
    ("department", "科室咨询", "Departments", 12),
    ("fee", "费用咨询", "Fees", 9),
    ("admission", "住院办理", "Admission", 7),
    ("complaint_service", "服务投诉", "Complaint about service", 4),
    ("complaint_wait", "等候投诉", "Complaint about waiting", 4),
)
_KINDS = (
    ("dead_air", "medium", "agent", "长时间静默", "Dead air", 34),
    ("interruption", "medium", "agent", "打断客户", "Interruption", 26),
    ("missing_closing", "low", "agent", "缺少结束语", "Missing closing", 18),
    ("customer_complaint", "high", "customer", "客户投诉", "Complaint", 12),
    ("taboo_phrase", "high", "agent", "服务禁语", "Taboo phrase", 7),
    ("red_line", "critical", "agent", "红线", "Red line", 1),
)

# Shares of talks; what is said of a hotline, roughly.
_WHOLE_LEG = 0.995
_STEP_MISSED = 0.2
_ALERTED = 0.15
_RATED = 0.3
_ACKNOWLEDGED = 0.93

_ALERT_COLUMNS = tuple(
    name for name in Alert.__struct_fields__ if name in alerts.c and name != "evidence"
)


@dataclass(frozen=True, slots=True)
class Talk:
    """An answered call, from the answer to the end (seconds since the epoch)."""

    call_id: str
    queue: str
    agent: str
    answered_at: float
    ended_at: float


class Talks:
    """Makes up what was heard in calls.

    Args:
        chance: what decides.
        seq: the numbers of the journal's next rows.
    """

    def __init__(self, chance: random.Random, seq: Iterator[int]) -> None:
        self._chance = chance
        self._seq = seq

    def add(self, talk: Talk, rows: Rows) -> None:
        """Write what was heard in a call: legs, topic, script, alert, rating."""
        chance = self._chance
        for role in ("agent", "customer"):
            whole = chance.random() < _WHOLE_LEG
            rows.add(
                legs,
                leg_id=f"{talk.call_id}-{role}",
                call_id=talk.call_id,
                role=role,
                rate=8000,
                opened_at=talk.answered_at,
                offset_s=0.0,
                closed_at=talk.ended_at,
                samples=int(8000 * (talk.ended_at - talk.answered_at)),
                complete=whole,
                reason="" if whole else "media_server_stopped",
            )
        topic, title, title_en, _ = chance.choices(TOPICS, [each[-1] for each in TOPICS])[0]
        rows.add(
            call_topics,
            call_id=talk.call_id,
            topic=topic,
            title=title,
            title_en=title_en,
            confidence=chance.uniform(0.6, 1.0),
            stable=True,
            at=talk.answered_at + 20.0,
        )
        rows.add(
            call_scripts,
            call_id=talk.call_id,
            script=topic,
            topic=topic,
            required=5,
            done=5 - (chance.random() < _STEP_MISSED),
            steps="[]",
            at=talk.ended_at,
        )
        if chance.random() < _ALERTED:
            self._alert(talk, chance.uniform(talk.answered_at, talk.ended_at), rows)
        if chance.random() < _RATED:
            rows.add(
                ratings,
                call_id=talk.call_id,
                queue=talk.queue,
                agent=talk.agent,
                scale="five",
                value=chance.choices((5, 4, 3, 2, 1), (72, 21, 4, 2, 1))[0],
                at=talk.ended_at + 6.0,
            )

    def _alert(self, talk: Talk, at: float, rows: Rows) -> None:
        chance = self._chance
        kind, severity, role, title, title_en, _ = chance.choices(
            _KINDS, [each[-1] for each in _KINDS]
        )[0]
        seq = next(self._seq)
        alert = Alert(
            at=at,
            alert_id=f"{talk.call_id}-alert",
            call_id=talk.call_id,
            queue=talk.queue,
            agent=talk.agent,
            rule=f"{kind}_history",
            kind=kind,
            severity=severity,  # type: ignore[arg-type]  # mypy sees the table's column as str
            role=role,  # type: ignore[arg-type]  # the same
            title=title,
            title_en=title_en,
            phrase="",
            start=at - talk.answered_at,
            end=at - talk.answered_at + 2.0,
            suspected=False,
            evidence=Evidence(),
        )
        rows.add(
            journal,
            seq=seq,
            kind=kind_of(Alert),
            call_id=talk.call_id,
            at=at,
            payload=encode(alert),
        )
        columns = {name: getattr(alert, name) for name in _ALERT_COLUMNS}
        seen = chance.random() < _ACKNOWLEDGED
        rows.add(
            alerts,
            **columns,
            seq=seq,
            evidence=msgspec.json.encode(alert.evidence).decode(),
            state="acknowledged" if seen else "open",
            acknowledged_by="lead" if seen else None,
            acknowledged_at=at + chance.expovariate(1 / 25.0) if seen else None,
        )
