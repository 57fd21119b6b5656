"""One-time links that let a user in. Functions take a Connection; times are wall clock seconds.

They are in the store, so that the command line can make one for a server that runs.
"""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import Connection, delete, insert, select

from backbone.store.tables.access import login_links

LINK_S = 3600.0


def issue(connection: Connection, username: str, now: float) -> str:
    """Make a link's token, good once and for an hour."""
    connection.execute(delete(login_links).where(login_links.c.expires_at <= now))
    token = secrets.token_urlsafe(24)
    connection.execute(
        insert(login_links).values(
            digest=_digest(token), username=username, expires_at=now + LINK_S
        )
    )
    return token


def redeem(connection: Connection, token: str, now: float) -> str | None:
    """Whom the token lets in, if it is still good; it is not good any more afterwards."""
    mine = login_links.c.digest == _digest(token)
    row = connection.execute(select(login_links).where(mine)).first()
    # Of two at the same time, the row goes for one only.
    if row is None or not connection.execute(delete(login_links).where(mine)).rowcount:
        return None
    return row.username if row.expires_at > now else None


def path(token: str) -> str:
    """What follows the page's address; behind `#` it reaches neither a log nor another site."""
    return f"/#t={token}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
