"""Versions of rule packs that were in force, each hashed over the one before it."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, String, Table, Text

from backbone.store.schema import metadata

rule_versions = Table(
    "rule_versions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("pack", String(128), nullable=False),
    Column("version", String(128), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("files", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
