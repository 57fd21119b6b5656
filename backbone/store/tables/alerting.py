"""Remarks on alerts, and rules that are muted on a call."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, String, Table, Text

from backbone.store.schema import metadata

alert_comments = Table(
    "alert_comments",
    metadata,
    Column("comment_id", String(36), primary_key=True),
    Column("alert_id", String(36), nullable=False),
    Column("call_id", String(36), nullable=False),
    Column("by", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Float, nullable=False),
    Index(None, "alert_id", "at"),
)

muted_rules = Table(
    "muted_rules",
    metadata,
    Column("call_id", String(36), primary_key=True),
    Column("rule", String(128), primary_key=True),
    Column("by", String(64), nullable=False),
    Column("muted", Boolean, nullable=False),
    Column("at", Float, nullable=False),
)
