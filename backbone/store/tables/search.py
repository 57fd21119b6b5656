"""Which calls the full-text index of transcripts holds."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from backbone.store.schema import metadata

call_texts = Table(
    "call_texts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("call_id", String(36), nullable=False, unique=True),
    Column("segments", Integer, nullable=False),
    sqlite_autoincrement=True,
)
"""`number` is the call's row in the index, rising with time; `segments` are in it."""
