"""Addresses and quiet hours of users, in the store. Functions take a Connection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select

from agent_console.work.notify.plan import QuietHours, Target
from agent_console.work.notify.webpush import SCHEME, Subscription
from agent_console.work.secrets import Keyring, SealError
from backbone.ids import new_id
from backbone.store.rows import replace_row
from backbone.store.tables.work import notify_hours, notify_targets
from qa_engine.events import Severity

MOST_TARGETS = 20
USUAL_SEVERITIES: tuple[Severity, ...] = ("high", "critical")


@dataclass(frozen=True, slots=True)
class StoredTarget:
    """One address as its owner sees it again: without the address."""

    target_id: str
    name: str
    scheme: str
    severities: tuple[Severity, ...]


@dataclass(frozen=True, slots=True)
class NewTarget:
    """One address to be kept. Without `url`, `target_id` says which known one stays."""

    target_id: str
    name: str
    scheme: str
    url: str
    severities: tuple[Severity, ...]


class UnknownTargetError(LookupError):
    """No such address of this user."""


class TooManyTargetsError(ValueError):
    """A user has `MOST_TARGETS` addresses already."""


def targets_of(connection: Connection, username: str) -> list[StoredTarget]:
    """A user's addresses, oldest first."""
    query = (
        select(notify_targets)
        .where(notify_targets.c.username == username)
        .order_by(notify_targets.c.at, notify_targets.c.target_id)
    )
    return [
        StoredTarget(row.target_id, row.name, row.scheme, _severities(row.severities))
        for row in connection.execute(query)
    ]


def quiet_of(connection: Connection, username: str) -> QuietHours | None:
    """A user's quiet hours; None when there are none."""
    row = connection.execute(
        select(notify_hours).where(notify_hours.c.username == username)
    ).first()
    return None if row is None else _hours(row.quiet_from, row.quiet_until)


def replace(
    connection: Connection,
    keyring: Keyring,
    username: str,
    targets: Sequence[NewTarget],
    quiet: QuietHours | None,
    *,
    now: float,
) -> None:
    """Put these addresses and quiet hours in place of all that a user had.

    Raises:
        UnknownTargetError: an address that should stay is not there.
    """
    mine = notify_targets.c.username == username
    query = select(notify_targets).where(mine)
    known = {row["target_id"]: dict(row) for row in connection.execute(query).mappings()}
    rows = []
    for position, target in enumerate(targets):
        old = known.get(target.target_id)
        if target.target_id and old is None:
            raise UnknownTargetError
        if old is None or target.url:
            sealed, scheme = keyring.seal(target.url), target.scheme
        else:
            sealed, scheme = old["sealed"], old["scheme"]
        rows.append(
            {
                "target_id": target.target_id or new_id(),
                "username": username,
                "name": target.name,
                "scheme": scheme,
                "sealed": sealed,
                "severities": msgspec.json.encode(target.severities).decode(),
                "at": now + position * 1e-3,  # keeps their order
            }
        )
    connection.execute(delete(notify_targets).where(mine))
    if rows:
        connection.execute(insert(notify_targets), rows)
    if quiet is None:
        connection.execute(delete(notify_hours).where(notify_hours.c.username == username))
    else:
        row = {
            "username": username,
            "quiet_from": quiet.start.strftime("%H:%M"),
            "quiet_until": quiet.end.strftime("%H:%M"),
        }
        replace_row(connection, notify_hours, row)


def subscribe(
    connection: Connection,
    keyring: Keyring,
    username: str,
    name: str,
    subscription: Subscription,
    *,
    now: float,
) -> str:
    """Take in a user's browser; returns its target's id, the same each time for the same browser.

    A browser that was somebody else's is this user's afterwards. What the user has set stays.

    Raises:
        TooManyTargetsError: the user has as many as one may have.
    """
    target_id = keyring.pseudonym(subscription.endpoint)
    query = select(notify_targets).where(notify_targets.c.target_id == target_id)
    known = connection.execute(query).mappings().first()
    mine = known is not None and known["username"] == username
    if not mine and len(targets_of(connection, username)) >= MOST_TARGETS:
        raise TooManyTargetsError
    row: dict[str, Any] = {
        "target_id": target_id,
        "username": username,
        "name": name,
        "scheme": SCHEME,
        "sealed": keyring.seal(subscription.address()),
        "severities": msgspec.json.encode(USUAL_SEVERITIES).decode(),
        "at": now,
    }
    if known is not None and mine:
        row |= {column: known[column] for column in ("name", "severities", "at")}
    replace_row(connection, notify_targets, row)
    return target_id


def forget(connection: Connection, target_id: str, username: str | None = None) -> bool:
    """Remove one address, only if it is this user's where one is given; whether it was there."""
    chosen = notify_targets.c.target_id == target_id
    if username is not None:
        chosen &= notify_targets.c.username == username
    return bool(connection.execute(delete(notify_targets).where(chosen)).rowcount)


def all_targets(connection: Connection) -> dict[str, tuple[tuple[Target, ...], QuietHours | None]]:
    """Everybody's addresses and quiet hours, by user name."""
    targets: dict[str, list[Target]] = defaultdict(list)
    query = select(notify_targets).order_by(notify_targets.c.at, notify_targets.c.target_id)
    for row in connection.execute(query):
        target = Target(row.target_id, row.username, frozenset(_severities(row.severities)))
        targets[row.username].append(target)
    hours = {
        row.username: _hours(row.quiet_from, row.quiet_until)
        for row in connection.execute(select(notify_hours))
    }
    return {user: (tuple(mine), hours.get(user)) for user, mine in targets.items()}


def address(connection: Connection, keyring: Keyring, target_id: str) -> tuple[str, str] | None:
    """The scheme and URL of an address; None when it is gone or cannot be opened."""
    row = connection.execute(
        select(notify_targets.c.scheme, notify_targets.c.sealed).where(
            notify_targets.c.target_id == target_id
        )
    ).first()
    if row is None:
        return None
    try:
        return row.scheme, keyring.open(row.sealed)
    except SealError:
        return None


def _hours(start: str, end: str) -> QuietHours:
    return QuietHours(time.fromisoformat(start), time.fromisoformat(end))


def _severities(raw: str) -> tuple[Severity, ...]:
    return msgspec.json.decode(raw, type=tuple[Severity, ...])
