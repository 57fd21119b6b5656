"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest
import structlog
from sqlalchemy import Engine

from agent_console import users
from backbone.store import engine as store


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A command that a test runs logs to a stream that ends with it: later tests must not."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def _migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new database begins as a copy of one that has seen all migrations.

    They take longer than most tests. A database that is there already is migrated as ever.
    """
    path = tmp_path_factory.mktemp("store") / "new.sqlite3"
    store.open_engine(store.sqlite_url(path)).dispose()
    new, migrate = path.read_bytes(), store.migrate

    def copy_or_migrate(engine: Engine) -> None:
        file = engine.url.database
        path = Path(file or "")
        new_one = file and path.parent.is_dir() and not path.exists()  # else the real thing tells
        if engine.dialect.name == "sqlite" and new_one:
            path.write_bytes(new)
        migrate(engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "migrate", copy_or_migrate)
        yield


@pytest.fixture(scope="session", autouse=True)
def _passwords_at_little_cost() -> Iterator[None]:
    """Logging in costs an attacker, and tests, a fifth of a second; here nobody attacks."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(users, "_hasher", cheap)
        yield
