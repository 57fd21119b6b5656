"""The knowledge base: found while the caller waits, every edit kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field, model_validator

from agent_console.access import Context, Who
from agent_console.api.parameters import Cursor, Limit
from agent_console.api.writing import (
    Asked,
    Body,
    Line,
    Moment,
    Name,
    Tags,
    changed_meanwhile,
    entry,
    keep,
    not_found,
    read,
)
from agent_console.context import ConsoleContext
from agent_console.events import KnowledgeEdited
from agent_console.paging import Page
from agent_console.problems import Problem
from agent_console.viewer import Viewer
from agent_console.work import knowledge
from agent_console.work.knowledge import Article, ArticleVersion
from backbone.ids import new_id

router = APIRouter(prefix="/knowledge", tags=["knowledge"])

ArticleId = Annotated[str, Path(max_length=64)]

_EDITED = "knowledge_edited"
_DELETED = "knowledge_deleted"
_RESTORED = "knowledge_restored"


class ArticleBody(Asked):
    """What an article says, and when it holds; a bound that is unset is none."""

    title: Line = Field(min_length=1)
    body: Body = Field(min_length=1)
    tags: Tags = ()
    topic: Name = ""
    valid_from: Moment | None = None
    valid_until: Moment | None = None

    @model_validator(mode="after")
    def _in_order(self) -> ArticleBody:
        if (
            self.valid_from is not None
            and self.valid_until is not None
            and self.valid_until <= self.valid_from
        ):
            raise ValueError("an article ends after it begins")
        return self


class ArticleEdit(ArticleBody):
    """A new version in place of `version`."""

    version: int = Field(ge=1)


class Restored(Asked):
    """The version with which it was deleted."""

    version: int = Field(ge=1)


@router.get("")
async def search(
    *,
    _who: Who,
    context: Context,
    q: Annotated[str, Query(max_length=200, description="Words; two characters suffice.")] = "",
    topic: Annotated[str, Query(max_length=64)] = "",
    every: Annotated[
        bool, Query(description="Also those not in force; without words and topic page by page.")
    ] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Article]:
    """Find articles that hold all of these words, the best first; without words the newest."""
    now = None if every else context.clock.time()
    if every and not q and not topic:
        return await read(context, lambda c: knowledge.listed(c, limit=limit, cursor=cursor))
    found = await read(context, lambda c: knowledge.search(c, q, now=now, topic=topic, limit=limit))
    return Page(found, None)


@router.get("/deleted")
async def deleted(
    *,
    _who: Who,
    context: Context,
    q: Annotated[str, Query(max_length=200, description="Stands in the title or text.")] = "",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Article]:
    """Deleted articles as they were last, the latest deleted first."""
    return await read(
        context, lambda c: knowledge.deleted(c, q.strip(), limit=limit, cursor=cursor)
    )


@router.post("", status_code=201)
async def create(who: Who, context: Context, body: ArticleBody) -> Article:
    """Write an article."""
    return await _write(context, who, new_id(), 1, body)


@router.get("/{article_id}")
async def get_article(_who: Who, context: Context, article_id: ArticleId) -> Article:
    """Read an article, in force or not."""
    return await _find(context, article_id)


@router.put("/{article_id}")
async def edit(who: Who, context: Context, article_id: ArticleId, body: ArticleEdit) -> Article:
    """Write a new version; refused when somebody else wrote one since `version`."""
    async with context.desk.writing:
        known = await _find(context, article_id)
        if known.version != body.version:
            raise changed_meanwhile("article")
        return await _write(context, who, article_id, body.version + 1, body)


@router.delete("/{article_id}", status_code=204)
async def delete(
    who: Who,
    context: Context,
    article_id: ArticleId,
    version: Annotated[int, Query(ge=1, description="The one that is not wanted any more.")],
) -> None:
    """Take an article out of sight; it can be restored, and its history stays.

    Refused when somebody wrote a newer version since `version`.
    """
    async with context.desk.writing:
        known = await _find(context, article_id)
        if known.version != version:
            raise changed_meanwhile("article")
        await _write(context, who, article_id, version + 1, _body(known), _DELETED)


@router.post("/{article_id}/restore")
async def restore(who: Who, context: Context, article_id: ArticleId, body: Restored) -> Article:
    """Put a deleted article back as it was last: a new version."""
    async with context.desk.writing:
        known = await read(context, lambda c: knowledge.find(c, article_id))
        if known is None:
            raise not_found("article")
        if known.version != body.version:
            raise changed_meanwhile("article")
        if not known.deleted:
            raise Problem(409, "not_possible", "This article is not deleted.")
        version = body.version + 1
        return await _write(context, who, article_id, version, _body(known), _RESTORED)


@router.get("/{article_id}/history")
async def history(_who: Who, context: Context, article_id: ArticleId) -> list[ArticleVersion]:
    """All versions, newest first, with who wrote each and when; of deleted articles too."""
    found = await read(context, lambda c: knowledge.history(c, article_id))
    if not found:
        raise not_found("article")
    return found


async def _find(context: ConsoleContext, article_id: str) -> Article:
    found = await read(context, lambda c: knowledge.find(c, article_id))
    if found is None or found.deleted:
        raise not_found("article")
    return found


def _body(known: Article) -> ArticleBody:
    return ArticleBody(
        title=known.title,
        body=known.body,
        tags=known.tags,
        topic=known.topic,
        valid_from=known.valid_from,
        valid_until=known.valid_until,
    )


async def _write(  # noqa: PLR0917 - what a version is made of
    context: ConsoleContext,
    who: Viewer,
    article_id: str,
    version: int,
    body: ArticleBody,
    action: str = _EDITED,
) -> Article:
    deleted = action == _DELETED
    event = KnowledgeEdited(
        at=context.clock.time(),
        article_id=article_id,
        version=version,
        by=who.username,
        title=body.title,
        body=body.body,
        tags=body.tags,
        topic=body.topic,
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        deleted=deleted,
    )
    said = f"version {version} sha256:{knowledge.digest(event)}"
    await keep(context, event, entry(context, who, action, article_id, said))
    return Article(
        article_id=article_id,
        version=version,
        title=event.title,
        body=event.body,
        tags=event.tags,
        topic=event.topic,
        valid_from=event.valid_from,
        valid_until=event.valid_until,
        deleted=deleted,
        by=event.by,
        at=event.at,
    )
