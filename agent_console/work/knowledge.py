"""The knowledge base: articles that are found while the caller waits. Versions are kept.

Search is over the tokens of `backbone.store.bigrams`, so that words of two characters are found,
in a plain table of terms: it works the same on every database. Functions take a Connection.

Ranking is Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009), with
a title's and a tag's tokens counted several times.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    true,
)

from agent_console.events import KnowledgeEdited
from agent_console.paging import Page, page
from agent_console.work.rows import from_row
from backbone.events import Event
from backbone.store.bigrams import tokens, wanted
from backbone.store.journal import Projection
from backbone.store.rows import replace_row
from backbone.store.tables.work import knowledge_articles, knowledge_terms, knowledge_versions

K1 = 1.2
B = 0.75
TITLE_WEIGHT = 5
TAG_WEIGHT = 3
LONGEST_TERM = 64
_MOST_WORDS = 40
_AFTER_ALL = chr(0x10FFFF)

_tags = msgspec.json.Decoder(tuple[str, ...]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An article as it is now. Times are seconds since the epoch, None for no bound."""

    article_id: str
    version: int
    title: str
    body: str
    tags: tuple[str, ...]
    topic: str
    valid_from: float | None
    valid_until: float | None
    deleted: bool
    by: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleVersion(Article):
    """An article as it once was. The audit chain holds the digest too."""

    digest: str


def digest(event: KnowledgeEdited) -> str:
    """SHA-256, in hexadecimal, over all that a version says, who wrote it and when."""
    return hashlib.sha256(msgspec.json.encode(event)).hexdigest()


def weights(title: str, tags: Sequence[str], body: str) -> Counter[str]:
    """How often each token counts in an article."""
    found: Counter[str] = Counter()
    for text, weight in ((title, TITLE_WEIGHT), (" ".join(tags), TAG_WEIGHT), (body, 1)):
        for token in tokens(text):
            found[token[:LONGEST_TERM]] += weight
    return found


def score(
    held: Mapping[str, int], holders: Mapping[str, int], articles: int, length: int, mean: float
) -> float:
    """BM25 of one article.

    Args:
        held: how often each wanted token counts in it.
        holders: how many articles hold each wanted token.
        articles: how many there are.
        length: of this article, in tokens.
        mean: of all articles.
    """
    total = 0.0
    for token, count in held.items():
        rarity = math.log(1 + (articles - holders[token] + 0.5) / (holders[token] + 0.5))
        total += rarity * count * (K1 + 1) / (count + K1 * (1 - B + B * length / (mean or 1.0)))
    return total


def search(
    connection: Connection,
    words: str,
    *,
    now: float | None,
    topic: str = "",
    limit: int = 20,
) -> list[Article]:
    """Articles in force that hold all of these words, the best first; without words the newest.

    A word of one Han character, and the last word typed, may be the beginning of another. Without
    a time, articles that are not in force are found too.
    """
    runs = wanted(words)[:_MOST_WORDS]
    if words.strip() and not runs:
        return []
    in_force = _in_force(now, topic)
    query = select(knowledge_articles).where(in_force)
    if not runs:
        query = query.order_by(knowledge_articles.c.at.desc()).limit(limit)
        return [_article(row) for row in connection.execute(query).mappings()]
    best = _ranked(connection, runs, in_force)[:limit]
    rows = connection.execute(query.where(knowledge_articles.c.article_id.in_(best))).mappings()
    by_id = {row["article_id"]: _article(row) for row in rows}
    return [by_id[article_id] for article_id in best if article_id in by_id]


def listed(connection: Connection, *, limit: int, cursor: str | None) -> Page[Article]:
    """All articles, in force or not, by their last edit, newest first; for those who keep them.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    query = select(knowledge_articles).where(~knowledge_articles.c.deleted)
    order = (knowledge_articles.c.at, knowledge_articles.c.article_id)
    return page(connection, query, order, _article, limit=limit, cursor=cursor)


def deleted(connection: Connection, words: str, *, limit: int, cursor: str | None) -> Page[Article]:
    """Deleted articles with these characters in title or text, the latest deleted first.

    They are few and asked for seldom, so they stand in no index.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    held = or_(
        knowledge_articles.c.title.icontains(words, autoescape=True),
        knowledge_articles.c.body.icontains(words, autoescape=True),
    )
    query = select(knowledge_articles).where(knowledge_articles.c.deleted, held)
    order = (knowledge_articles.c.at, knowledge_articles.c.article_id)
    return page(connection, query, order, _article, limit=limit, cursor=cursor)


