"""Who may log in: the `users` table and argon2 over it. Functions take a Connection."""

from __future__ import annotations

import functools
import itertools
import re
import secrets
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, select, update

from agent_console.permissions import ROLES, Role
from backbone.store.schema import sessions, users
from backbone.store.tables.access import login_links

Language = Literal["zh", "en"]
MIN_PASSWORD = 8
LEAD = "lead"
ADMIN = "admin"

_USERNAME = re.compile(r"[\w.@-]{1,64}")
_hasher = PasswordHasher()


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may log in."""

    username: str
    role: Role
    created_at: float
    name: str = ""
    """As colleagues call this person."""
    agent: str = ""
    """Of the role agent: the member's interface, as `PJSIP/1001`."""
    teams: tuple[str, ...] = ()
    """Whose calls this user sees; empty stands for all, except for agents."""
    extension: str = ""
    """The user's own phone, as `PJSIP/1010`: what rings when the user listens in."""
    language: Language | None = None
    """None: not chosen yet; the first browser that the user comes in with says it then."""
    has_password: bool = True
    password_due: bool = False
    """Who comes in by a one-time link has to choose a password first."""
    subject: str | None = None
    """Who this is at the identity provider, if that lets this user in."""


class UserError(ValueError):
    """A user or team that cannot be made as asked; the message says why."""


class UnknownUserError(UserError):
    """There is no such user."""


class UserTakenError(UserError):
    """There is such a user already."""


def create_user(
    connection: Connection,
    username: str,
    password: str | None,
    role: Role,
    *,
    now: float,
    **details: Any,
) -> User:
    """Add a user.

    Args:
        connection: in a transaction.
        username: 1 to 64 letters, digits, `.`, `_`, `@`, `-`.
        password: None lets nobody in by password; a one-time link does, or an identity provider.
        role: what the user may do.
        now: seconds since the epoch.
        details: further fields of `User`.

    Raises:
        UserError: name or password are not acceptable, or the name is taken.
    """
    if not _USERNAME.fullmatch(username):
        raise UserError("a user name has 1 to 64 letters, digits, '.', '_', '@' or '-'")
    _check_role(role)
    if _find(connection, username) is not None:
        raise UserTakenError(f"user {username} exists already")
    connection.execute(
        insert(users).values(
            username=username,
            password_hash="" if password is None else _hash(password),
            role=role,
            created_at=now,
            **_columns(details),
        )
    )
    return _existing(connection, username)


def change_user(connection: Connection, username: str, **changes: Any) -> User:
    """Change fields of a user; a changed role ends the user's stored sessions.

    Raises:
        UserError: no such user, an unknown role, or nobody would be admin any more.
    """
    user = _existing(connection, username)
    role = changes.get("role", user.role)
    _check_role(role)
    if role != user.role:
        if user.role == ADMIN:
            _keep_an_admin(connection, username)
        _end_sessions(connection, username)
    if changes:
        connection.execute(
            update(users).where(users.c.username == username).values(**_columns(changes))
        )
    return _existing(connection, username)


def delete_user(connection: Connection, username: str) -> None:
    """Remove a user with the user's sessions and links.

    Raises:
        UserError: no such user, or nobody would be admin any more.
    """
    if _existing(connection, username).role == ADMIN:
        _keep_an_admin(connection, username)
    _end_sessions(connection, username)
    connection.execute(delete(login_links).where(login_links.c.username == username))
    connection.execute(delete(users).where(users.c.username == username))


def set_password(connection: Connection, username: str, password: str) -> None:
    """Change a user's password; stored sessions of this user end.

    Raises:
        UserError: no such user, or the password is too short.
    """
    changed = connection.execute(
        update(users)
        .where(users.c.username == username)
        .values(password_hash=_hash(password), password_due=False)
    )
    if not changed.rowcount:
        raise UnknownUserError(f"no user {username}")
    _end_sessions(connection, username)


