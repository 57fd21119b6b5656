"""Sample articles for an empty knowledge base, so that a demo has something to find."""

from __future__ import annotations

import asyncio
from importlib import resources

from pydantic import BaseModel, ConfigDict, TypeAdapter
from ruamel.yaml import YAML
from sqlalchemy import Engine

from agent_console.events import KnowledgeEdited
from agent_console.work import knowledge
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.ids import stable_id

AUTHOR = "tingzhen"


class Sample(BaseModel):
    """One article of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    topic: str
    tags: tuple[str, ...]
    body: str


def samples() -> list[Sample]:
    """The articles that come with the program."""
    text = resources.files("agent_console.work").joinpath("articles.yaml").read_text("utf-8")
    return TypeAdapter(list[Sample]).validate_python(YAML(typ="safe").load(text))


async def sow(bus: Bus, clock: Clock, engine: Engine) -> int:
    """Write the samples into a knowledge base that is empty; returns how many."""

    def is_empty() -> bool:
        with engine.connect() as connection:
            return knowledge.empty(connection)

    if not await asyncio.to_thread(is_empty):
        return 0
    articles = await asyncio.to_thread(samples)
    for article in articles:
        await bus.publish(
            KnowledgeEdited(
                at=clock.time(),
                article_id=stable_id("sample article", article.title),
                version=1,
                by=AUTHOR,
                title=article.title,
                body=article.body,
                tags=article.tags,
                topic=article.topic,
                valid_from=None,
                valid_until=None,
                deleted=False,
            )
        )
    return len(articles)
