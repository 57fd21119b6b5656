"""What the command line does for the console."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent_console import links, users
from backbone.errors import UserError
from backbone.store.engine import open_engine, sqlite_url
from tingzhen.cli import app

run = CliRunner().invoke


def test_the_description_of_the_api_is_whole_and_needs_no_server() -> None:
    document = json.loads(run(app, ["console", "openapi"]).stdout)
    assert document["openapi"].startswith("3.")
    assert "/api/v1/calls/{call_id}" in document["paths"]


def test_a_link_made_on_the_command_line_lets_its_user_in_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINGZHEN_DATA_DIR", str(tmp_path))
    engine = open_engine(sqlite_url(tmp_path / "tingzhen.sqlite3"))
    with engine.begin() as connection:
        users.ensure_admin(connection, now=0.0)
    done = run(app, ["console", "link", "admin"])
    assert done.exit_code == 0
    token = done.stdout.strip().partition("#t=")[2]
    with engine.begin() as connection:
        assert links.redeem(connection, token, time.time()) == "admin"
        assert links.redeem(connection, token, time.time()) is None
    unknown = run(app, ["console", "link", "nobody"])
    assert isinstance(unknown.exception, UserError)
    assert "known are: admin" in str(unknown.exception)
    engine.dispose()
