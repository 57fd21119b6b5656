"""Writes the audio of tapped legs to files, and deletes them when their time is over.

It only listens: a full or hanging disk costs recordings, with a mark and a count, and nothing
else. What was recorded stands in the table `recordings`, see `telephony.recording.storage`.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from backbone.media import AudioFrame, LegClosed, LegOpened
from telephony.recording.events import RecordingExpired, RecordingFault, RecordingStored
from telephony.recording.files import FlacWriter, RecordingFileError, salvage
from telephony.recording.storage import kept_since_before
from telephony.recording.tape import Tape
from telephony.settings import RecordingSettings
from telephony.storage import StoredLeg

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from backbone.bus import Bus
    from backbone.clock import Clock
    from backbone.counters import Counters

_log = structlog.get_logger(__name__)

_FRAMES = 20_000
_SAMPLE_BYTES = 2
_WRITTEN_AT_ONCE_S = 1.0
_LAST_WORDS_S = 5.0
_EXPIRY_EVERY_S = 3600.0
_DAY_S = 86_400.0


def path_of(leg_id: str, opened_at: float) -> str:
    """Where a leg's recording stands in the folder: one folder a day, local time."""
    return f"{datetime.fromtimestamp(opened_at).astimezone():%Y-%m-%d}/{leg_id}.flac"


def free_bytes(folder: Path) -> int:
    """Room left for us on the disk of an existing folder."""
    return shutil.disk_usage(folder).free


def sweep(folder: Path, before: float) -> None:
    """Delete whole days that ended before a time, with files that stand in no table.

    Raises:
        OSError: the folder cannot be read, or a file in it not deleted.
    """
    # A call may have begun the day before it was stored.
    last = datetime.fromtimestamp(before).astimezone().date() - timedelta(days=2)
    for day in folder.iterdir() if folder.is_dir() else ():
        try:
            old = date.fromisoformat(day.name) < last
        except ValueError:
            continue  # not ours
        if old:
            shutil.rmtree(day)


class _Recording:
    """A leg that is being recorded. Its methods are slow: they run in a thread, one at a time."""

    def __init__(self, folder: Path, opened: LegOpened) -> None:
        self.opened = opened
        self.path = path_of(opened.leg_id, opened.at)
        self.tape = Tape(opened.rate)
        self.fault: RecordingFault = ""
        self.size = 0
        self._full_path = folder / self.path
        self._writer: FlacWriter | None = None
        self._waiting = bytearray()

    @property
    def due(self) -> bool:
        """Whether it is time to write."""
        return len(self._waiting) >= _WRITTEN_AT_ONCE_S * self.tape.rate * _SAMPLE_BYTES

    @property
    def stopped(self) -> bool:
        """Whether nothing more is written: the disk has refused."""
        return self.fault in {"disk_full", "write_failed"}

    def take(self, frame: AudioFrame) -> None:
        """Keep a frame for the next `write`."""
        if not self.stopped:
            for piece in self.tape.take(frame.sample, frame.pcm):
                self._waiting += piece

    def close_gap(self, samples: int) -> None:
        """The leg had so many samples: what is missing at its end is silence."""
        if not self.stopped:
            for piece in self.tape.pad(samples):
                self._waiting += piece

    def write(self) -> None:
        """Write what was kept.

        Raises:
            RecordingFileError: the disk refuses.
        """
        if self._waiting:
            if self._writer is None:
                self._writer = FlacWriter(self._full_path, self.tape.rate)
            self._writer.write(bytes(self._waiting))
            self._waiting.clear()

    def finish(self) -> None:
        """Write the rest and give the file its name; as `write`."""
        self.write()
        if self._writer is not None:
            self.size = self._writer.finish()

    def give_up(self) -> None:
        """Keep what is in the file already, if that can be."""
        self.tape.position -= len(self._waiting) // _SAMPLE_BYTES
        self._waiting.clear()
        if self._writer is None:
            return
        # A writer may be at peace with a file whose length it could not write.
        self._writer.close()
        with contextlib.suppress(RecordingFileError):
            saved = salvage(self._full_path)
            if saved is not None:
                _, self.tape.position, self.size = saved

    def stored(self, at: float, *, complete: bool) -> RecordingStored:
        """What became of it."""
        return RecordingStored(
            at=at,
            call_id=self.opened.call_id,
            leg_id=self.opened.leg_id,
            role=self.opened.role,
            path=self.path if self.size else "",
            rate=self.opened.rate,
            offset_s=self.opened.offset_s,
            samples=self.tape.position if self.size else 0,
            size=self.size,
            complete=complete,
            reason=self.fault,
        )


