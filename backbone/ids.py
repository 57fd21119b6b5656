"""Identifiers: the same thing seen twice gets the same one."""

from __future__ import annotations

import uuid

_NAMESPACE = uuid.UUID("6d2f5b0e-6c1f-5b6a-9a55-0d1c5f2a7e11")


def stable_id(*parts: object) -> str:
    """Derive a UUID (version 5) from what a thing is, so that seeing it again is no new thing."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts)))


def call_id(system: str, uniqueid: str, visit: int) -> str:
    """The id of one queue visit: PBX, Asterisk's Uniqueid, and the n-th join of that channel."""
    return stable_id("call", system, uniqueid, visit)


def new_id() -> str:
    """A random UUID (version 4)."""
    return str(uuid.uuid4())
