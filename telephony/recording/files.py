"""Recordings as FLAC files: lossless, about half of the samples' size, played by every browser."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.int16]

_BLOCK = 65_536
_LAST_WORDS = 512
"""Samples read at once of an unfinished file: the last, broken block of it is lost."""
_LENGTH_AT = 21
"""Byte of a FLAC file (RFC 9639, 8.2) whose lower half and the next four hold the length."""
UNFINISHED = ".part"
"""Ends the name of a file that is being written."""


class RecordingFileError(Exception):
    """A file cannot be written or read; the text is fit for people."""


class FlacWriter:
    """Writes one mono file under a name of its own until it is whole.

    A program that dies leaves the unfinished file; `salvage` takes it up. Only the user who runs
    the program may read it.

    Raises:
        RecordingFileError: from every method: the disk is full, the folder is gone.
    """

    def __init__(self, path: Path, rate: int) -> None:
        self.path = path
        self._part = path.with_name(path.name + UNFINISHED)
        with _told(self._part):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            # The descriptor is soundfile's from here on, also when opening fails.
            self._file = soundfile.SoundFile(
                descriptor, "w", samplerate=rate, channels=1, format="FLAC", subtype="PCM_16"
            )

    def write(self, pcm: bytes) -> None:
        """Append mono 16-bit signed little-endian samples."""
        with _told(self._part):
            self._file.buffer_write(pcm, dtype="int16")

    def finish(self) -> int:
        """Give the file its name; return its size in bytes."""
        with _told(self._part):
            self._file.close()
            self._part.replace(self.path)
            return self.path.stat().st_size

    def close(self) -> None:
        """Leave the file without its name, for `salvage`."""
        with contextlib.suppress(RecordingFileError), _told(self._part):
            self._file.close()


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, soundfile.SoundFileError) as error:
        raise RecordingFileError(f"{path}: {getattr(error, 'strerror', '') or error}") from error


def blocks(path: Path, size: int = _BLOCK) -> Iterator[Samples]:
    """Read a file's channel in blocks of at most `size` samples.

    An unfinished file gives its whole blocks.

    Raises:
        RecordingFileError: it cannot be read at all.
    """
    with _told(path), soundfile.SoundFile(path) as file:
        while True:
            try:
                block = file.read(size, dtype="int16")
            except soundfile.LibsndfileError:
                return  # unfinished: the rest was never written
            if not len(block):
                return
            yield block


def rate_of(path: Path) -> int:
    """A file's rate in Hz; as `blocks`."""
    with _told(path), soundfile.SoundFile(path) as file:
        return int(file.samplerate)


def salvage(path: Path) -> tuple[int, int, int] | None:
    """Give the unfinished file of `path` its length and its name.

    For a file whose program has died or whose disk has refused; it takes no room on that disk.

    Returns:
        Its rate in Hz, samples and size in bytes; None when there is nothing to save.

    Raises:
        RecordingFileError: it cannot be changed.
    """
    part = path.with_name(path.name + UNFINISHED)
    if not part.exists():
        return None
    try:
        rate = rate_of(part)
        samples = sum(len(block) for block in blocks(part, _LAST_WORDS))
    except RecordingFileError:
        samples = 0  # not even its head was written
    with _told(part):
        if not samples:
            part.unlink()
            return None
        with part.open("r+b") as file:
            file.seek(_LENGTH_AT)
            bits = file.read(1)[0] & 0xF0
            file.seek(_LENGTH_AT)
            file.write((bits << 32 | samples).to_bytes(5, "big"))
        part.replace(path)
        return rate, samples, path.stat().st_size