class Recorder:
    """Records every leg that opens while it runs.

    Counts `recordings_stored`, `recordings_incomplete{reason}`, `recordings_expired` and
    `recording_bytes`.

    Args:
        settings: what to keep, and how long.
        folder: where to.
        bus: where the legs' audio comes from.
        clock: the node's time.
        counters: what is counted.
        engine: the store, for what is to be deleted.
        room: how many bytes are free in a folder.
    """

    def __init__(
        self,
        settings: RecordingSettings,
        folder: Path,
        bus: Bus,
        clock: Clock,
        counters: Counters,
        *,
        engine: Engine,
        room: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._engine = engine
        self._room = room
        self._open: dict[str, _Recording] = {}
        self._left: list[StoredLeg] = []
        # From here on, so that no leg is missed between construction and `run`.
        self._events = bus.subscribe("recorder", LegOpened, AudioFrame, LegClosed, maxsize=_FRAMES)

    def restore(self, legs: Iterable[StoredLeg]) -> None:
        """Take up the files of legs that an earlier run left open. Call it before `run`."""
        self._left += legs

    async def run(self) -> None:
        """Record until cancelled; then finish what is open."""
        try:
            await self._salvage()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._expire_for_ever(), name="recordings-expiry")
                async for envelope in self._events:
                    await self._follow_safely(envelope.event)
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_S):
                    await self._stop()

    async def _follow_safely(self, event: object) -> None:
        try:
            await self._follow(event)
        except Exception as error:  # noqa: BLE001 - one recording must not end all others
            self._counters.add("recorder_failures")
            _log.error("recorder_failed", error=type(error).__name__)

    async def _follow(self, event: object) -> None:
        match event:
            case LegOpened():
                self._open[event.leg_id] = _Recording(self._folder, event)
            case AudioFrame():
                recording = self._open.get(event.leg_id)
                if recording is not None:
                    recording.take(event)
                    if recording.due:
                        await self._write(recording)
            case LegClosed():
                recording = self._open.pop(event.leg_id, None)
                if recording is not None:
                    recording.close_gap(event.samples)
                    await self._close(recording, leg_complete=event.complete)
            case _:
                pass

    async def _write(self, recording: _Recording) -> None:
        await self._safely(recording, recording.write)

    async def _safely(self, recording: _Recording, work: Callable[[], None]) -> None:
        """Do something with a file in a thread; a disk that refuses ends this recording only."""
        if recording.stopped:
            return
        refused: RecordingFault = ""
        try:
            if await asyncio.to_thread(self._has_room):
                await asyncio.to_thread(work)
            else:
                refused = "disk_full"
        except RecordingFileError:
            refused = "write_failed"
        if refused:
            _log.error("recording_stopped", reason=refused)
            recording.fault = refused
            await asyncio.to_thread(recording.give_up)

    def _has_room(self) -> bool:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return self._room(self._folder) >= self._settings.keep_free_mb * 1_000_000
        except OSError as error:
            raise RecordingFileError(str(error)) from error

    async def _close(
        self, recording: _Recording, *, leg_complete: bool, why: RecordingFault = ""
    ) -> None:
        await self._safely(recording, recording.finish)
        if not recording.fault:
            if why:
                recording.fault = why
            elif recording.tape.missing:
                recording.fault = "audio_dropped"
            elif not leg_complete:
                recording.fault = "leg_incomplete"
        await self._tell(recording.stored(self._clock.time(), complete=not recording.fault))

    async def _tell(self, stored: RecordingStored) -> None:
        self._counters.add("recordings_stored")
        self._counters.add("recording_bytes", stored.size)
        if stored.reason:
            self._counters.add("recordings_incomplete", reason=stored.reason)
        await self._bus.publish(stored)

    async def _stop(self) -> None:
        while self._open:
            _, recording = self._open.popitem()
            await self._close(recording, leg_complete=False, why="recorder_stopped")

    # What an earlier run left

    async def _salvage(self) -> None:
        left, self._left = self._left, []
        for leg in left:
            path = path_of(leg.leg_id, leg.opened_at)
            try:
                saved = await asyncio.to_thread(salvage, self._folder / path)
            except RecordingFileError:
                saved = None
            if saved is None:
                continue
            rate, samples, size = saved
            await self._tell(
                RecordingStored(
                    at=self._clock.time(),
                    call_id=leg.call_id,
                    leg_id=leg.leg_id,
                    role=leg.role,
                    path=path,
                    rate=rate,
                    offset_s=leg.offset_s,
                    samples=samples,
                    size=size,
                    complete=False,
                    reason="program_stopped",
                )
            )

    # Retention

    async def _expire_for_ever(self) -> None:
        while True:
            await self.expire()
            await self._clock.sleep(_EXPIRY_EVERY_S)

    async def expire(self) -> None:
        """Delete the files that were kept for as long as they may be."""
        before = self._clock.time() - self._settings.retention_days * _DAY_S
        while True:
            try:
                expired = await asyncio.to_thread(self._delete, before)
            except (OSError, SQLAlchemyError) as error:
                self._counters.add("recording_expiry_failures")
                _log.error("recordings_not_expired", error=type(error).__name__)
                return
            for event in expired:
                await self._bus.publish(event)
                self._counters.add("recordings_expired")
            if not expired:
                return

    def _delete(self, before: float) -> list[RecordingExpired]:
        sweep(self._folder, before)
        with self._engine.connect() as connection:
            old = kept_since_before(connection, before)
        for recording in old:
            path = self._folder / recording.path
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # the day's last one
        return [
            RecordingExpired(at=self._clock.time(), call_id=r.call_id, leg_id=r.leg_id) for r in old
        ]
