"""Opening the database: SQLite in WAL mode unless a URL says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Engine, create_engine, event

_MIGRATIONS = Path(__file__).parent / "migrations"


def sqlite_url(path: Path) -> URL:
    """The URL of a database file."""
    return URL.create("sqlite", database=str(path))


def open_engine(url: URL | str) -> Engine:
    """Open a database and bring its schema up to date.

    Raises:
        sqlalchemy.exc.OperationalError: the file cannot be opened or is no database.
    """
    # What a statement was about is personal: no error may carry it into a log.
    engine = create_engine(url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
    migrate(engine)
    return engine


def migrate(engine: Engine) -> None:
    """Run the migrations that this database has not seen."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # WAL lets pages be read while calls are written; FULL makes a commit survive a power cut.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=5000",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
