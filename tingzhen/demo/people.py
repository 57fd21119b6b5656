"""Who works in the demo: one user of each role, and a link for each to come in by."""

from __future__ import annotations

import time

from agent_console import links, users
from agent_console.permissions import Role
from agent_console.server import ConsoleServer

_PEOPLE: tuple[tuple[str, Role, str, str], ...] = (
    ("lead", "lead", "陈组长", ""),
    ("agent", "agent", "李护士", "PJSIP/1001"),
    ("inspector", "inspector", "周质检", ""),
    ("manager", "manager", "吴主任", ""),
)
"""User name, role, name, and the member's interface in the recording."""


def let_in(console: ConsoleServer) -> dict[str, str]:
    """Make the users; returns the one-time link of each by user name, the lead's first."""
    context = console.context
    found = {}
    with context.engine.begin() as connection:
        for username, role, name, agent in _PEOPLE:
            if users.find_user(connection, username) is None:
                users.create_user(
                    connection,
                    username,
                    None,
                    role,
                    now=context.clock.time(),
                    name=name,
                    agent=agent,
                )
            found[username] = links.issue(connection, username, time.time())
        # Nobody comes to a demo to think up passwords.
        users.change_user(connection, users.ADMIN, password_due=False)
        found["admin"] = links.issue(connection, users.ADMIN, time.time())
    return {who: console.address + links.path(token) for who, token in found.items()}
