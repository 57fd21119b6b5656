"""Pushes that are still to go out, so that they outlive a node that stops."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text

from backbone.store.schema import metadata

notify_events = Table(
    "notify_events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
)
"""Events of the journal of which nobody has decided yet who is told."""

notify_pushes = Table(
    "notify_pushes",
    metadata,
    Column("push_id", String(36), primary_key=True),
    Column("target_id", String(36), nullable=False),
    Column("message", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("claimed_by", String(36), nullable=False),
    Column("claimed_until", Float, nullable=False),
    Index(None, "claimed_until"),
)
"""One `message` (JSON) to one target, claimed for a time by who sends it; `rank`: of severity."""
