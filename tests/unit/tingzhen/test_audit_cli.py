"""`tingzhen audit verify`: whole, broken, and no store at all."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from backbone import audit
from backbone.store.engine import open_engine, sqlite_url
from tingzhen.cli import app


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("TINGZHEN_DATA_DIR", str(tmp_path))
    engine = open_engine(sqlite_url(tmp_path / "tingzhen.sqlite3"))
    with engine.begin() as connection:
        for number in (1, 2, 3):
            entry = audit.AuditEntry(
                at=float(number),
                entry_id=str(number),
                who="lead",
                role="lead",
                action="hangup",
                target="PJSIP/1001-1",
                done=True,
                answer="Channel Hungup",
            )
            audit.PROJECTIONS[audit.AuditEntry][0](connection, number, entry)
    yield engine
    engine.dispose()


def verify():
    result = CliRunner().invoke(app, ["audit", "verify", "--json"])
    return result.exit_code, json.loads(result.stdout) if result.stdout else {}


def test_a_whole_chain_is_said_to_be_so_with_its_head(store):  # noqa: ARG001 - made by it
    code, line = verify()
    assert code == 0
    assert (line["type"], line["whole"], line["rows"]) == ("audit", True, 3)
    assert len(line["head"]) == 64


def test_broken_chain_is_found_and_told(store):
    with store.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET who = 'nobody' WHERE number = 2"))
    code, line = verify()
    assert code == 1
    assert (line["whole"], line["broken"], line["reason"]) == (False, 2, "row 2 was changed")
    shown = CliRunner().invoke(app, ["audit", "verify"])
    assert "第 2 行" in shown.stdout


def test_no_store_is_the_users_to_mend(tmp_path, monkeypatch):
    monkeypatch.setenv("TINGZHEN_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(app, ["audit", "verify"])
    assert "no store" in str(result.exception)
    assert not list(tmp_path.iterdir())
