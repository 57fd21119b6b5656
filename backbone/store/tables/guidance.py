"""What a call was about, how its script was followed, how the caller felt, what was offered."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, String, Table, Text

from backbone.store.schema import metadata

call_topics = Table(
    "call_topics",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("topic", String(64), nullable=False, index=True),
    Column("title", String(128), nullable=False),
    Column("title_en", String(128), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("stable", Boolean, nullable=False),
    Column("at", Float, nullable=False, index=True),
)

call_scripts = Table(
    "call_scripts",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("script", String(64), nullable=False, index=True),
    Column("topic", String(64), nullable=False),
    Column("required", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("steps", Text, nullable=False),
    Column("at", Float, nullable=False, index=True),
)
"""`done` of `required` steps were done; `steps` is JSON, as in the event."""

call_emotions = Table(
    "call_emotions",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("scene", String(16), nullable=False, index=True),
    Column("lowest", Float, nullable=False),
    Column("last", Float, nullable=False),
    Column("points", Text, nullable=False),
    Column("at", Float, nullable=False, index=True),
)

empathy_offers = Table(
    "empathy_offers",
    metadata,
    Column("offer_id", String(36), primary_key=True),
    Column("call_id", String(36), nullable=False, index=True),
    Column("scene", String(16), nullable=False),
    Column("sentences", Text, nullable=False),
    Column("at", Float, nullable=False, index=True),
    Column("used", Boolean),
    Column("sentence_id", String(64), nullable=False, default=""),
    Column("used_by", String(64), nullable=False, default=""),
    Column("similarity", Float),
    Column("used_at", Float),
)
"""`used` is unknown (null) until the agent has spoken again; `sentences` is JSON."""
