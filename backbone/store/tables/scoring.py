"""How calls scored."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, String, Table, Text

from backbone.store.schema import metadata

call_scores = Table(
    "call_scores",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("queue", String(128), nullable=False),
    Column("agent", String(128), nullable=False),
    Column("card", String(64), nullable=False),
    Column("revision", String(64), nullable=False),
    Column("score", Float),
    Column("failed", Boolean, nullable=False),
    Column("items", Text, nullable=False),
    Column("at", Float, nullable=False, index=True),
    Index(None, "agent", "at"),
)
"""A call's last automatic score. `failed`: a critical item was answered no; `items` is JSON."""
