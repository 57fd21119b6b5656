"""Past and present calls as a list, narrowed by many things. Functions take a Connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Column, ColumnElement, Connection, Select, case, exists, func, or_, select

from agent_console.history import index
from agent_console.paging import Page, decode_cursor, encode_cursor, page
from agent_console.privacy import mask_name, mask_number
from agent_console.scope import EVERYTHING, Scope
from backbone.store.schema import alerts, calls, segments
from backbone.store.tables.scoring import call_scores
from backbone.store.tables.search import call_texts
from qa_engine.events import SEVERITIES, Severity
from qa_engine.privacy import mask
from telephony.events import Outcome

CallFilter = Literal["all", "in_progress", "ended"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_AROUND = 30
"""Characters shown on each side of a found word."""

_RANK = case(*((alerts.c.severity == s, n) for n, s in enumerate(SEVERITIES)), else_=0)


@dataclass(frozen=True, slots=True)
class CallQuery:
    """Which calls are wanted; what is left as it is does not narrow. Times are epoch seconds."""

    scope: Scope = EVERYTHING
    state: CallFilter = "all"
    queue: str = ""
    agent: str = ""
    outcome: Outcome | None = None
    kind: str = ""
    """Of an alert."""
    severity: Severity | None = None
    """With an alert of this severity or a graver one."""
    since: float | None = None
    until: float | None = None
    min_talk_s: float | None = None
    words: str = ""
    """All of them were said."""


@dataclass(frozen=True, slots=True)
class CallSummary:
    """One queue visit in a list; times in seconds since the epoch, durations in seconds.

    `alerts` counts them, `severity` is the gravest. `excerpt` shows where the words were said.
    """

    call_id: str
    queue: str
    caller: str
    caller_name: str
    agent: str
    agent_name: str
    outcome: str | None
    joined_at: float
    answered_at: float | None
    ended_at: float | None
    wait_s: float | None
    ring_s: float | None
    rings: int | None
    talk_s: float | None
    hold_s: float
    transfers: int
    hangup_by: str
    complete: bool
    incomplete_reason: str
    score: float | None
    alerts: int
    severity: Severity | None
    excerpt: str


def list_calls(
    connection: Connection, wanted: CallQuery, limit: int, cursor: str | None
) -> Page[CallSummary]:
    """Calls by the time they joined, newest first; with words by the time they ended.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    if wanted.words.strip():
        return _with_words(connection, wanted, limit, cursor)
    order = (calls.c.joined_at, calls.c.call_id)
    found = page(connection, _narrowed(wanted), order, dict, limit=limit, cursor=cursor)
    return Page(_summaries(connection, found.items, ""), found.next)


def _with_words(
    connection: Connection, wanted: CallQuery, limit: int, cursor: str | None
) -> Page[CallSummary]:
    before = None if cursor is None else int(decode_cursor(cursor)[0])
    query = _narrowed(wanted, call_texts.c.number).join(
        call_texts, call_texts.c.call_id == calls.c.call_id
    )
    narrowed = index.holding(connection, query, wanted.words, before)
    if narrowed is None:
        return Page([], None)
    rows = list(map(dict, connection.execute(narrowed.limit(limit + 1)).mappings()))
    more, rows = len(rows) > limit, rows[:limit]
    following = encode_cursor(rows[-1]["number"], rows[-1]["call_id"]) if more else None
    return Page(_summaries(connection, rows, wanted.words), following)


def _narrowed(wanted: CallQuery, *columns: Column[Any]) -> Select[Any]:
    query = select(calls, *columns).where(
        wanted.scope.where(calls.c.queue, calls.c.agent, calls.c.picked_up_by)
    )
    if wanted.state != "all":
        ended = calls.c.ended_at.is_not(None)
        query = query.where(ended if wanted.state == "ended" else ~ended)
    for column, value in (
        (calls.c.queue, wanted.queue),
        (calls.c.agent, wanted.agent),
        (calls.c.outcome, wanted.outcome),
    ):
        if value:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(calls.c.joined_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(calls.c.joined_at < wanted.until)
    if wanted.min_talk_s is not None:
        query = query.where(calls.c.talk_s >= wanted.min_talk_s)
    if wanted.kind:
        # Few calls have an alert of one kind: to list them once is cheaper than to look at each.
        of_kind = select(alerts.c.call_id).where(alerts.c.kind == wanted.kind)
        query = query.where(calls.c.call_id.in_(of_kind))
    if wanted.severity is not None:
        grave = SEVERITIES[SEVERITIES.index(wanted.severity) :]
        query = query.where(_has_alert(alerts.c.severity.in_(grave)))
    return query


def _has_alert(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(alerts.c.call_id == calls.c.call_id, condition)


def _summaries(
    connection: Connection, rows: Sequence[dict[str, Any]], words: str
) -> list[CallSummary]:
    ids = [row["call_id"] for row in rows]
    raised = {
        row.call_id: (row.number, SEVERITIES[row.rank])
        for row in connection.execute(
            select(
                alerts.c.call_id,
                func.count().label("number"),
                func.max(_RANK).label("rank"),
            )
            .where(alerts.c.call_id.in_(ids))
            .group_by(alerts.c.call_id)
        )
    }
    scored = {
        row.call_id: row.score
        for row in connection.execute(
            select(call_scores.c.call_id, call_scores.c.score).where(call_scores.c.call_id.in_(ids))
        )
    }
    excerpts = _excerpts(connection, ids, words) if words else {}
    summaries = []
    for row in rows:
        call_id = row["call_id"]
        number, severity = raised.get(call_id, (0, None))
        known = {name: row[name] for name in CallSummary.__slots__ if name in calls.c}
        known["caller"] = mask_number(row["caller"])
        known["caller_name"] = mask_name(row["caller_name"])
        summaries.append(
            CallSummary(
                **known,
                score=scored.get(call_id),
                alerts=number,
                severity=severity,
                excerpt=excerpts.get(call_id, ""),
            )
        )
    return summaries


def _excerpts(connection: Connection, ids: Sequence[str], words: str) -> dict[str, str]:
    """Of each call, the first words around one of those that were looked for."""
    looked_for = words.split()
    said = or_(*(segments.c.text.icontains(word, autoescape=True) for word in looked_for))
    query = (
        select(segments.c.call_id, segments.c.text)
        .where(segments.c.call_id.in_(ids), said)
        .order_by(segments.c.call_id, segments.c.start)
    )
    found: dict[str, str] = {}
    for call_id, text in connection.execute(query):
        if call_id not in found:
            found[call_id] = _around(mask(text), looked_for)
    return found


def _around(text: str, words: Sequence[str]) -> str:
    lowered = text.lower()
    places = [at for word in words if (at := lowered.find(word.lower())) >= 0]
    at = min(places, default=0)
    begin, end = max(0, at - _AROUND), min(len(text), at + _AROUND)
    return ("…" if begin else "") + text[begin:end] + ("…" if end < len(text) else "")
