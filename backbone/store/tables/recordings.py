"""Recordings of legs."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table

from backbone.store.schema import metadata

recordings = Table(
    "recordings",
    metadata,
    Column("leg_id", String(36), primary_key=True),
    Column("call_id", String(36), nullable=False),
    Column("role", String(16), nullable=False),
    Column("path", String(256), nullable=False),
    Column("rate", Integer, nullable=False),
    Column("offset_s", Float, nullable=False),
    Column("samples", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("stored_at", Float, nullable=False),
    Column("expired_at", Float),
    Index(None, "call_id"),
    Index(None, "expired_at", "stored_at"),
)