def find(connection: Connection, article_id: str) -> Article | None:
    """One article, deleted ones too."""
    query = select(knowledge_articles).where(knowledge_articles.c.article_id == article_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _article(row)


def history(connection: Connection, article_id: str) -> list[ArticleVersion]:
    """All versions of an article, newest first."""
    query = (
        select(knowledge_versions)
        .where(knowledge_versions.c.article_id == article_id)
        .order_by(knowledge_versions.c.version.desc())
    )
    return [
        from_row(ArticleVersion, row, tags=_tags(row["tags"]))
        for row in connection.execute(query).mappings()
    ]


def empty(connection: Connection) -> bool:
    """Whether nobody has written an article yet."""
    return connection.execute(select(knowledge_articles.c.article_id).limit(1)).first() is None


def _ranked(
    connection: Connection, runs: Sequence[Sequence[str]], in_force: ColumnElement[bool]
) -> list[str]:
    """Ids of the articles that hold every run's tokens, the best first."""
    held: dict[str, dict[str, int]] = defaultdict(dict)
    lengths: dict[str, int] = {}
    holders: Counter[str] = Counter()
    matching: set[str] | None = None
    for run in runs:
        for token in run:
            with_token = _holding(connection, token, in_force, prefix=len(run) == 1)
            holders[token] = len(with_token)
            for article_id, count, length in with_token:
                held[article_id][token] = count
                lengths[article_id] = length
            having = {article_id for article_id, _, _ in with_token}
            matching = having if matching is None else matching & having
            if not matching:
                return []
    articles, mean = connection.execute(
        select(func.count(), func.avg(knowledge_articles.c.terms)).where(in_force)
    ).one()
    best = {
        article_id: score(
            held[article_id], holders, articles, lengths[article_id], float(mean or 0.0)
        )
        for article_id in matching or ()
    }
    return sorted(best, key=lambda article_id: (-best[article_id], article_id))


def _holding(
    connection: Connection, token: str, in_force: ColumnElement[bool], *, prefix: bool
) -> list[tuple[str, int, int]]:
    """Articles with a token: id, how often it counts there, length."""
    column = knowledge_terms.c.term
    token = token[:LONGEST_TERM]
    matches = _beginning(connection, token) if prefix else column == token
    query = (
        select(
            knowledge_terms.c.article_id,
            func.sum(knowledge_terms.c.weight),
            knowledge_articles.c.terms,
        )
        .join(knowledge_articles, knowledge_articles.c.article_id == knowledge_terms.c.article_id)
        .where(matches, in_force)
        .group_by(knowledge_terms.c.article_id, knowledge_articles.c.terms)
    )
    return [(row[0], int(row[1]), row[2]) for row in connection.execute(query)]


def _beginning(connection: Connection, token: str) -> ColumnElement[bool]:
    """That a term begins with a token."""
    column = knowledge_terms.c.term
    if connection.dialect.name == "sqlite":
        # Its LIKE takes small letters for capital ones, and so cannot use the index.
        return column.between(token, token + _AFTER_ALL)
    return column.startswith(token, autoescape=True)


def _in_force(now: float | None, topic: str) -> ColumnElement[bool]:
    begun, ends = knowledge_articles.c.valid_from, knowledge_articles.c.valid_until
    of_topic = knowledge_articles.c.topic == topic if topic else true()
    if now is None:
        return and_(~knowledge_articles.c.deleted, of_topic)
    return and_(
        ~knowledge_articles.c.deleted,
        or_(begun.is_(None), begun <= now),
        or_(ends.is_(None), ends > now),
        of_topic,
    )


def _article(row: RowMapping) -> Article:
    return from_row(Article, row, tags=_tags(row["tags"]))


def _edited(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, KnowledgeEdited)  # noqa: S101 - the table below pairs them
    row = {
        name: getattr(event, name)
        for name in (
            "article_id",
            "version",
            "title",
            "body",
            "topic",
            "valid_from",
            "valid_until",
            "deleted",
            "by",
            "at",
        )
    }
    row["tags"] = msgspec.json.encode(event.tags).decode()
    replace_row(connection, knowledge_versions, {**row, "digest": digest(event)})
    known = connection.scalar(
        select(knowledge_articles.c.version).where(
            knowledge_articles.c.article_id == event.article_id
        )
    )
    if known is not None and known > event.version:
        return
    counts = Counter[str]() if event.deleted else weights(event.title, event.tags, event.body)
    replace_row(connection, knowledge_articles, {**row, "terms": counts.total()})
    connection.execute(
        delete(knowledge_terms).where(knowledge_terms.c.article_id == event.article_id)
    )
    if counts:
        connection.execute(
            insert(knowledge_terms),
            [
                {"term": term, "article_id": event.article_id, "weight": weight}
                for term, weight in counts.items()
            ],
        )


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {KnowledgeEdited: (_edited,)}
"""What the journal writes into our tables."""
