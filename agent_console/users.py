"""Who may log in: the `users` table and argon2 over it. Functions take a Connection."""

from __future__ import annotations

import functools
import re
import secrets
from typing import Literal, get_args

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, func, insert, select, update

from backbone.store.schema import sessions, users

Role = Literal["lead"]
ROLES: tuple[Role, ...] = get_args(Role)
MIN_PASSWORD = 8
FIRST_USER = "lead"

_USERNAME = re.compile(r"[\w.@-]{1,64}")
_hasher = PasswordHasher()


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may log in."""

    username: str
    role: Role
    created_at: float
    extension: str = ""
    """The user's own phone, as `PJSIP/1010`: what rings when the user listens in."""


class UserError(ValueError):
    """A user that cannot be created as asked; the message says why."""


def create_user(
    connection: Connection, username: str, password: str, role: Role, *, now: float
) -> User:
    """Add a user.

    Raises:
        UserError: name or password are not acceptable, or the name is taken.
    """
    if not _USERNAME.fullmatch(username):
        raise UserError("a user name has 1 to 64 letters, digits, '.', '_', '@' or '-'")
    if role not in ROLES:
        raise UserError(f"unknown role {role!r}; known are {', '.join(ROLES)}")
    if _find(connection, username) is not None:
        raise UserError(f"user {username} exists already")
    connection.execute(
        insert(users).values(
            username=username, password_hash=_hash(password), role=role, created_at=now
        )
    )
    return User(username=username, role=role, created_at=now)


def set_password(connection: Connection, username: str, password: str) -> None:
    """Change a user's password; stored sessions of this user end.

    Raises:
        UserError: no such user, or the password is too short.
    """
    changed = connection.execute(
        update(users).where(users.c.username == username).values(password_hash=_hash(password))
    )
    if not changed.rowcount:
        raise UserError(f"no user {username}")
    connection.execute(delete(sessions).where(sessions.c.username == username))


def set_extension(connection: Connection, username: str, extension: str) -> None:
    """Change which phone rings when this user listens in; empty for none.

    Raises:
        UserError: no such user.
    """
    changed = connection.execute(
        update(users).where(users.c.username == username).values(extension=extension)
    )
    if not changed.rowcount:
        raise UserError(f"no user {username}")


def find_user(connection: Connection, username: str) -> User | None:
    """One user; None when there is no such."""
    row = _find(connection, username)
    return None if row is None else _user(row)


def verify(connection: Connection, username: str, password: str) -> User | None:
    """The user, if that is the password. Takes about as long when there is no such user."""
    row = _find(connection, username)
    try:
        _hasher.verify(row.password_hash if row else _nobody(), password)
    except (VerificationError, InvalidHashError):
        return None
    return _user(row) if row else None


def list_users(connection: Connection) -> list[User]:
    """All users by name."""
    return [
        _user(_Row(**row))
        for row in connection.execute(select(users).order_by(users.c.username)).mappings()
    ]


def ensure_lead(connection: Connection, password: str | None, *, now: float) -> str | None:
    """See to it that somebody can log in.

    With a `password`, user `lead` has it afterwards. Without one, and without any user, `lead`
    is created with a random password, which is returned to be shown once.

    Raises:
        UserError: the password is too short.
    """
    if password is not None:
        existing = _find(connection, FIRST_USER)
        if existing is None:
            create_user(connection, FIRST_USER, password, "lead", now=now)
        elif verify(connection, FIRST_USER, password) is None:
            set_password(connection, FIRST_USER, password)
        return None
    if connection.scalar(select(func.count()).select_from(users)):
        return None
    made_up = secrets.token_urlsafe(12)
    create_user(connection, FIRST_USER, made_up, "lead", now=now)
    return made_up


def _find(connection: Connection, username: str) -> _Row | None:
    query = select(users).where(users.c.username == username)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _Row(**row)


class _Row(msgspec.Struct, frozen=True):
    username: str
    password_hash: str
    role: Role
    created_at: float
    extension: str


def _user(row: _Row) -> User:
    return User(
        username=row.username,
        role=row.role,
        created_at=row.created_at,
        extension=row.extension,
    )


def _hash(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise UserError(f"a password has at least {MIN_PASSWORD} characters")
    return _hasher.hash(password)


@functools.cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe())
