"""Recordings of a call as the page asks for them. It blocks: call it in a thread."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from backbone.media import Role
from telephony.recording.listening import peaks, write_both
from telephony.recording.storage import StoredRecording, recordings_of

Side = Literal["agent", "customer", "both"]

_MOST_MIXED = 16


class NotKeptError(LookupError):
    """There is no recording, or none any more."""


@dataclass(frozen=True, slots=True)
class LegWaveform:
    """A leg's loudness: `peaks` 0..1 over `duration_s`, from `offset_s` on the call's clock."""

    leg_id: str
    role: Role
    offset_s: float
    duration_s: float
    complete: bool
    peaks: list[float]


class Sound:
    """A node's recordings; both sides of a call are put together once and kept for a while.

    Args:
        folder: of recordings.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mixed: OrderedDict[tuple[str, ...], Path] = OrderedDict()
        self._room: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()

    def waveform(self, connection: Connection, call_id: str, buckets: int) -> list[LegWaveform]:
        """The legs' waveforms, each of `buckets` values.

        Raises:
            NotKeptError: nothing of the call is kept.
            RecordingFileError: a file cannot be read.
        """
        return [
            LegWaveform(
                leg.leg_id,
                leg.role,
                leg.offset_s,
                leg.duration_s,
                leg.complete,
                peaks(self._folder / leg.path, leg.samples, buckets),
            )
            for leg in _kept(connection, call_id, "both")
        ]

    def file(self, connection: Connection, call_id: str, side: Side) -> Path:
        """A FLAC file of one side, or of both: agent left, customer right.

        Raises:
            NotKeptError: nothing of it is kept.
            RecordingFileError: a file cannot be read or written.
        """
        legs = _kept(connection, call_id, side)
        if len(legs) == 1 and side != "both":
            return self._folder / legs[0].path
        key = tuple(leg.leg_id for leg in legs)
        with self._lock:
            known = self._mixed.get(key)
            if known is not None:
                self._mixed.move_to_end(key)
                return known
            if self._room is None:
                self._room = tempfile.TemporaryDirectory(prefix="tingzhen-sound-")
            target = Path(self._room.name) / f"{legs[0].leg_id}-{len(legs)}.flac"
            write_both(legs, self._folder, target)
            self._mixed[key] = target
            if len(self._mixed) > _MOST_MIXED:
                self._mixed.popitem(last=False)[1].unlink(missing_ok=True)
            return target


def _kept(connection: Connection, call_id: str, side: Side) -> list[StoredRecording]:
    legs = [
        leg for leg in recordings_of(connection, call_id) if leg.kept and side in {"both", leg.role}
    ]
    if not legs:
        raise NotKeptError("Nothing of this call is kept as sound.")
    return legs
