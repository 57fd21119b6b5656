"""Who may do what: one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Action = Literal[
    "listen",
    "whisper",
    "barge",
    "stop_listening",
    "pause",
    "unpause",
    "queue_login",
    "queue_logout",
    "hangup",
    "transfer",
    "callback",
]
ACTIONS: tuple[Action, ...] = get_args(Action)

PERMITTED: Mapping[str, frozenset[Action]] = {
    "lead": frozenset(ACTIONS),
    # They judge quality: they hear, and are not heard.
    "inspector": frozenset({"listen", "stop_listening"}),
    "manager": frozenset({"listen", "stop_listening"}),
    "agent": frozenset(),
}
"""Actions by role; a role that is not here may do nothing."""


def permitted(role: str, action: Action) -> bool:
    """Whether somebody of this role may do it."""
    return action in PERMITTED.get(role, frozenset())
