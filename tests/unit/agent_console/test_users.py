"""Users in the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select

from agent_console import users
from backbone.store import schema
from backbone.store.engine import open_engine, sqlite_url


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder: Path = tmp_path_factory.mktemp("users")
    return open_engine(sqlite_url(folder / "users.sqlite3"))


@pytest.fixture
def connection(engine: Engine):
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def test_a_user_is_verified_by_password(connection: Connection) -> None:
    users.create_user(connection, "wang", "long enough", "lead", now=5.0)
    found = users.verify(connection, "wang", "long enough")
    assert found == users.User(username="wang", role="lead", created_at=5.0)
    assert users.verify(connection, "wang", "Long enough") is None
    assert users.verify(connection, "li", "long enough") is None


def test_the_store_holds_no_password(connection: Connection) -> None:
    users.create_user(connection, "wang", "long enough", "lead", now=5.0)
    stored = connection.scalar(select(schema.users.c.password_hash))
    assert stored is not None
    assert stored.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("", "long enough", "user name"),
        ("a b", "long enough", "user name"),
        ("x" * 65, "long enough", "user name"),
        ("wang", "short", "at least 8"),
    ],
)
def test_what_is_not_acceptable_is_refused_with_its_reason(
    connection: Connection, name: str, password: str, words: str
) -> None:
    with pytest.raises(users.UserError, match=words):
        users.create_user(connection, name, password, "lead", now=0.0)
    assert users.list_users(connection) == []


def test_a_name_is_given_once(connection: Connection) -> None:
    users.create_user(connection, "wang", "long enough", "lead", now=0.0)
    with pytest.raises(users.UserError, match="exists already"):
        users.create_user(connection, "wang", "another one", "lead", now=0.0)


def test_the_first_start_makes_an_admin_without_a_password(connection: Connection) -> None:
    assert users.ensure_admin(connection, now=0.0) == "admin"
    found = users.find_user(connection, "admin")
    assert found is not None
    assert (found.role, found.has_password) == ("admin", False)
    assert users.verify(connection, "admin", "") is None
    assert users.ensure_admin(connection, now=0.0) == "admin"
    users.set_password(connection, "admin", "long enough")
    assert users.ensure_admin(connection, now=0.0) is None


def test_whoever_is_called_admin_does_not_become_one_by_that(connection: Connection) -> None:
    users.create_user(connection, "admin", "long enough", "agent", now=0.0)
    assert users.ensure_admin(connection, now=0.0) == "admin2"
    found = users.find_user(connection, "admin")
    assert found is not None
    assert found.role == "agent"


def test_a_configured_password_is_the_leads_from_then_on(connection: Connection) -> None:
    users.ensure_lead(connection, "the first one", now=0.0)
    users.ensure_lead(connection, "configured one", now=0.0)
    assert users.verify(connection, "lead", "configured one")
    assert users.verify(connection, "lead", "the first one") is None


def test_the_last_admin_stays(connection: Connection) -> None:
    users.create_user(connection, "wang", "long enough", "admin", now=0.0)
    with pytest.raises(users.UserError, match="only admin"):
        users.delete_user(connection, "wang")
    with pytest.raises(users.UserError, match="only admin"):
        users.change_user(connection, "wang", role="lead")
    users.create_user(connection, "li", "long enough", "admin", now=0.0)
    assert users.change_user(connection, "wang", role="lead").role == "lead"


def test_what_is_not_changed_stays(connection: Connection) -> None:
    users.create_user(
        connection, "wang", "long enough", "agent", now=0.0, agent="PJSIP/1001", name="王芳"
    )
    changed = users.change_user(connection, "wang", teams=["b", "a", "b"])
    assert (changed.agent, changed.name, changed.teams) == ("PJSIP/1001", "王芳", ("a", "b"))
    assert users.verify(connection, "wang", "long enough") == changed


def test_a_password_can_be_changed_only_of_somebody(connection: Connection) -> None:
    with pytest.raises(users.UserError, match="no user"):
        users.set_password(connection, "nobody", "long enough")
