"""Topics, scripts, emotions and empathy offers in the database."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from backbone.events import Delivery, Event, decode, kind_of
from backbone.store.journal import Projection
from backbone.store.rows import replace_row
from backbone.store.schema import calls, journal
from backbone.store.tables.guidance import call_emotions, call_scripts, call_topics, empathy_offers
from qa_engine.events import (
    EmotionCourse,
    EmotionPoint,
    EmpathyOffered,
    EmpathySentence,
    EmpathyUsed,
    ScriptFinished,
    ScriptStep,
    TopicDetected,
)


class StoredOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Sentences that were offered, and what became of them (`used` is None: not known yet)."""

    offer_id: str
    scene: str
    sentences: tuple[EmpathySentence, ...]
    at: float
    used: bool | None
    sentence_id: str
    used_by: str
    similarity: float | None


class SceneUse(msgspec.Struct, frozen=True, kw_only=True):
    """Of one scene: how many offers were made, and how many of them were used."""

    scene: str
    offered: int
    used: int


def _topic(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, TopicDetected)  # noqa: S101 - the table of projections says so
    replace_row(
        connection,
        call_topics,
        {
            "call_id": event.call_id,
            "topic": event.topic,
            "title": event.title,
            "title_en": event.title_en,
            "confidence": event.confidence,
            "stable": event.stable,
            "at": event.at,
        },
    )


def _script(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, ScriptFinished)  # noqa: S101 - the table of projections says so
    required = [step for step in event.steps if step.required]
    replace_row(
        connection,
        call_scripts,
        {
            "call_id": event.call_id,
            "script": event.script,
            "topic": event.topic,
            "required": len(required),
            "done": sum(step.state == "done" for step in required),
            "steps": msgspec.json.encode(event.steps).decode(),
            "at": event.at,
        },
    )


def _emotion(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, EmotionCourse)  # noqa: S101 - the table of projections says so
    replace_row(
        connection,
        call_emotions,
        {
            "call_id": event.call_id,
            "role": event.role,
            "scene": event.scene,
            "lowest": event.lowest,
            "last": event.last,
            "points": msgspec.json.encode(event.points).decode(),
            "at": event.at,
        },
    )


def _offered(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, EmpathyOffered)  # noqa: S101 - the table of projections says so
    known = select(empathy_offers.c.offer_id).where(empathy_offers.c.offer_id == event.offer_id)
    if connection.scalar(known) is not None:
        return  # what became of it stands there already
    replace_row(
        connection,
        empathy_offers,
        {
            "offer_id": event.offer_id,
            "call_id": event.call_id,
            "scene": event.scene,
            "sentences": msgspec.json.encode(event.sentences).decode(),
            "at": event.at,
        },
    )


def _used(connection: Connection, seq: int, event: Event) -> None:
    """Used beats ignored: the agent may have said it a little later, or marked it."""
    del seq
    assert isinstance(event, EmpathyUsed)  # noqa: S101 - the table of projections says so
    offer = empathy_offers.c.offer_id == event.offer_id
    if connection.scalar(select(empathy_offers.c.used).where(offer)):
        return
    connection.execute(
        update(empathy_offers)
        .where(offer)
        .values(
            used=event.used,
            sentence_id=event.sentence_id,
            used_by=event.by,
            similarity=event.similarity,
            used_at=event.at,
        )
    )


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {
    TopicDetected: (_topic,),
    ScriptFinished: (_script,),
    EmotionCourse: (_emotion,),
    EmpathyOffered: (_offered,),
    EmpathyUsed: (_used,),
}
"""What the journal writes into our tables; every one may see an event twice."""


def calls_under_way(
    connection: Connection,
    since: float,
    kinds: Sequence[type[Event]],
    ended_since: float | None = None,
) -> dict[str, list[Event]]:
    """What is journalled, of these classes, about calls that joined since and have not ended.

    An event that this version cannot read is left out. With `ended_since`, calls that ended
    since then are among them.
    """
    under_way: ColumnElement[bool] = calls.c.ended_at.is_(None)
    if ended_since is not None:
        under_way = or_(under_way, calls.c.ended_at >= ended_since)
    open_calls = select(calls.c.call_id).where(under_way, calls.c.joined_at >= since)
    names = [kind_of(cls) for cls in kinds if cls.delivery is Delivery.DURABLE]
    rows = connection.execute(
        select(journal.c.call_id, journal.c.kind, journal.c.payload)
        .where(journal.c.call_id.in_(open_calls), journal.c.kind.in_(names))
        .order_by(journal.c.seq)
    )
    told: dict[str, list[Event]] = {}
    for row in rows:
        with contextlib.suppress(LookupError, ValueError):
            told.setdefault(row.call_id, []).append(decode(row.kind, row.payload))
    return told


def topic_of(connection: Connection, call_id: str) -> str:
    """The id of what a call was about; empty when it is not known."""
    query = select(call_topics.c.topic).where(call_topics.c.call_id == call_id)
    return connection.scalar(query) or ""


def script_of(connection: Connection, call_id: str) -> ScriptFinished | None:
    """How a call's script was followed; None while the call lasts."""
    row = connection.execute(
        select(call_scripts).where(call_scripts.c.call_id == call_id)
    ).one_or_none()
    if row is None:
        return None
    return ScriptFinished(
        at=row.at,
        call_id=row.call_id,
        script=row.script,
        topic=row.topic,
        steps=msgspec.json.decode(row.steps, type=tuple[ScriptStep, ...]),
    )


def emotions_of(connection: Connection, call_id: str) -> list[EmotionCourse]:
    """How the sides of a call felt over it; empty while the call lasts."""
    rows = connection.execute(
        select(call_emotions)
        .where(call_emotions.c.call_id == call_id)
        .order_by(call_emotions.c.role)
    )
    return [
        EmotionCourse(
            at=row.at,
            call_id=row.call_id,
            role=row.role,
            scene=row.scene,
            lowest=row.lowest,
            last=row.last,
            points=msgspec.json.decode(row.points, type=tuple[EmotionPoint, ...]),
        )
        for row in rows
    ]


def offers_of(connection: Connection, call_id: str) -> list[StoredOffer]:
    """What was offered in a call, in order, and what became of it."""
    rows = connection.execute(
        select(empathy_offers)
        .where(empathy_offers.c.call_id == call_id)
        .order_by(empathy_offers.c.at, empathy_offers.c.offer_id)
    )
    return [
        StoredOffer(
            offer_id=row.offer_id,
            scene=row.scene,
            sentences=msgspec.json.decode(row.sentences, type=tuple[EmpathySentence, ...]),
            at=row.at,
            used=row.used,
            sentence_id=row.sentence_id,
            used_by=row.used_by,
            similarity=row.similarity,
        )
        for row in rows
    ]


def scene_uses(connection: Connection, since: float, until: float) -> list[SceneUse]:
    """Offers and their use by scene, of offers made in [since, until) (seconds since the epoch)."""
    query = (
        select(
            empathy_offers.c.scene,
            func.count().label("offered"),
            func.count().filter(empathy_offers.c.used.is_(True)).label("used"),
        )
        .where(empathy_offers.c.at >= since, empathy_offers.c.at < until)
        .group_by(empathy_offers.c.scene)
        .order_by(empathy_offers.c.scene)
    )
    return [
        SceneUse(scene=row.scene, offered=row.offered, used=row.used)
        for row in connection.execute(query)
    ]
