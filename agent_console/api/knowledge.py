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
from agent_console.viewer import Viewer
from agent_console.work import knowledge
from agent_console.work.knowledge import Article, ArticleVersion
from backbone.ids import new_id

router = APIRouter(prefix="/knowledge", tags=["knowledge"])

ArticleId = Annotated[str, Path(max_length=64)]


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
async def delete(who: Who, context: Context, article_id: ArticleId) -> None:
    """Take an article out of sight; its history stays."""
    async with context.desk.writing:
        known = await _find(context, article_id)
        body = ArticleBody(
            title=known.title,
            body=known.body,
            tags=known.tags,
            topic=known.topic,
            valid_from=known.valid_from,
            valid_until=known.valid_until,
        )
        await _write(context, who, article_id, known.version + 1, body, deleted=True)


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


async def _write(
    context: ConsoleContext,
    who: Viewer,
    article_id: str,
    version: int,
    body: ArticleBody,
    *,
    deleted: bool = False,
) -> Article:
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
    action = "knowledge_deleted" if deleted else "knowledge_edited"
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
