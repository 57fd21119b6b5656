"""Parameters that many routes have in common."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

Id = Annotated[str, Path(max_length=64)]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before.")]
Name = Annotated[str, Query(max_length=128)]
Words = Annotated[str, Query(max_length=100)]
_MOST = 1e11
Since = Annotated[
    float | None, Query(alias="from", ge=0, le=_MOST, description="Epoch seconds, included.")
]
Until = Annotated[
    float | None, Query(alias="to", ge=0, le=_MOST, description="Epoch seconds, not included.")
]
