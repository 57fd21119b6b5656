"""Tables of projections put together: several areas may write rows for the same event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backbone.events import Event
from backbone.store.journal import Projection

Projections = Mapping[type[Event], Sequence[Projection]]


def merged(*tables: Projections) -> dict[type[Event], tuple[Projection, ...]]:
    """All projections of each class of event, in the order of the tables."""
    together: dict[type[Event], tuple[Projection, ...]] = {}
    for table in tables:
        for event_type, projections in table.items():
            together[event_type] = (*together.get(event_type, ()), *projections)
    return together
