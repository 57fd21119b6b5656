"""Who may see what: teams, and one-time links that let a user in."""

from __future__ import annotations

from sqlalchemy import Column, Float, String, Table, Text

from backbone.store.schema import metadata

teams = Table(
    "teams",
    metadata,
    Column("team", String(64), primary_key=True),
    Column("queues", Text, nullable=False, default="[]"),
    Column("agents", Text, nullable=False, default="[]"),
)
"""`queues` and `agents` (members' interfaces) are lists as JSON."""

login_links = Table(
    "login_links",
    metadata,
    Column("digest", String(64), primary_key=True),  # a hash; the link is nowhere
    Column("username", String(64), nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)
