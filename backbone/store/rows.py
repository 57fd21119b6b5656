"""Writing rows so that the same event, coming twice, stands there once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, insert


def replace_row(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Write a row in place of the one with the same primary key, if there is one.

    Columns that `values` lacks get their defaults, not what stood there before.

    Args:
        connection: in a transaction.
        table: with a primary key.
        values: of the columns; the key's are among them.
    """
    key = and_(*(column == values[column.name] for column in table.primary_key))
    connection.execute(delete(table).where(key))
    connection.execute(insert(table).values(dict(values)))
