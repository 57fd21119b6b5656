"""Agents' results by the hospital's weights, and what of them nobody can measure.

Quality 50, efficiency 20, learning 15, teamwork 10, innovation 5, out of 100.

    quality     the mean of the agent's automatic scores; a call that failed a red line has 0
    efficiency  100 × the mean of what is known of: rings answered / rings (ring_answer_rate),
                answered within three rings (ring_sla), and min(1, 300 s / average handle time),
                since a call should take less than five minutes

Learning, teamwork and innovation are entered by hand, and shown as such. An entry for quality or
efficiency takes the place of what was measured. A total is given only of what is there, beside the
weight that it covers.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec
from sqlalchemy import Connection, func, select

from backbone.errors import UserError
from backbone.store.tables.scoring import call_scores
from metrics.board import Row
from metrics.figures import Kpis
from metrics.periods import Period

Part = Literal["quality", "efficiency", "learning", "teamwork", "innovation"]
PARTS: tuple[Part, ...] = get_args(Part)
WEIGHTS: Mapping[Part, int] = {
    "quality": 50,
    "efficiency": 20,
    "learning": 15,
    "teamwork": 10,
    "innovation": 5,
}
LONGEST_CALL_S = 300.0
FULL_MARK = 100.0


class AgentMarks(msgspec.Struct, frozen=True, kw_only=True):
    """Marks entered by hand, 0..100 each; None where there is none."""

    quality: float | None = None
    efficiency: float | None = None
    learning: float | None = None
    teamwork: float | None = None
    innovation: float | None = None


class PartResult(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an agent's result: a mark 0..100, None when unknown, and where it is from."""

    part: Part
    mark: float | None
    source: Literal["measured", "entered", "none"]


class AgentResult(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's result. `total` is of `weight` (of 100) that is known; None when nothing is."""

    agent: str
    kpis: Kpis
    scored: int
    parts: tuple[PartResult, ...]
    total: float | None
    weight: int


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's scored calls and their mean."""

    calls: int
    mean: float


def read_scores(connection: Connection, period: Period) -> dict[str, Scores]:
    """The automatic scores of a period by agent."""
    table = call_scores.c
    rows = connection.execute(
        select(table.agent, func.count(table.score), func.avg(table.score))
        .where(table.at >= period.start, table.at < period.end, table.score.is_not(None))
        .group_by(table.agent)
    )
    return {agent: Scores(calls=calls, mean=float(mean)) for agent, calls, mean in rows if agent}


def agent_results(
    rows: Iterable[Row], scores: Mapping[str, Scores], marks: Mapping[str, AgentMarks]
) -> tuple[AgentResult, ...]:
    """The results of all agents who had a call or a mark, the best first.

    Those with the same weight known are compared; who has more of it known stands before.
    """
    kpis = {row.key: row.kpis for row in rows}
    results = [
        _result(agent, found, scores.get(agent), marks.get(agent, AgentMarks()))
        for agent, found in kpis.items()
    ]
    return tuple(
        sorted(
            results,
            key=lambda result: (
                -result.weight,
                -(result.total / result.weight if result.total is not None else 0.0),
                result.agent,
            ),
        )
    )


def efficiency(kpis: Kpis) -> float | None:
    """See the module; 0..100, None when nothing is known."""
    handle_s = kpis.average_handle_time_s
    known = [
        share
        for share in (
            kpis.ring_answer_rate,
            kpis.ring_sla,
            None if not handle_s else min(1.0, LONGEST_CALL_S / handle_s),
        )
        if share is not None
    ]
    return FULL_MARK * sum(known) / len(known) if known else None


def read_marks(path: Path) -> dict[str, AgentMarks]:
    """Read marks from a CSV file: a column `agent`, and any of the parts as further columns.

    Raises:
        UserError: the file cannot be read, or a mark is no number from 0 to 100.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    table = csv.DictReader(lines)
    columns = table.fieldnames or []
    unknown = [name for name in columns if name != "agent" and name not in PARTS]
    if "agent" not in columns or unknown:
        raise UserError(
            f"{path}: the columns are agent, {', '.join(PARTS)}"
            + (f"; not {', '.join(unknown)}" if unknown else "")
        )
    marks = {}
    for number, row in enumerate(table, start=2):
        where = f"{path}:{number}"
        given = {part: _mark(where, part, row.get(part) or "") for part in PARTS}
        marks[(row["agent"] or "").strip()] = AgentMarks(**given)
    return marks


def _mark(where: str, part: str, text: str) -> float | None:
    if not text.strip():
        return None
    try:
        mark = float(text)
    except ValueError:
        mark = -1.0
    if not 0 <= mark <= FULL_MARK:
        raise UserError(f"{where}: {part} is {text!r}, and should be a number from 0 to 100")
    return mark


def _result(agent: str, kpis: Kpis, scores: Scores | None, marks: AgentMarks) -> AgentResult:
    measured: dict[str, float | None] = {
        "quality": scores.mean if scores is not None else None,
        "efficiency": efficiency(kpis),
    }
    parts = [_part(part, measured.get(part), getattr(marks, part)) for part in PARTS]
    weight, total = _total(parts)
    return AgentResult(
        agent=agent,
        kpis=kpis,
        scored=scores.calls if scores is not None else 0,
        parts=tuple(parts),
        total=total,
        weight=weight,
    )


def _part(part: Part, measured: float | None, entered: float | None) -> PartResult:
    if entered is not None:
        return PartResult(part=part, mark=entered, source="entered")
    if measured is not None:
        return PartResult(part=part, mark=measured, source="measured")
    return PartResult(part=part, mark=None, source="none")


def _total(parts: Sequence[PartResult]) -> tuple[int, float | None]:
    known = [(WEIGHTS[part.part], part.mark) for part in parts if part.mark is not None]
    weight = sum(each for each, _ in known)
    total = sum(each * mark for each, mark in known) / FULL_MARK
    return weight, total if known else None
