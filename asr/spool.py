"""Audio that waits to be decoded for so long that it shall not stay in memory."""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass
from typing import IO

import numpy as np

from asr.resample import Audio


@dataclass(frozen=True, slots=True)
class SpooledAudio:
    """Audio in a `Spool`, to be taken back once."""

    spool: Spool
    at: int
    samples: int

    def take(self) -> Audio:
        """The samples as they were put in. Reads from disk.

        Raises:
            OSError: they cannot be read.
        """
        return self.spool.take(self)


class Spool:
    """One file without a name: nobody else can open it, and it is gone with the process.

    Thread-safe. The file shrinks again when all that was put in has been taken back.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None  # made when it is first needed
        self._lock = threading.Lock()
        self._end = 0
        self._inside = 0

    def put(self, audio: Audio) -> SpooledAudio:
        """Write samples to disk.

        Raises:
            OSError: there is no room, or no disk.
        """
        raw = np.ascontiguousarray(audio, np.float32).tobytes()
        with self._lock:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="tingzhen-")  # noqa: SIM115 - stays open
            file, at = self._file.fileno(), self._end
            self._end += len(raw)
            self._inside += 1
        written = 0
        try:
            while written < len(raw):
                written += os.pwrite(file, raw[written:], at + written)
        except OSError:
            self._leave()
            raise
        return SpooledAudio(self, at, len(audio))

    def take(self, spooled: SpooledAudio) -> Audio:
        """What was put in; see `SpooledAudio.take`."""
        if self._file is None:
            raise OSError("the spool is closed")
        try:
            wanted = 4 * spooled.samples
            raw = os.pread(self._file.fileno(), wanted, spooled.at)
            if len(raw) < wanted:
                raise OSError("audio in the spool is cut off")
            return np.frombuffer(raw, np.float32)
        finally:
            self._leave()

    def close(self) -> None:
        """Give the file up with whatever is in it."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._file is not None:
                self._end = 0
                os.ftruncate(self._file.fileno(), 0)
