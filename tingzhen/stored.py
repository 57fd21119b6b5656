"""Commands that look at what a node has stored: the store opened for reading, or a clear no."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from backbone.errors import UserError
from backbone.store.engine import open_engine
from tingzhen.settings import Settings


@contextlib.contextmanager
def reading_store(settings: Settings) -> Iterator[Connection]:
    """Connect to a node's store, which must exist.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    url = settings.store_url
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise UserError(
            f"there is no store at {url.database}; name the node's settings by --config"
        )
    try:
        engine = open_engine(url)
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        raise UserError(f"cannot read the store {url.render_as_string()}: {reason}") from error
