"""Users: who may come in, as what, and the one-time links that let them in first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from agent_console import links, users
from agent_console.access import Context, Who
from agent_console.api.writing import entry
from agent_console.context import ConsoleContext
from agent_console.permissions import Role
from agent_console.problems import Problem
from agent_console.users import Language, User
from agent_console.viewer import Viewer

router = APIRouter(prefix="/users", tags=["users"])

Username = Annotated[str, Path(max_length=64)]
_Names = Annotated[list[Annotated[str, Field(max_length=128)]], Field(max_length=200)]
T = TypeVar("T")


class UserView(BaseModel):
    """A user as others see it; `created_at` in seconds since the epoch."""

    username: str
    role: Role
    name: str
    agent: str
    teams: tuple[str, ...]
    extension: str
    language: Language | None
    has_password: bool
    by_provider: bool
    created_at: float


class Details(BaseModel):
    """What can be said of a user beside name and role. `agent` is a member's interface."""

    name: str | None = Field(None, max_length=64)
    agent: str | None = Field(None, max_length=128)
    teams: _Names | None = None
    extension: str | None = Field(None, max_length=80)
    language: Language | None = None


class NewUser(Details):
    """A user to be. Without a password only a link, or an identity provider, lets the user in."""

    username: str = Field(min_length=1, max_length=64)
    role: Role
    password: str | None = Field(None, max_length=256)


class Change(Details):
    """What is to change; what is left out stays."""

    role: Role | None = None


class Link(BaseModel):
    """A way in, good once; `path` follows the page's address."""

    path: str
    expires_in_s: float


@router.get("")
async def list_users(context: Context) -> list[UserView]:
    """All users by name."""
    return [_view(user) for user in await _read(context, users.list_users)]


@router.post("", status_code=201)
async def create_user(who: Who, context: Context, body: NewUser) -> UserView:
    """Add a user."""
    _may_make(who, body.role)
    details = body.model_dump(exclude={"username", "role", "password"}, exclude_none=True)
    now = context.clock.time()
    async with context.hashing:
        user = await _write(
            context,
            lambda connection: users.create_user(
                connection, body.username, body.password, body.role, now=now, **details
            ),
        )
    await note(context, who, "user_created", user.username, user.role)
    return _view(user)


@router.patch("/{username}")
async def change_user(who: Who, context: Context, username: Username, body: Change) -> UserView:
    """Change a user. The user's page comes back with what it may see now."""
    await _may_touch(who, context, username)
    if body.role is not None:
        _may_make(who, body.role)
    changes = body.model_dump(exclude_none=True)
    before = await _read(context, lambda connection: users.find_user(connection, username))
    user = await _write(
        context, lambda connection: users.change_user(connection, username, **changes)
    )
    if before is not None and before.role != user.role:
        context.close_sessions(username)
    else:
        context.hub.refresh_user(username)
    await note(context, who, "user_changed", username, " ".join(sorted(changes)))
    return _view(user)


@router.delete("/{username}", status_code=204)
async def delete_user(who: Who, context: Context, username: Username) -> None:
    """Remove a user; the user is logged out everywhere."""
    await _may_touch(who, context, username)
    await _write(context, lambda connection: users.delete_user(connection, username))
    context.close_sessions(username)
    await note(context, who, "user_deleted", username, "")


@router.post("/{username}/link")
async def make_link(who: Who, context: Context, username: Username) -> Link:
    """Make a one-time link for a user who is new, or has forgotten the password."""
    await _may_touch(who, context, username)

    def issue(connection: Connection) -> str:
        users.require_password(connection, username)
        return links.issue(connection, username, time.time())

    token = await _write(context, issue)
    await note(context, who, "link_made", username, "")
    return Link(path=links.path(token), expires_in_s=links.LINK_S)


async def note(context: ConsoleContext, who: Viewer, action: str, target: str, answer: str) -> None:
    """Write into the audit chain what was changed."""
    await context.bus.publish(entry(context, who, action, target, answer))


def _may_make(who: Viewer, role: Role) -> None:
    if role == "admin" and who.role != "admin":
        raise Problem(403, "not_permitted", "Only an admin makes another one.")


async def _may_touch(who: Viewer, context: ConsoleContext, username: str) -> None:
    user = await _read(context, lambda connection: users.find_user(connection, username))
    if user is None:
        raise Problem(404, "not_found", "There is no such user.")
    if user.role == "admin" and who.role != "admin":
        raise Problem(403, "not_permitted", "Only an admin changes another one.")


async def _read(context: ConsoleContext, work: Callable[[Connection], T]) -> T:
    def read() -> T:
        with context.engine.connect() as connection:
            return work(connection)

    return await asyncio.to_thread(read)


async def _write(context: ConsoleContext, work: Callable[[Connection], T]) -> T:
    def write() -> T:
        with context.engine.begin() as connection:
            return work(connection)

    try:
        return await asyncio.to_thread(write)
    except users.UnknownUserError:
        raise Problem(404, "not_found", "There is no such user.") from None
    except users.UserTakenError as error:
        raise Problem(409, "user_exists", str(error)) from None
    except users.UserError as error:
        raise Problem(422, "invalid_request", str(error)) from None


def _view(user: User) -> UserView:
    known: dict[str, Any] = {
        name: getattr(user, name) for name in UserView.model_fields if name != "by_provider"
    }
    return UserView(by_provider=user.subject is not None, **known)
