"""Inspections and what inspectors gave, in the store. Functions take a Connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Connection, RowMapping, exists, select, update

from agent_console.paging import Page, page
from agent_console.scope import Scope
from agent_console.work.inspections.agreement import Scored
from agent_console.work.inspections.scoring import (
    TRANSITIONS,
    Answer,
    Automatic,
    InspectionAction,
    InspectionState,
    Result,
    combine,
    score,
)
from agent_console.work.rows import from_row
from backbone.store.tables.scoring import call_scores
from backbone.store.tables.work import inspection_scores, inspections
from qa_engine.events import ScoreItem
from qa_engine.scorecard import Scorecard

_answers = msgspec.json.Decoder(tuple[Answer, ...]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One inspector's work on one call; `submitted_at` is None while it goes on.

    `version` counts how often it was kept, 0: not yet.
    """

    inspector: str
    answers: tuple[Answer, ...]
    score: float | None
    submitted_at: float | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """One call to be scored, and what came of it. Times in seconds since the epoch."""

    inspection_id: str
    sample_id: str
    call_id: str
    queue: str
    agent: str
    state: InspectionState
    at: float
    result: Result
    score: float | None
    decided_by: str
    decided_at: float | None
    appeal: str
    appealed_by: str
    appealed_at: float | None
    verdict: str

    def anonymous(self) -> Inspection:
        """The same without the name of who decided."""
        return replace(self, decided_by="")


@dataclass(frozen=True, slots=True)
class AutomaticScore:
    """What the rules answered for a call, and by which revision of which card."""

    card: str
    revision: str
    score: float | None
    items: tuple[ScoreItem, ...]

    @property
    def answers(self) -> dict[str, Automatic]:
        """By item."""
        return {item.item: item.answer for item in self.items}


class MovedError(Exception):
    """Somebody else was faster: the inspection is not where it was."""


