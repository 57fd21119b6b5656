"""What callers asked and complained about, by topic, in their own words with names covered.

Quotations come from a sample: all of a month's speech would take minutes to read. How many calls
were read stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import regex
from rapidfuzz import fuzz
from sqlalchemy import Connection, func, select

from backbone.store.schema import alerts, calls, segments
from backbone.store.tables.guidance import call_topics
from metrics.complaint_kinds import COMPLAINT_KINDS
from metrics.periods import Period
from qa_engine.privacy import mask

MOST_TOPICS = 12
MOST_QUESTIONS = 3
MOST_QUOTATIONS = 8
SAMPLED_CALLS = 200
"""Of each topic, the newest."""
SHORTEST, LONGEST = 6, 60
"""Characters of a quotation: shorter says nothing, longer is several sentences run together."""
ALIKE = 75.0
"""From this share of equal characters on (0..100), two questions are taken for the same one."""

_QUESTION = regex.compile(
    r"[?？]|[吗呢]$|怎么|如何|什么|多少|几点|几号|哪[里儿个些]|能不能|可不可以|是不是|要不要|有没有"
    r"|(?i:\b(?:what|when|where|how|which|can i|do you|is there)\b)"
)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question as one caller put it, and in how many of the sampled calls the like was asked."""

    text: str
    calls: int


class TopicRow(msgspec.Struct, frozen=True, kw_only=True):
    """A topic's calls, those with a complaint, and the calls of the period before.

    `questions` are the most frequent ones among `sampled` calls.
    """

    topic: str
    title: str
    title_en: str
    calls: int
    last: int
    complaints: int
    sampled: int
    questions: tuple[Question, ...]


class Quotation(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller said where a complaint was found; `at` is the alert's time, epoch seconds."""

    call_id: str
    at: float
    kind: str
    text: str


def read_topics(connection: Connection, period: Period) -> tuple[TopicRow, ...]:
    """The topics with the most calls, most first."""
    here = _topic_counts(connection, period)
    before = {
        topic: count for topic, _, _, count, _ in _topic_counts(connection, period.previous())
    }
    rows = []
    for topic, title, title_en, count, complaints in here[:MOST_TOPICS]:
        sampled = _sample(connection, period, topic)
        rows.append(
            TopicRow(
                topic=topic,
                title=title or topic,
                title_en=title_en or topic,
                calls=count,
                last=before.get(topic, 0),
                complaints=complaints,
                sampled=len(sampled),
                questions=top_questions(_said(connection, sampled)),
            )
        )
    return tuple(rows)


def read_quotations(
    connection: Connection, period: Period, most: int = MOST_QUOTATIONS
) -> tuple[Quotation, ...]:
    """Callers' words at the newest complaints, no two from one call."""
    table, said = alerts.c, segments.c
    query = (
        select(table.call_id, func.max(table.at), table.kind, said.text)
        .join(segments, (said.call_id == table.call_id) & (said.role == "customer"))
        .where(
            table.at >= period.start,
            table.at < period.end,
            table.kind.in_(COMPLAINT_KINDS),
            said.start <= table.end,
            said.end >= table.start,
            func.length(said.text).between(SHORTEST, LONGEST),
        )
        .group_by(table.call_id, table.kind, said.text)
        .order_by(func.max(table.at).desc())
        .limit(most * 4)
    )
    found: dict[str, Quotation] = {}
    for call_id, at, kind, text in connection.execute(query):
        if len(found) < most:
            found.setdefault(call_id, Quotation(call_id=call_id, at=at, kind=kind, text=mask(text)))
    return tuple(found.values())


def top_questions(
    said: Iterable[tuple[str, str]], most: int = MOST_QUESTIONS
) -> tuple[Question, ...]:
    """The most frequent questions; the wording is the first of its kind, personal data covered.

    Args:
        said: (call_id, text) of callers' segments.
        most: how many to give.
    """
    groups: list[tuple[str, set[str]]] = []
    for call_id, text in said:
        if not (SHORTEST <= len(text) <= LONGEST and _QUESTION.search(text)):
            continue
        for wording, asked in groups:
            if fuzz.ratio(wording, text) >= ALIKE:
                asked.add(call_id)
                break
        else:
            groups.append((text, {call_id}))
    groups.sort(key=lambda group: -len(group[1]))  # stable: the earlier wording first
    return tuple(Question(text=mask(text), calls=len(asked)) for text, asked in groups[:most])


def _topic_counts(
    connection: Connection, period: Period
) -> Sequence[tuple[str, str, str, int, int]]:
    complained = (
        select(alerts.c.call_id).where(alerts.c.kind.in_(COMPLAINT_KINDS)).distinct().subquery()
    )
    table = call_topics.c
    rows = connection.execute(
        select(
            table.topic,
            func.max(table.title),
            func.max(table.title_en),
            func.count(),
            func.count(complained.c.call_id),
        )
        .select_from(call_topics)
        .join(calls, calls.c.call_id == table.call_id)
        .outerjoin(complained, complained.c.call_id == table.call_id)
        .where(calls.c.joined_at >= period.start, calls.c.joined_at < period.end)
        .group_by(table.topic)
        .order_by(func.count().desc(), table.topic)
    )
    return [(topic, title, title_en, count, bad) for topic, title, title_en, count, bad in rows]


def _sample(connection: Connection, period: Period, topic: str) -> list[str]:
    rows = connection.execute(
        select(calls.c.call_id)
        .join(call_topics, call_topics.c.call_id == calls.c.call_id)
        .where(
            call_topics.c.topic == topic,
            calls.c.joined_at >= period.start,
            calls.c.joined_at < period.end,
        )
        .order_by(calls.c.joined_at.desc())
        .limit(SAMPLED_CALLS)
    )
    return [call_id for (call_id,) in rows]


def _said(connection: Connection, call_ids: Sequence[str]) -> Iterable[tuple[str, str]]:
    rows = connection.execute(
        select(segments.c.call_id, segments.c.text)
        .where(segments.c.call_id.in_(call_ids), segments.c.role == "customer")
        .order_by(segments.c.call_id, segments.c.start)
    )
    return ((call_id, text) for call_id, text in rows)
