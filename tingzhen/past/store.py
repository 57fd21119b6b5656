"""A folder with a made-up month in it: the data directory of a node that could be started on it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from agent_console.work.secrets import Keyring
from backbone.errors import UserError
from backbone.store.engine import open_engine, sqlite_url
from metrics.settings import MetricsSettings
from metrics.synthetic import HistoryPlan, write_history
from tingzhen.past.people import write_people
from tingzhen.past.talk import write_talk

Progress = Callable[[str, int, int], None]
"""Told what is being written, how much of it, and of how much."""

_DAYS = 30
_WHOLE = "calls.txt"


@dataclass(frozen=True, slots=True)
class PastStore:
    """The folder. Make it with `kept_or_made`."""

    folder: Path
    calls: int

    @property
    def file(self) -> Path:
        """The database, where a node looks for it."""
        return self.folder / "tingzhen.sqlite3"

    @property
    def size_mb(self) -> float:
        """Of the database."""
        return self.file.stat().st_size / 1e6

    def keyring(self) -> Keyring:
        """The key under which callers are known, where a node looks for it."""
        return Keyring.load(self.folder / "console.key")

    def open(self) -> Engine:
        """Open the database."""
        return open_engine(sqlite_url(self.file))


@contextlib.contextmanager
def kept_or_made(keep: Path | None, calls: int, progress: Progress) -> Iterator[PastStore]:
    """A store of so many calls, whose last day is yesterday when it is made.

    Args:
        keep: a folder that is used as it is when it holds such a store, and kept when it does
            not; None: a folder that goes away again.
        calls: how many.
        progress: told how far the writing is.

    Raises:
        UserError: the folder holds a store of another number of calls, or something else.
    """
    if keep is not None:
        yield _in_folder(keep, calls, progress)
        return
    with tempfile.TemporaryDirectory(prefix="tingzhen-past-") as folder:
        yield _in_folder(Path(folder), calls, progress)


def _in_folder(folder: Path, calls: int, progress: Progress) -> PastStore:
    store = PastStore(folder, calls)
    whole = folder / _WHOLE
    if whole.exists():
        held = whole.read_text("ascii").strip()
        if held != str(calls):
            raise UserError(f"{folder} holds {held} calls, not {calls}: say --calls {held}")
        return store
    folder.mkdir(parents=True, exist_ok=True)
    if store.file.exists():
        raise UserError(f"{store.file} is there but not whole: take it away or name another folder")
    _write(store, calls, progress)
    whole.write_text(f"{calls}\n", "ascii")  # last: what is there is whole
    return store


def _write(store: PastStore, calls: int, progress: Progress) -> None:
    engine = store.open()
    event.listen(engine, "connect", _for_much_writing)
    engine.dispose()  # from here on, connections are new ones
    first = (datetime.now(UTC) - timedelta(days=_DAYS)).date()
    progress("calls", 0, calls)
    written = write_history(engine, HistoryPlan(calls, first, _DAYS, MetricsSettings().zone))
    progress("calls", written, written)
    write_talk(engine, lambda done, total: progress("transcripts", done, total))
    progress("callers", 0, 1)
    write_people(engine, store.keyring())
    progress("callers", 1, 1)
    engine.dispose()


def _for_much_writing(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-262144")  # KiB; keys come at random
