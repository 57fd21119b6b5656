"""What the journal writes into the tables of the work around the calls."""

from __future__ import annotations

from agent_console.work import complaints, knowledge, register
from agent_console.work.notify import outbox
from backbone.store.projections import merged

PROJECTIONS = merged(
    knowledge.PROJECTIONS, register.PROJECTIONS, complaints.PROJECTIONS, outbox.PROJECTIONS
)
