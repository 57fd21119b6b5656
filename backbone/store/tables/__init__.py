"""The tables of each area of the system; importing this package makes `metadata` whole."""

from __future__ import annotations

from backbone.store.schema import metadata
from backbone.store.tables import (
    access,
    alerting,
    guidance,
    notify,
    recordings,
    rules,
    scoring,
    search,
    work,
)

__all__ = [
    "access",
    "alerting",
    "guidance",
    "metadata",
    "notify",
    "recordings",
    "rules",
    "scoring",
    "search",
    "work",
]
