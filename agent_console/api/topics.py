"""What calls can be about, by the guidance in force: names for registers, articles and filters."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel

from agent_console.access import Context
from qa_engine.pack import PackError

router = APIRouter(tags=["topics"])


class TopicView(BaseModel):
    """A topic's id and what people call it."""

    topic: str
    title: str
    title_en: str


@router.get("/topics")
async def list_topics(context: Context) -> list[TopicView]:
    """The topics in the pack's order; none while its guidance cannot be used."""
    try:
        topics = await asyncio.to_thread(context.desk.topics)
    except PackError:
        return []
    return [
        TopicView(topic=topic.id, title=topic.title, title_en=topic.title_en) for topic in topics
    ]