def find(connection: Connection, inspection_id: str) -> Inspection | None:
    """One inspection."""
    query = select(inspections).where(inspections.c.inspection_id == inspection_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _inspection(row)


def scores_of(connection: Connection, inspection_id: str) -> list[Score]:
    """What its inspectors gave, by name."""
    query = (
        select(inspection_scores)
        .where(inspection_scores.c.inspection_id == inspection_id)
        .order_by(inspection_scores.c.inspector)
    )
    return [_score(row) for row in connection.execute(query).mappings()]


def score_of(connection: Connection, inspection_id: str, inspector: str) -> Score | None:
    """What one inspector gave; None for one whom the call was not given to."""
    found = scores_of(connection, inspection_id)
    return next((one for one in found if one.inspector == inspector), None)


def is_given(connection: Connection, inspection_id: str, inspector: str) -> bool:
    """Whether a call was given to this inspector."""
    return score_of(connection, inspection_id, inspector) is not None


def call_is_given(connection: Connection, call_id: str, inspector: str) -> bool:
    """Whether this inspector was given a call to score, at any time."""
    query = (
        select(inspections.c.inspection_id)
        .join(inspection_scores, inspection_scores.c.inspection_id == inspections.c.inspection_id)
        .where(inspections.c.call_id == call_id, inspection_scores.c.inspector == inspector)
    )
    return connection.execute(query).first() is not None


def automatic_of(connection: Connection, call_id: str) -> AutomaticScore | None:
    """What the rules answered for a call; None when it was not scored."""
    row = connection.execute(select(call_scores).where(call_scores.c.call_id == call_id)).first()
    if row is None:
        return None
    items = msgspec.json.decode(row.items, type=tuple[ScoreItem, ...])
    return AutomaticScore(row.card, row.revision, row.score, items)


def listed(
    connection: Connection,
    *,
    inspector: str | None = None,
    agent: str | None = None,
    state: InspectionState | None = None,
    sample_id: str = "",
    scope: Scope | None = None,
    limit: int,
    cursor: str | None,
) -> Page[Inspection]:
    """Inspections, newest first.

    Args:
        connection: to read with.
        inspector: only those given to this user, if set.
        agent: only those of this interface's calls that have a result, if set.
        state: only those that stand so, if set.
        sample_id: only those of this sample, if set.
        scope: only those of calls in it, if set.
        limit: how many at most.
        cursor: of the page before.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    query = select(inspections)
    if inspector is not None:
        given = exists().where(
            inspection_scores.c.inspection_id == inspections.c.inspection_id,
            inspection_scores.c.inspector == inspector,
        )
        query = query.where(given)
    if agent is not None:
        query = query.where(inspections.c.agent == agent, inspections.c.state != "open")
    if state is not None:
        query = query.where(inspections.c.state == state)
    if sample_id:
        query = query.where(inspections.c.sample_id == sample_id)
    if scope is not None:
        query = query.where(scope.where(inspections.c.queue, inspections.c.agent))
    order = (inspections.c.at, inspections.c.inspection_id)
    return page(connection, query, order, _inspection, limit=limit, cursor=cursor)


def given_to(connection: Connection, inspection_ids: Iterable[str]) -> dict[str, list[Score]]:
    """Who scores these, and how far they are, by inspection."""
    found: dict[str, list[Score]] = {one: [] for one in inspection_ids}
    query = (
        select(inspection_scores)
        .where(inspection_scores.c.inspection_id.in_(list(found)))
        .order_by(inspection_scores.c.inspector)
    )
    for row in connection.execute(query).mappings():
        found[row["inspection_id"]].append(_score(row))
    return found


def keep_answers(
    connection: Connection,
    inspection_id: str,
    inspector: str,
    answers: Sequence[Answer],
    *,
    version: int,
    card: Scorecard,
    submitted_at: float | None,
) -> bool:
    """Write an inspector's answers down in place of those of `version`.

    False when these are not the newest any more, or were submitted.
    """
    changed = connection.execute(
        update(inspection_scores)
        .where(
            inspection_scores.c.inspection_id == inspection_id,
            inspection_scores.c.inspector == inspector,
            inspection_scores.c.submitted_at.is_(None),
            inspection_scores.c.version == version,
        )
        .values(
            answers=msgspec.json.encode(answers).decode(),
            score=score(card, answers),
            submitted_at=submitted_at,
            version=version + 1,
        )
    )
    return bool(changed.rowcount)


def complete(connection: Connection, inspection_id: str, card: Scorecard, now: float) -> bool:
    """Make the result once every inspector has submitted; whether that is so."""
    given = scores_of(connection, inspection_id)
    if any(one.submitted_at is None for one in given):
        return False
    result = combine(card, [one.answers for one in given])
    move(connection, inspection_id, "open", "complete", {**result_row(result), "decided_at": now})
    return True


def move(
    connection: Connection,
    inspection_id: str,
    state: InspectionState,
    action: InspectionAction,
    values: dict[str, object],
) -> None:
    """Move an inspection on from a state.

    Raises:
        MovedError: it does not stand there any more, or the action leads nowhere from there.
    """
    following = TRANSITIONS.get((state, action))
    if following is None:
        raise MovedError
    changed = connection.execute(
        update(inspections)
        .where(inspections.c.inspection_id == inspection_id, inspections.c.state == state)
        .values(state=following, **values)
    )
    if not changed.rowcount:
        raise MovedError


def result_row(result: Result) -> dict[str, object]:
    """The columns of a result."""
    return {"result": msgspec.json.encode(result).decode(), "score": result.score}


def submitted(connection: Connection, since: float, until: float) -> list[Scored]:
    """Answers to calls that all their inspectors have submitted, by when the sample was drawn."""
    query = (
        select(inspection_scores)
        .join(inspections, inspections.c.inspection_id == inspection_scores.c.inspection_id)
        .where(inspections.c.state != "open", inspections.c.at >= since, inspections.c.at < until)
    )
    return [
        Scored(
            row.inspection_id,
            row.inspector,
            {answer.item: answer.answer for answer in _answers(row.answers)},
        )
        for row in connection.execute(query)
    ]


def _score(row: RowMapping) -> Score:
    return from_row(Score, row, answers=_answers(row["answers"]))


def _inspection(row: RowMapping) -> Inspection:
    return from_row(Inspection, row, result=msgspec.json.decode(row["result"], type=Result))
