"""Sessions in the store, so that a restart logs nobody out. Functions take a Connection.

Times are wall clock seconds here: a monotonic clock begins anew with each process.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select, update

from agent_console.sessions import Session, SessionStore
from backbone.store.schema import sessions, users


def add(connection: Connection, session: Session, wall: float) -> None:
    """Store a session that has just begun."""
    connection.execute(
        insert(sessions).values(
            session_id=session.id,
            username=session.username,
            used_at=wall,
            opened_at=session.opened_at,
            via=session.via,
            device=session.device,
        )
    )


def remove(connection: Connection, session_id: str) -> None:
    """Forget a session that has ended."""
    connection.execute(delete(sessions).where(sessions.c.session_id == session_id))


def save(connection: Connection, idle: Iterable[tuple[str, float]], wall: float) -> None:
    """Note how long each living session was unused, and forget all others."""
    known = dict(idle)
    connection.execute(delete(sessions).where(sessions.c.session_id.not_in(list(known))))
    for session_id, idle_s in known.items():
        connection.execute(
            update(sessions)
            .where(sessions.c.session_id == session_id)
            .values(used_at=wall - idle_s)
        )


def restore(connection: Connection, store: SessionStore, wall: float) -> None:
    """Bring back the sessions of users who still exist; one unused for too long ends at once."""
    query = (
        select(sessions, users.c.role)
        .join(users, users.c.username == sessions.c.username)
        .order_by(sessions.c.used_at)
    )
    for row in connection.execute(query):
        session = Session(
            row.session_id, row.username, row.role, 0.0, row.opened_at, row.via, row.device
        )
        store.restore(session, idle_s=max(0.0, wall - row.used_at))
