"""The journal: one thread that writes every durable event, and its projections, in order.

Events that arrive while a commit is under way share the next one (group commit), so a disk that
syncs slowly costs latency, not throughput.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    SQLAlchemyError,
    StatementError,
)

from backbone.events import Envelope, Event, decode, encode, kind_of
from backbone.store.schema import journal

if TYPE_CHECKING:
    from backbone.bus import Committed
    from backbone.counters import Counters

Projection = Callable[[Connection, int, Event], None]
"""Writes one event into the tables it belongs to, inside the journal's transaction."""

Redact = Callable[[Event], Event]
"""What of an event may be kept; it decides on the written copy only."""

_log = structlog.get_logger(__name__)

_BATCH = 256
_RETRY_EVERY_S = 1.0
_KEPT_FOR_RETRY = 10_000


@dataclass(frozen=True, slots=True)
class _Pending:
    event: Event
    committed: asyncio.Future[int] | None
    """None once its publisher has gone on without a number."""


class StoreJournal:
    """The journal in a database. Start it in the loop that publishes; close it last.

    Args:
        engine: of the database.
        counters: where failures are counted.
        projections: what else is written for each class of event.
        redact: applied to what is written, not to what subscribers are handed live; one that
            catches up from the journal gets the written copy.
    """

    def __init__(
        self,
        engine: Engine,
        counters: Counters,
        projections: Mapping[type[Event], Sequence[Projection]],
        redact: Redact | None = None,
    ) -> None:
        self._engine = engine
        self._counters = counters
        self._projections = projections
        self._redact = redact
        self._incoming: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._callback: Committed | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._unknown: set[str] = set()

    def on_commit(self, callback: Committed) -> None:
        """Hand each committed batch to `callback` in the loop's thread."""
        self._callback = callback

    def start(self) -> None:
        """Begin writing. Call it from the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """Write what was appended before this call, then stop."""
        self._incoming.put(None)
        await asyncio.to_thread(self._thread.join)

    def append(self, event: Event, committed: asyncio.Future[int]) -> None:
        """Queue an event for the next commit."""
        self._incoming.put(_Pending(event, committed))

    async def last_seq(self) -> int:
        """The highest number given so far."""

        def read() -> int:
            with self._engine.connect() as connection:
                return connection.scalar(select(func.max(journal.c.seq))) or 0

        return await asyncio.to_thread(read)

    async def read(self, after: int, kinds: Sequence[str], limit: int) -> list[Envelope]:
        """Read stored events in order; one that this version cannot decode is skipped, counted."""
        envelopes: list[Envelope] = []
        rows = await asyncio.to_thread(self._rows, after, kinds, limit)
        while rows:
            for seq, kind, payload in rows:
                try:
                    envelopes.append(Envelope(seq, decode(kind, payload)))
                except (LookupError, ValueError):
                    self._counters.add("journal_unreadable", kind=kind)
            if envelopes:
                break
            # An empty answer would mean that there is nothing more.
            rows = await asyncio.to_thread(self._rows, rows[-1][0], kinds, limit)
        return envelopes

    def _rows(self, after: int, kinds: Sequence[str], limit: int) -> list[tuple[int, str, bytes]]:
        query = (
            select(journal.c.seq, journal.c.kind, journal.c.payload)
            .where(journal.c.seq > after, journal.c.kind.in_(kinds))
            .order_by(journal.c.seq)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [(row.seq, row.kind, row.payload) for row in connection.execute(query)]

    # The writer's thread

    def _run(self) -> None:
        waiting: list[_Pending] = []  # refused by the database, oldest first
        while True:
            batch = self._next_batch(timeout=_RETRY_EVERY_S if waiting else None)
            stop = bool(batch) and batch[-1] is None
            fresh = [pending for pending in batch if pending is not None]
            waiting = self._commit(waiting, fresh)
            if stop:
                if waiting:
                    self._counters.add("journal_lost", len(waiting))
                    _log.error("journal_lost", events=len(waiting))
                return

    def _next_batch(self, *, timeout: float | None) -> list[_Pending | None]:
        batch: list[_Pending | None] = []
        with contextlib.suppress(queue.Empty):
            batch.append(self._incoming.get(timeout=timeout))
            while batch[-1] is not None and len(batch) < _BATCH:
                batch.append(self._incoming.get_nowait())
        return batch

    def _commit(self, waiting: list[_Pending], fresh: list[_Pending]) -> list[_Pending]:
        """Try to store all; return what must wait for another try."""
        batch = waiting + fresh
        if not batch:
            return []
        try:
            with self._engine.begin() as connection:
                numbers = [self._write_or_leave(connection, pending.event) for pending in batch]
        except Exception as error:  # noqa: BLE001 - whatever it is, those who publish wait for us
            self._counters.add("journal_failures")
            _log.error("journal_write_failed", error=type(error).__name__, events=len(batch))
            # They go out live without a number rather than not at all.
            self._deliver([(0, pending) for pending in fresh])
            kept = waiting + [_Pending(pending.event, None) for pending in fresh]
            if len(kept) > _KEPT_FOR_RETRY:
                self._counters.add("journal_lost", len(kept) - _KEPT_FOR_RETRY)
                kept = kept[-_KEPT_FOR_RETRY:]
            return kept
        self._deliver(list(zip(numbers, batch, strict=True)))
        return []

    def _write_or_leave(self, connection: Connection, event: Event) -> int:
        """Write one event; return 0 for one that no try can store: it must not cost the others."""
        try:
            return self._write(connection, event)
        except Exception as error:
            if not _never_fits(error):
                raise
            self._counters.add("journal_lost")
            _log.error("journal_unwritable", kind=kind_of(type(event)))
            return 0

    def _write(self, connection: Connection, event: Event) -> int:
        if self._redact is not None:
            event = self._redact(event)
        with _savepoint(connection):
            row = connection.execute(
                insert(journal).values(
                    kind=kind_of(type(event)),
                    call_id=getattr(event, "call_id", None),
                    at=event.at,
                    payload=encode(event),
                )
            )
        seq = int(row.inserted_primary_key[0])  # type: ignore[index]  # an insert always has one
        for projection in self._projections.get(type(event), ()):
            try:
                with connection.begin_nested():
                    projection(connection, seq, event)
            except Exception as error:
                if not (_never_fits(error) or isinstance(error, IntegrityError)):
                    raise
                # One row that does not fit must not cost the others; the journal has it.
                self._counters.add("projection_failures", kind=kind_of(type(event)))
                _log.error("projection_failed", kind=kind_of(type(event)), seq=seq)
        return seq

    def _deliver(self, numbered: list[tuple[int, _Pending]]) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        with contextlib.suppress(RuntimeError):  # the loop may close between the two lines
            loop.call_soon_threadsafe(self._hand_over, numbered)

    def _hand_over(self, numbered: list[tuple[int, _Pending]]) -> None:
        first_time = [(seq, pending) for seq, pending in numbered if pending.committed is not None]
        if self._callback is not None:
            self._callback([(seq, pending.event) for seq, pending in first_time])
        for seq, pending in first_time:
            assert pending.committed is not None  # noqa: S101 - filtered above
            if not pending.committed.done():
                pending.committed.set_result(seq)


def _savepoint(connection: Connection) -> contextlib.AbstractContextManager[object]:
    """Keeps a failed insert from costing PostgreSQL's whole transaction.

    SQLite undoes the one statement; its driver would take a first savepoint for the transaction.
    """
    postgresql = connection.dialect.name == "postgresql"
    return connection.begin_nested() if postgresql else contextlib.nullcontext()


def _never_fits(error: Exception) -> bool:
    """Whether another try would fail too: a value that no database takes, an error of our own."""
    if isinstance(error, DBAPIError):
        return isinstance(error, DataError) and not error.connection_invalidated
    # What the driver itself refuses is no error of the database's.
    return isinstance(error, StatementError) or not isinstance(error, (SQLAlchemyError, OSError))
