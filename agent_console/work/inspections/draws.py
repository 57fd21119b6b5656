"""Draws of calls in the store: what a plan may draw, and what was drawn. Take a Connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Exists, Select, exists, insert, select

from agent_console.work.inspections.sampling import Candidate, Drawn
from agent_console.work.inspections.scoring import Result
from backbone.ids import new_id
from backbone.store.schema import alerts, calls
from backbone.store.tables.scoring import call_scores
from backbone.store.tables.work import inspection_samples, inspection_scores, inspections
from qa_engine.events import Severity
from qa_engine.scorecard import Scorecard

SampleKind = Literal["random", "alert", "duration", "score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which calls a sample is drawn from, in [since, until) by when they joined.

    `random` takes any answered call, `alert` those with an alert of these kinds and severities,
    `duration` those whose talk lasted so long (seconds), `score` those the rules scored so.
    """

    kind: SampleKind
    since: float
    until: float
    per_agent: int
    most: int
    inspectors: tuple[str, ...]
    seed: int
    queues: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    alert_kinds: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    min_talk_s: float | None = None
    max_talk_s: float | None = None
    min_score: float | None = None
    max_score: float | None = None


def candidates(connection: Connection, plan: Plan) -> list[Candidate]:
    """Answered calls that a plan may draw; one that was drawn before is not among them."""
    query: Select[Any] = select(calls.c.call_id, calls.c.queue, calls.c.agent).where(
        calls.c.outcome == "answered",
        calls.c.joined_at >= plan.since,
        calls.c.joined_at < plan.until,
        ~exists().where(inspections.c.call_id == calls.c.call_id),
    )
    if plan.queues:
        query = query.where(calls.c.queue.in_(plan.queues))
    if plan.agents:
        query = query.where(calls.c.agent.in_(plan.agents))
    if plan.min_talk_s is not None:
        query = query.where(calls.c.talk_s >= plan.min_talk_s)
    if plan.max_talk_s is not None:
        query = query.where(calls.c.talk_s <= plan.max_talk_s)
    if plan.kind == "alert":
        query = query.where(_raised(plan))
    if plan.kind == "score":
        query = query.where(_scored(plan))
    return [Candidate(row.call_id, row.queue, row.agent) for row in connection.execute(query)]


def _raised(plan: Plan) -> Exists:
    raised = exists().where(alerts.c.call_id == calls.c.call_id)
    if plan.alert_kinds:
        raised = raised.where(alerts.c.kind.in_(plan.alert_kinds))
    if plan.severities:
        raised = raised.where(alerts.c.severity.in_(plan.severities))
    return raised


def _scored(plan: Plan) -> Exists:
    scored = exists().where(call_scores.c.call_id == calls.c.call_id)
    if plan.min_score is not None:
        scored = scored.where(call_scores.c.score >= plan.min_score)
    if plan.max_score is not None:
        scored = scored.where(call_scores.c.score <= plan.max_score)
    return scored


def add_sample(
    connection: Connection,
    plan: Plan,
    drawn: Sequence[Drawn],
    card: Scorecard,
    revision: str,
    *,
    by: str,
    now: float,
) -> tuple[str, list[str]]:
    """Write a draw down; returns the sample's id and those of its inspections."""
    sample_id = new_id()
    connection.execute(
        insert(inspection_samples).values(
            sample_id=sample_id,
            plan=msgspec.json.encode(plan).decode(),
            card=card.id,
            revision=revision,
            scorecard=card.model_dump_json(),
            by=by,
            at=now,
        )
    )
    ids = []
    for one in drawn:
        inspection_id = new_id()
        ids.append(inspection_id)
        connection.execute(
            insert(inspections).values(
                inspection_id=inspection_id,
                sample_id=sample_id,
                call_id=one.candidate.call_id,
                queue=one.candidate.queue,
                agent=one.candidate.agent,
                state="open",
                at=now,
                result=msgspec.json.encode(Result()).decode(),
                decided_by="",
                appeal="",
                appealed_by="",
                verdict="",
            )
        )
        for inspector in one.inspectors:
            connection.execute(
                insert(inspection_scores).values(
                    inspection_id=inspection_id, inspector=inspector, answers="[]"
                )
            )
    return sample_id, ids


def card_of(connection: Connection, sample_id: str) -> tuple[Scorecard, str]:
    """The scorecard of a sample as it was when it was drawn, and its revision."""
    row = connection.execute(
        select(inspection_samples).where(inspection_samples.c.sample_id == sample_id)
    ).one()
    return Scorecard.model_validate_json(row.scorecard), row.revision
