"""Words of two characters are found, and what is typed cannot break the query."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbone.store.bigrams import fts5_query, indexed, tokens, wanted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我要投诉", ["我要", "要投", "投诉", "诉"]),
        ("挂号，预约", ["挂号", "号", "预约", "约"]),
        ("做CT检查", ["做", "ct", "检查", "查"]),
        ("ＣＴ 12楼", ["ct", "12", "楼"]),
        ("！？…", []),
        ("", []),
    ],
)
def test_a_text_becomes_pairs_and_whole_words(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.fixture(scope="module")
def index():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE texts USING fts5(body)")
    yield connection
    connection.close()


def found(index: sqlite3.Connection, text: str, query: str) -> bool:
    index.execute("DELETE FROM texts")
    index.execute("INSERT INTO texts VALUES (?)", (indexed(text),))
    return bool(index.execute("SELECT 1 FROM texts WHERE texts MATCH ?", (query,)).fetchall())


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("我要投诉你们", "投诉", True),
        ("我要投诉你们", "诉", True),
        ("我要投诉", "诉", True),
        ("我要投诉", "诉你", False),
        ("我要投，诉你", "投诉", False),
        ("我要投诉你们医生", "投诉 医生", True),
        ("我要投诉你们医生", "投诉 护士", False),
        ("心电图在CT室旁边", "ct", True),
        ("核磁共振", "共振核磁", False),
    ],
)
def test_fts5_finds_words_of_any_length(
    index: sqlite3.Connection, text: str, query: str, *, expected: bool
) -> None:
    assert found(index, text, fts5_query(query)) is expected


@given(st.text(max_size=40))
def test_no_input_breaks_the_query_and_each_text_finds_itself(text: str) -> None:
    query = fts5_query(text)
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE VIRTUAL TABLE texts USING fts5(body)")
        if query:
            assert found(connection, text, query)
    connection.close()


@given(st.text(alphabet="投诉挂号预约ab1 ，", max_size=12))
def test_every_part_of_what_is_wanted_stands_in_the_text_itself(text: str) -> None:
    held = tokens(text)
    for run in wanted(text):
        assert all(any(token.startswith(part) for token in held) for part in run)
