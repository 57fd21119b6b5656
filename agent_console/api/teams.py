"""Teams: which queues and agents a lead looks after."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from agent_console import teams
from agent_console.access import Context, Who
from agent_console.api.users import note
from agent_console.problems import Problem

router = APIRouter(prefix="/teams", tags=["users"])

TeamName = Annotated[str, Path(min_length=1, max_length=64, pattern=r"\S")]
_Names = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=1000)
]


class TeamBody(BaseModel):
    """`queues` by name, `agents` by interface (`PJSIP/1001`)."""

    queues: _Names = []
    agents: _Names = []


class TeamView(TeamBody):
    """A team."""

    team: str


@router.get("")
async def list_teams(who: Who, context: Context) -> list[TeamView]:
    """All teams by name; those of a user who has some are these only."""

    def read() -> list[teams.Team]:
        with context.engine.connect() as connection:
            return teams.list_teams(connection)

    return [
        TeamView(team=team.team, queues=list(team.queues), agents=list(team.agents))
        for team in await asyncio.to_thread(read)
        if not who.user.teams or team.team in who.user.teams
    ]


@router.put("/{team}")
async def put_team(who: Who, context: Context, team: TeamName, body: TeamBody) -> TeamView:
    """Make a team, or say anew what it is made of."""
    made = teams.Team(team=team, queues=tuple(body.queues), agents=tuple(body.agents))

    def write() -> None:
        with context.engine.begin() as connection:
            teams.put_team(connection, made)

    await asyncio.to_thread(write)
    context.hub.refresh_team(team)
    await note(context, who, "team_changed", team, "")
    return TeamView(team=team, queues=body.queues, agents=body.agents)


@router.delete("/{team}", status_code=204)
async def delete_team(who: Who, context: Context, team: TeamName) -> None:
    """Remove a team that no user has."""

    def write() -> bool:
        with context.engine.begin() as connection:
            return teams.delete_team(connection, team)

    try:
        found = await asyncio.to_thread(write)
    except teams.TeamInUseError as error:
        raise Problem(409, "team_in_use", str(error)) from None
    if not found:
        raise Problem(404, "not_found", "There is no such team.")
    await note(context, who, "team_deleted", team, "")
