"""What is shown of an inspection, and to whom."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, select

from agent_console.viewer import Viewer
from agent_console.work.inspections import draws, store
from agent_console.work.inspections.agreement import Agreement, Report
from agent_console.work.inspections.scoring import Automatic
from agent_console.work.inspections.store import Inspection, Score
from backbone.events import kind_of
from backbone.store.schema import journal
from qa_engine.events import Hit
from qa_engine.scorecard import Scorecard

_hit = msgspec.json.Decoder(Hit).decode


@dataclass(frozen=True, slots=True)
class Progress:
    """An inspector and whether the work is done; `score` once everybody has submitted."""

    inspector: str
    submitted: bool
    score: float | None


@dataclass(frozen=True, slots=True)
class Listed:
    """An inspection in a list; an agent is not told who scored."""

    inspection: Inspection
    inspectors: list[Progress]
    mine: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a finding stands in the call, in seconds on the call's clock."""

    hit_id: str
    rule: str
    kind: str
    segment_id: str
    start: float
    end: float
    suspected: bool


@dataclass(frozen=True, slots=True)
class ItemView:
    """One question: what the rules answered (None: nothing), and on what evidence."""

    section: str
    item: str
    title: str
    title_en: str
    points: float
    critical: bool
    automatic: Automatic | None
    automatic_earned: float | None
    evidence: list[Evidence]


@dataclass(frozen=True, slots=True)
class InspectionView:
    """One call to be scored.

    `stale`: the rules answered by another revision of the card than the one to score by.
    `scores` are everybody's, once all have submitted; `mine` are this user's. `may` names what
    this user can do now.
    """

    inspection: Inspection
    card: str
    card_title: str
    card_title_en: str
    revision: str
    automatic_score: float | None
    stale: bool
    items: list[ItemView]
    mine: Score | None
    scores: list[Score]
    may: list[str]


@dataclass(frozen=True, slots=True)
class ItemAgreement:
    """Agreement on one item of the card."""

    item: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Agreement of two inspectors."""

    inspectors: tuple[str, str]
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class AgreementView:
    """How far inspectors agree on the calls that two or more of them scored."""

    calls: int
    overall: Agreement
    items: list[ItemAgreement]
    pairs: list[PairAgreement]


def listed_view(who: Viewer, inspection: Inspection, given: list[Score]) -> Listed:
    """An inspection as this user sees it in a list."""
    over = inspection.state != "open"
    return Listed(
        _named(who, inspection),
        [
            Progress(one.inspector, one.submitted_at is not None, one.score if over else None)
            for one in given
            if who.role != "agent"
        ],
        any(one.inspector == who.username for one in given),
    )


def view(connection: Connection, who: Viewer, inspection: Inspection) -> InspectionView:
    """An inspection as this user sees it."""
    card, revision = draws.card_of(connection, inspection.sample_id)
    automatic = store.automatic_of(connection, inspection.call_id)
    given = store.scores_of(connection, inspection.inspection_id)
    mine = next((one for one in given if one.inspector == who.username), None)
    over = inspection.state != "open"
    return InspectionView(
        inspection=_named(who, inspection),
        card=card.id,
        card_title=card.title,
        card_title_en=card.title_en,
        revision=revision,
        automatic_score=None if automatic is None else automatic.score,
        stale=automatic is not None and (automatic.card, automatic.revision) != (card.id, revision),
        items=_items(card, automatic, _hits(connection, inspection.call_id)),
        mine=mine,
        scores=given if over and who.role != "agent" else [],
        may=_may(who, inspection, mine, given),
    )


def agreement_view(who: Viewer, found: Report) -> AgreementView:
    """Agreement as this user sees it."""
    return AgreementView(
        found.calls,
        found.overall,
        [ItemAgreement(item, one) for item, one in sorted(found.items.items())],
        [
            PairAgreement(names, one)
            for names, one in sorted(found.pairs.items())
            if who.role != "inspector" or who.username in names
        ],
    )


def _named(who: Viewer, inspection: Inspection) -> Inspection:
    return inspection.anonymous() if who.role == "agent" else inspection


def _may(who: Viewer, inspection: Inspection, mine: Score | None, given: list[Score]) -> list[str]:
    able = []
    if mine is not None and mine.submitted_at is None:
        able += ["answers", "submit"]
    if who.role == "agent" and inspection.state == "scored":
        able.append("appeal")
    judges = who.role in {"lead", "manager"}
    if judges and mine is None and given and inspection.state in {"scored", "appealed"}:
        able.append("review")
    return able


def _items(
    card: Scorecard, automatic: store.AutomaticScore | None, hits: list[Hit]
) -> list[ItemView]:
    answered = {one.item: one for one in automatic.items} if automatic is not None else {}
    found = []
    for section in card.sections:
        for item in section.items:
            kinds = {*item.forbidden, *item.required}
            answer = answered.get(item.id)
            found.append(
                ItemView(
                    section=section.id,
                    item=item.id,
                    title=item.title,
                    title_en=item.title_en,
                    points=item.points,
                    critical=item.critical,
                    automatic=None if answer is None else answer.answer,
                    automatic_earned=None if answer is None else answer.earned,
                    evidence=[_evidence(hit) for hit in hits if hit.kind in kinds],
                )
            )
    return found


def _evidence(hit: Hit) -> Evidence:
    return Evidence(
        hit_id=hit.hit_id,
        rule=hit.rule,
        kind=hit.kind,
        segment_id=hit.evidence.segment_id,
        start=hit.start,
        end=hit.end,
        suspected=hit.suspected,
    )


def _hits(connection: Connection, call_id: str) -> list[Hit]:
    query = (
        select(journal.c.payload)
        .where(journal.c.call_id == call_id, journal.c.kind == kind_of(Hit))
        .order_by(journal.c.seq)
    )
    return [_hit(payload) for payload in connection.scalars(query)]
