"""Rows as the records that they hold."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import RowMapping

T = TypeVar("T")


def from_row(record: type[T], row: RowMapping, /, **given: Any) -> T:
    """A dataclass filled from the columns of its fields' names; `given` says the others."""
    # mypy takes no type variable for a dataclass.
    names = [field.name for field in fields(record)]  # type: ignore[arg-type]  # callers give one
    return record(**{name: row[name] for name in names if name not in given}, **given)
