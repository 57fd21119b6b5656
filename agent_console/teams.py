"""Teams: which queues and agents belong together. Functions take a Connection."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, select

from agent_console.scope import EVERYTHING, Scope
from agent_console.users import User, UserError, list_users
from backbone.store.rows import replace_row
from backbone.store.tables.access import teams

_decode = msgspec.json.Decoder(tuple[str, ...]).decode


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """`queues` by name, `agents` by interface (`PJSIP/1001`)."""

    team: str
    queues: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


class TeamInUseError(UserError):
    """Somebody's view is made of it."""


def list_teams(connection: Connection) -> list[Team]:
    """All teams by name."""
    rows = connection.execute(select(teams).order_by(teams.c.team))
    return [
        Team(team=row.team, queues=_decode(row.queues), agents=_decode(row.agents)) for row in rows
    ]


def put_team(connection: Connection, team: Team) -> None:
    """Make a team, or change it.

    Raises:
        UserError: it has no name.
    """
    if not team.team.strip():
        raise UserError("a team has a name")
    replace_row(
        connection,
        teams,
        {
            "team": team.team,
            "queues": msgspec.json.encode(sorted(set(team.queues))).decode(),
            "agents": msgspec.json.encode(sorted(set(team.agents))).decode(),
        },
    )


def delete_team(connection: Connection, name: str) -> bool:
    """Remove a team; tells whether there was one.

    Raises:
        TeamInUseError: a user has it. Taken from the user silently, the last team of a list would
            leave an empty one, which stands for all calls.
    """
    holders = [user.username for user in list_users(connection) if name in user.teams]
    if holders:
        raise TeamInUseError(f"team {name} is still given to {', '.join(holders)}")
    return bool(connection.execute(delete(teams).where(teams.c.team == name)).rowcount)


def scope_of(user: User, known: list[Team]) -> Scope:
    """Which calls a user may see.

    An agent sees the agent's own calls. Everybody else sees those of the given teams, and all
    where none is given. A team that does not exist adds nothing.
    """
    if user.role == "agent":
        return Scope(agents=frozenset({user.agent} - {""}))
    if not user.teams:
        return EVERYTHING
    mine = [team for team in known if team.team in user.teams]
    return Scope(
        queues=frozenset(queue for team in mine for queue in team.queues),
        agents=frozenset(agent for team in mine for agent in team.agents),
    )
