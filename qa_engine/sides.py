"""The sides of a call that a rule listens to."""

from __future__ import annotations

from typing import Literal

from backbone.media import Role

Side = Literal["agent", "customer", "either"]

ROLES: tuple[Role, Role] = ("agent", "customer")


def roles_of(side: Side) -> tuple[Role, ...]:
    """The roles that a side stands for."""
    return ROLES if side == "either" else (side,)


def other_side(role: Role) -> Role:
    """Who is spoken to."""
    return "customer" if role == "agent" else "agent"
