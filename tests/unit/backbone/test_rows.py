"""Rows written twice."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select

from backbone.store.rows import replace_row

_TABLE = Table(
    "things",
    MetaData(),
    Column("a", Integer, primary_key=True),
    Column("b", Integer, primary_key=True),
    Column("text", String, default="none"),
)


def test_a_row_takes_the_place_of_the_one_with_its_whole_key_only():
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        _TABLE.create(connection)
        connection.execute(insert(_TABLE).values(a=1, b=2, text="neighbour"))
        replace_row(connection, _TABLE, {"a": 1, "b": 1, "text": "first"})
        replace_row(connection, _TABLE, {"a": 1, "b": 1, "text": "second"})
        replace_row(connection, _TABLE, {"a": 2, "b": 1})
        rows = connection.execute(select(_TABLE).order_by("a", "b")).all()
    assert rows == [(1, 1, "second"), (1, 2, "neighbour"), (2, 1, "none")]
