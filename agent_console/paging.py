"""Lists page by page: newest first, with a cursor that tells where the following page begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import Column, Connection, Label, RowMapping, Select, tuple_

T = TypeVar("T")


class BadCursorError(ValueError):
    """A cursor that this API did not hand out."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, newest first, and the cursor of the following ones (None: there are none)."""

    items: list[T]
    next: str | None


def page(
    connection: Connection,
    query: Select[Any],
    order: tuple[Column[Any] | Label[Any], Column[Any]],
    item: Callable[[RowMapping], T],
    *,
    limit: int,
    cursor: str | None,
) -> Page[T]:
    """Read one page.

    Args:
        connection: to read with.
        query: of rows that hold both columns of `order`.
        order: a time or another number and, where these are equal, a key; both fall.
        item: what a row becomes.
        limit: how many items at most.
        cursor: `next` of the page before; None for the first.

    Raises:
        BadCursorError: the cursor is none of ours.
    """
    at, key = order
    if cursor is not None:
        query = query.where(tuple_(at, key) < tuple_(*decode_cursor(cursor)))
    query = query.order_by(at.desc(), key.desc()).limit(limit + 1)
    rows: Sequence[RowMapping] = connection.execute(query).mappings().all()
    more = len(rows) > limit
    rows = rows[:limit]
    last = rows[-1] if more else None
    return Page(
        [item(row) for row in rows],
        None if last is None else encode_cursor(last[at.name], last[key.name]),
    )


def encode_cursor(at: float, key: str) -> str:
    """Where a page ends, for whoever asks for the following one."""
    return base64.urlsafe_b64encode(msgspec.json.encode((at, key))).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[float, str]:
    """What `encode_cursor` was given.

    Raises:
        BadCursorError: it was not made by it.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=tuple[float, str])
    except (binascii.Error, ValueError) as error:
        raise BadCursorError("this cursor was not handed out by this API") from error
