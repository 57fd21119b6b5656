"""Made-up rows on their way into the store's tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, insert

_BATCH = 20_000


class Rows:
    """Gathers rows by table and writes them in batches; `flush` writes the rest."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[Table, list[Mapping[str, Any]]] = {}

    def add(self, table: Table, **values: Any) -> None:
        """Take a row."""
        rows = self._rows.setdefault(table, [])
        rows.append(values)
        if len(rows) >= _BATCH:
            self._write(table)

    def flush(self) -> None:
        """Write what is gathered."""
        for table in list(self._rows):
            self._write(table)

    def _write(self, table: Table) -> None:
        rows = self._rows.pop(table)
        self._connection.execute(insert(table), rows)
