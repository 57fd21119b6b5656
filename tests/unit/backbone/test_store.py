"""The schema and the migrations say the same."""

import alembic.autogenerate
import alembic.migration
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from backbone.store.engine import migrate, open_engine, sqlite_url
from backbone.store.tables import metadata


def test_migrations_give_the_schema_and_can_run_twice(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "t.sqlite3"))
    migrate(engine)
    with engine.connect() as connection:
        context = alembic.migration.MigrationContext.configure(connection)
        assert alembic.autogenerate.compare_metadata(context, metadata) == []
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
    engine.dispose()


def test_an_error_of_the_store_tells_nobodys_data(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "t.sqlite3"))
    with pytest.raises(OperationalError) as refused, engine.connect() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:number)"), {"number": "13900001234"})
    assert "13900001234" not in str(refused.value)
    engine.dispose()
