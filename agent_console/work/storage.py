"""What the journal writes into the tables of the work around the calls."""

from __future__ import annotations

from agent_console.work import complaints, knowledge, register
from backbone.events import Event
from backbone.store.journal import Projection

PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {
    **knowledge.PROJECTIONS,
    **register.PROJECTIONS,
    **complaints.PROJECTIONS,
}
