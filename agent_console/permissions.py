"""Who may do what over HTTP: one table of all routes, which `access.authorise` enforces.

A route that is not in the table is refused. A method and path stand here without the API's prefix
and with `{}` for each value in the path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from telephony.control.permissions import PERMITTED, Action

Role = Literal["agent", "lead", "inspector", "manager", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

Reach = Literal["all", "call", "alert", "listed", "own"]
"""What of it, beyond the role:

`all`: the same for everybody who may. `call`, `alert`: only one in the user's scope; another one
is not there for this user, and the answer is 404. `listed`: the answer holds what is in the
scope. `own`: what belongs to the user.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call a route. `action` names refused attempts in the audit chain, if set.

    `first` routes are open before a user has chosen the password that is due.
    """

    roles: frozenset[Role]
    reach: Reach = "all"
    public: bool = False
    action: str = ""
    first: bool = False


def _for(*roles: Role, reach: Reach = "all") -> Rule:
    return Rule(frozenset(roles), reach)


def _control(action: Action, reach: Reach = "all") -> Rule:
    """What the telephony side permits is the truth for these."""
    roles = frozenset(role for role in ROLES if action in PERMITTED.get(role, ()))
    return Rule(roles, reach, action=action)


_PUBLIC = Rule(frozenset(ROLES), public=True)
_ALL = _for(*ROLES)
_OWN = _for(*ROLES, reach="own")
_FIRST = Rule(frozenset(ROLES), "own", first=True)
_OVERSIGHT: tuple[Role, ...] = ("lead", "inspector", "manager", "admin")
_JUDGES: tuple[Role, ...] = ("lead", "inspector", "manager")
_LEADS: tuple[Role, ...] = ("lead", "manager")
_KEEPERS: tuple[Role, ...] = ("manager", "admin")

PERMISSIONS: Mapping[str, Rule] = {
    # Coming in
    "POST /login": _PUBLIC,
    "POST /login/link": _PUBLIC,
    "GET /login/methods": _PUBLIC,
    "GET /login/oidc": _PUBLIC,
    "GET /login/oidc/callback": _PUBLIC,
    "GET /health": _PUBLIC,
    "WS /live": _PUBLIC,  # its ticket says who it is, and the hub shows what that user may see
    "POST /logout": _FIRST,
    "GET /me": _FIRST,
    "PATCH /me": _FIRST,
    "POST /me/password": _FIRST,
    "POST /ws-ticket": _OWN,
    "GET /sessions": _OWN,
    "DELETE /sessions/{}": _OWN,
    # Users and teams
    "GET /users": _for(*_KEEPERS),
    "POST /users": _for(*_KEEPERS),
    "PATCH /users/{}": _for(*_KEEPERS),
    "DELETE /users/{}": _for(*_KEEPERS),
    "POST /users/{}/link": _for(*_KEEPERS),
    "GET /teams": _for(*_OVERSIGHT),
    "PUT /teams/{}": _for(*_KEEPERS),
    "DELETE /teams/{}": _for(*_KEEPERS),
    # The floor
    "GET /agents": _for(*ROLES, reach="listed"),
    "GET /queues": _for(*ROLES, reach="listed"),
    # Calls
    "GET /calls": _for(*ROLES, reach="listed"),
    "GET /calls/{}": _for(*ROLES, reach="call"),
    "GET /calls/{}/replay": _for(*_OVERSIGHT, reach="call"),
    "GET /calls/{}/waveform": _for(*_JUDGES, reach="call"),
    "GET /calls/{}/audio": _for(*_JUDGES, reach="call"),
    "POST /calls/{}/mute": _for(*_LEADS, reach="call"),
    "GET /calls/{}/caller": _for("agent", *_OVERSIGHT, reach="call"),
    "GET /calls/{}/register": _for("agent", *_OVERSIGHT, reach="call"),
    "PUT /calls/{}/register": _for("agent", *_LEADS, reach="call"),
    "POST /calls/{}/empathy/{}": _for("agent", *_LEADS, reach="call"),
    # Alerts
    "GET /alerts": _for(*ROLES, reach="listed"),
    "GET /alerts/{}": _for(*ROLES, reach="alert"),
    "POST /alerts/{}/ack": _for(*_LEADS, reach="alert"),
    "POST /alerts/{}/assign": _for(*_LEADS, reach="alert"),
    "POST /alerts/{}/escalate": _for(*_LEADS, reach="alert"),
    "POST /alerts/{}/comment": _for(*_JUDGES, reach="alert"),
    "POST /alerts/{}/feedback": _for(*_JUDGES, reach="alert"),
    # Control of calls and agents
    "GET /control/phone": _OWN,
    "PUT /control/phone": _control("listen", "own"),
    "POST /control/calls/{}/listening/{}": _control("listen", "call"),
    "DELETE /control/calls/{}/listening": _control("stop_listening", "call"),
    "POST /control/calls/{}/hangup": _control("hangup", "call"),
    "POST /control/calls/{}/transfer": _control("transfer", "call"),
    "POST /control/callback": _control("callback", "listed"),
    "POST /control/agents/pause": _control("pause", "listed"),
    "POST /control/agents/unpause": _control("unpause", "listed"),
    "POST /control/agents/login": _control("queue_login", "listed"),
    "POST /control/agents/logout": _control("queue_logout", "listed"),
    # Rules, figures, what was done
    "GET /rules": _for(*_OVERSIGHT),
    "GET /rules/versions": _for(*_OVERSIGHT),
    "GET /kpi": _for(*_OVERSIGHT, reach="listed"),
    "GET /forecast": _for(*_LEADS),
    "GET /reports": _for(*_KEEPERS),
    "POST /reports": _for(*_KEEPERS),
    "GET /reports/asked": _for(*_KEEPERS),
    "GET /reports/{}": _for(*_KEEPERS),
    "GET /audit": _for(*_KEEPERS),
    "POST /audit/verify": _for(*_KEEPERS),
    # Knowledge, callers, registers, complaints
    "GET /knowledge": _ALL,
    "POST /knowledge": _for("lead", "manager", "admin"),
    "GET /knowledge/{}": _ALL,
    "PUT /knowledge/{}": _for("lead", "manager", "admin"),
    "DELETE /knowledge/{}": _for("lead", "manager", "admin"),
    "GET /knowledge/deleted": _for("lead", "manager", "admin"),
    "POST /knowledge/{}/restore": _for("lead", "manager", "admin"),
    "GET /knowledge/{}/history": _for(*_OVERSIGHT),
    "PUT /callers/{}/card": _for("agent", *_LEADS),
    "GET /topics": _ALL,
    "PUT /calls/{}/register/draft": _for("agent", *_LEADS, reach="call"),
    "GET /registers": _for("agent", *_OVERSIGHT, reach="listed"),
    "GET /registers/unwritten": _for("agent", *_OVERSIGHT, reach="listed"),
    "GET /registers/agents": _for("agent", *_OVERSIGHT, reach="listed"),
    "GET /complaints": _for("agent", *_OVERSIGHT, reach="listed"),
    "POST /complaints": _for("agent", *_LEADS),
    "GET /complaints/owners": _for(*_LEADS),
    "GET /complaints/{}": _for("agent", *_OVERSIGHT, reach="listed"),
    "PATCH /complaints/{}": _for(*_LEADS),
    # Inspections
    "POST /inspections/samples": _for("inspector", *_LEADS),
    "GET /inspections": _for("agent", *_JUDGES, reach="listed"),
    "GET /inspections/agreement": _for(*_JUDGES),
    "GET /inspections/{}": _for("agent", *_JUDGES, reach="own"),
    "PUT /inspections/{}/answers": _for("inspector", *_LEADS, reach="own"),
    "POST /inspections/{}/submit": _for("inspector", *_LEADS, reach="own"),
    "POST /inspections/{}/appeal": _for("agent", reach="own"),
    "POST /inspections/{}/review": _for(*_LEADS),
    # One's own notifications
    "GET /me/notifications": _for(*_OVERSIGHT, reach="own"),
    "PUT /me/notifications": _for(*_OVERSIGHT, reach="own"),
    "POST /me/notifications/browser": _for(*_OVERSIGHT, reach="own"),
    "DELETE /me/notifications/{}": _for(*_OVERSIGHT, reach="own"),
    "POST /me/notifications/test": _for(*_OVERSIGHT, reach="own"),
}


def route_key(method: str, path: str) -> str:
    """A route's name in the table, as `GET /calls/{}`; `path` is without the API's prefix."""
    return f"{method} {re.sub(r'{[^}]*}', '{}', path)}"
