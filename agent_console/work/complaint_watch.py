"""Tells when a complaint's deadline has passed."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from agent_console.events import ComplaintOverdue
from agent_console.work import complaints
from agent_console.work.settings import ComplaintSettings
from backbone.bus import Bus
from backbone.clock import Clock

_log = structlog.get_logger(__name__)


class ComplaintWatch:
    """The component: publishes `ComplaintOverdue` once for each deadline that passed."""

    def __init__(self, settings: ComplaintSettings, bus: Bus, clock: Clock, engine: Engine) -> None:
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._engine = engine

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self.look()
            except SQLAlchemyError as error:
                _log.error("complaints_unread", error=type(error).__name__)
            await self._clock.sleep(self._settings.watch_s)

    async def look(self) -> None:
        """Publish what is overdue now."""
        now = self._clock.time()

        def read() -> list[complaints.Complaint]:
            with self._engine.connect() as connection:
                return complaints.running_late(connection, now)

        for complaint in await asyncio.to_thread(read):
            for deadline in complaints.untold(complaint, now):
                due = complaint.answer_due if deadline == "answer" else complaint.close_due
                assert due is not None  # noqa: S101 - it has passed, so there is one
                await self._bus.publish(
                    ComplaintOverdue(
                        at=now,
                        complaint_id=complaint.complaint_id,
                        call_id=complaint.call_id,
                        card=complaint.card,
                        deadline=deadline,
                        due=due,
                        queue=complaint.queue,
                        agent=complaint.agent,
                    )
                )
                _log.info(
                    "complaint_overdue", complaint_id=complaint.complaint_id, deadline=deadline
                )
