"""What holds for all tests."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest
import structlog
from hypothesis import settings
from sqlalchemy import Engine

from agent_console import users
from backbone.store import engine as store
from qa_engine.pack import loader, reading
from qa_engine.pack.compiled import File, Pack
from qa_engine.pack.problems import Problem

settings.register_profile("any-machine", deadline=None)  # tests state what, not how fast
settings.load_profile("any-machine")


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
def _rules_read_once() -> Iterator[None]:
    """The rules that come with the program take seconds to compile; here nobody edits them.

    Other packs are compiled as ever, though a file of theirs with the same words is parsed once.
    """
    load = loader._load
    default: list[tuple[Pack | None, list[File], list[Problem]]] = []

    def load_or_recall(path: Path) -> tuple[Pack | None, list[File], list[Problem]]:
        if path != loader.DEFAULT_PACK:
            return load(path)
        if not default:
            default.append(load(path))
        ((pack, files, problems),) = default
        return pack, list(files), list(problems)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "_load", load_or_recall)
        patch.setattr(reading, "_parse", functools.lru_cache(maxsize=128)(reading._parse))
        yield


@pytest.fixture(scope="session", autouse=True)
def _passwords_at_little_cost() -> Iterator[None]:
    """Logging in costs an attacker, and tests, a fifth of a second; here nobody attacks."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(users, "_hasher", cheap)
        yield