def require_password(connection: Connection, username: str) -> None:
    """Have this user choose a password at the next login by a link, before anything else.

    Raises:
        UserError: no such user.
    """
    change_user(connection, username, password_due=True)


def set_extension(connection: Connection, username: str, extension: str) -> None:
    """Change which phone rings when this user listens in; empty for none.

    Raises:
        UserError: no such user.
    """
    changed = connection.execute(
        update(users).where(users.c.username == username).values(extension=extension)
    )
    if not changed.rowcount:
        raise UnknownUserError(f"no user {username}")


def find_user(connection: Connection, username: str) -> User | None:
    """One user; None when there is no such."""
    row = _find(connection, username)
    return None if row is None else _user(row)


def verify(connection: Connection, username: str, password: str) -> User | None:
    """The user, if that is the password. Takes about as long when there is no such user."""
    row = _find(connection, username)
    known = row["password_hash"] if row else ""
    try:
        _hasher.verify(known or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return None
    return _user(row) if row and known else None


def find_by_subject(connection: Connection, subject: str) -> User | None:
    """Who this is, of those whom the identity provider lets in."""
    query = select(users).where(users.c.subject == subject)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _user(row)


def list_users(connection: Connection) -> list[User]:
    """All users by name."""
    rows = connection.execute(select(users).order_by(users.c.username)).mappings()
    return [_user(row) for row in rows]


def ensure_lead(connection: Connection, password: str, *, now: float) -> None:
    """See to it that user `lead` has this password afterwards.

    Raises:
        UserError: the password is too short.
    """
    if _find(connection, LEAD) is None:
        create_user(connection, LEAD, password, "lead", now=now)
    elif verify(connection, LEAD, password) is None:
        set_password(connection, LEAD, password)


def ensure_admin(connection: Connection, *, now: float) -> str | None:
    """See to it that there is an admin.

    Returns:
        Who needs a one-time link to come in, because no admin has a password or an identity
        provider yet; None when somebody can.
    """
    admins = [user for user in list_users(connection) if user.role == ADMIN]
    if any(user.has_password or user.subject is not None for user in admins):
        return None
    if admins:
        require_password(connection, admins[0].username)
        return admins[0].username
    names = itertools.chain([ADMIN], (f"{ADMIN}{number}" for number in itertools.count(2)))
    free = next(name for name in names if _find(connection, name) is None)
    return create_user(connection, free, None, "admin", now=now, password_due=True).username


def _find(connection: Connection, username: str) -> RowMapping | None:
    query = select(users).where(users.c.username == username)
    return connection.execute(query).mappings().one_or_none()


def _existing(connection: Connection, username: str) -> User:
    row = _find(connection, username)
    if row is None:
        raise UnknownUserError(f"no user {username}")
    return _user(row)


def _user(row: RowMapping) -> User:
    return User(
        username=row["username"],
        role=row["role"],
        created_at=row["created_at"],
        name=row["name"],
        agent=row["agent"],
        teams=msgspec.json.decode(row["teams"], type=tuple[str, ...]),
        extension=row["extension"],
        language=row["language"] or None,
        password_due=row["password_due"],
        has_password=bool(row["password_hash"]),
        subject=row["subject"],
    )


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    columns = dict(fields)
    if "teams" in columns:
        columns["teams"] = msgspec.json.encode(sorted(set(columns["teams"]))).decode()
    return columns


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UserError(f"unknown role {role!r}; known are {', '.join(ROLES)}")


def _keep_an_admin(connection: Connection, but: str) -> None:
    others: ColumnElement[bool] = (users.c.role == ADMIN) & (users.c.username != but)
    if not connection.scalar(select(func.count()).select_from(users).where(others)):
        raise UserError(f"{but} is the only admin: make another one first")


def _end_sessions(connection: Connection, username: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.username == username))


def _hash(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise UserError(f"a password has at least {MIN_PASSWORD} characters")
    return _hasher.hash(password)


@functools.cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe())
