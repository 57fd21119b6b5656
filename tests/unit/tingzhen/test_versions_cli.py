"""`tingzhen rules versions`: what each edit changed, by rule and by part of the guidance."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from backbone.store.engine import open_engine, sqlite_url
from qa_engine.events import RulesVersioned
from qa_engine.versions import PROJECTIONS
from tingzhen.cli import app


def put(connection, pack, digest, **rules):
    event = RulesVersioned(
        at=1.0, pack=pack, version="1", digest=digest, files={"x.yaml": digest}, rules=rules
    )
    PROJECTIONS[RulesVersioned][0](connection, 1, event)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("TINGZHEN_DATA_DIR", str(tmp_path))
    engine = open_engine(sqlite_url(tmp_path / "tingzhen.sqlite3"))
    with engine.begin() as connection:
        put(connection, "ours", "a", taboo="1", quiet="1")
        put(connection, "ours/guidance", "b", **{"topic/refund": "1"})
        put(connection, "ours", "c", taboo="2", new="1")
        put(connection, "ours/guidance", "d", **{"topic/refund": "2"})
    yield engine
    engine.dispose()


def versions(*options):
    return CliRunner().invoke(app, ["rules", "versions", *options])


def test_each_version_says_what_it_changed(store):  # noqa: ARG001 - made by it
    result = versions()
    assert result.exit_code == 0
    guidance, rules, first_guidance, first = result.stdout.splitlines()
    assert guidance.endswith("ours/guidance 1 d x.yaml ~topic/refund")
    assert rules.endswith("ours 1 c x.yaml +new -quiet ~taboo")
    # Of the first of each kind everything is new, and nothing is worth listing.
    assert first_guidance.endswith("b x.yaml")
    assert first.endswith("a x.yaml")
    lines = [json.loads(line) for line in versions("--json").stdout.splitlines()]
    assert [line["changed"] for line in lines] == [["topic/refund"], ["taboo"], [], []]
    assert all(line["whole"] for line in lines)


def test_an_edited_row_is_told(store):
    with store.begin() as connection:
        connection.execute(text("UPDATE rule_versions SET rules = '{}' WHERE number = 3"))
    result = versions()
    assert result.exit_code == 1
    assert result.stdout.count("链断开") == 2
