"""The made-up month that consoles are measured on: written once, kept, and asked everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from backbone.errors import UserError
from backbone.store.schema import calls
from tingzhen.cli import app
from tingzhen.past.people import known_callers
from tingzhen.past.questions import measure
from tingzhen.past.store import PastStore, kept_or_made

CALLS = 300


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> PastStore:
    with kept_or_made(tmp_path_factory.mktemp("past") / "kept", CALLS, lambda *_: None) as store:
        return store


def nothing_written(*_: object) -> None:
    raise AssertionError("what is kept is not written again")


def test_what_is_kept_is_used_again(past: PastStore) -> None:
    with kept_or_made(past.folder, CALLS, nothing_written) as again:
        engine = again.open()
        with engine.connect() as connection:
            assert connection.scalar(select(func.count()).select_from(calls)) == CALLS
        engine.dispose()


def test_a_folder_of_something_else_is_refused(past: PastStore, tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=f"holds {CALLS} calls"),
        kept_or_made(past.folder, CALLS + 1, nothing_written),
    ):
        pass
    (tmp_path / "tingzhen.sqlite3").write_bytes(b"")
    with (
        pytest.raises(UserError, match="not whole"),
        kept_or_made(tmp_path, CALLS, nothing_written),
    ):
        pass


def test_without_a_folder_the_calls_go_away_again() -> None:
    told = []
    with kept_or_made(None, 100, lambda what, done, of: told.append((what, done, of))) as store:
        assert store.file.is_file()
    assert not store.folder.exists()
    assert [what for what, done, of in told if done == of > 0] == [
        "calls",
        "transcripts",
        "callers",
    ]


async def test_every_question_is_answered(past: PastStore) -> None:
    found = {answer.what: answer async for answer in measure(past, 2)}
    assert found["common word"].items > 0
    assert found["letters"].items > 0
    assert found["no such word"].items == 0
    assert found["word and what no call has"].items == 0
    assert found["of a small team"].items > 0
    assert found["articles, two words"].items > 0
    assert found["open complaints"].items > 0
    assert all(answer.asked == 2 for answer in found.values())


def test_callers_have_a_name_a_tag_and_a_past(past: PastStore) -> None:
    engine = past.open()
    with engine.connect() as connection:
        callers = known_callers(connection, 5)
    engine.dispose()
    assert len({caller.name for caller in callers}) == 5
    assert all(caller.calls and caller.tag for caller in callers)


def test_the_bench_prints_a_line_for_each_question_and_the_slowest(past: PastStore) -> None:
    asked = ["bench", "search", "--keep", str(past.folder), "--calls", str(CALLS), "--rounds", "1"]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0
    assert "word and rare kind" in said.output
    assert "slowest" in said.output
