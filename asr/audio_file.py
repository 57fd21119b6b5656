"""Reading recordings: any format that FFmpeg knows, as mono 16-bit blocks at its own rate."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
from av.container import InputContainer

from backbone.errors import UserError

_BYTES_PER_SAMPLE = 2
_LONGEST_S = 12 * 3600.0
_LOWEST_RATE = 4_000


class AudioFileError(UserError):
    """A file cannot be used as audio. The message is one line for the user."""


class AudioFile:
    """A recording, read once from its beginning.

    Opening it decodes its first block, so that what is no audio is refused before anything is
    made of it. Not thread-safe; iterate it in one thread at a time.

    Args:
        path: of the file.
        block_s: seconds per block; the last one may be shorter.

    Raises:
        AudioFileError: missing, a folder, unreadable, no audio, empty, or longer than 12 hours.
    """

    def __init__(self, path: Path, *, block_s: float = 0.1) -> None:
        self.path = path
        self.rate = 0
        """Samples per second."""
        self.samples = 0
        """Samples handed out so far."""
        self.damage = ""
        """Why reading ended before the file did; empty when it did not."""
        self._block_s = block_s
        self._decoded = self._decode()
        try:
            self._first = next(self._decoded, b"")
        except av.error.FFmpegError as error:
            raise AudioFileError(f"{path}: no audio that can be decoded") from error
        if not self._first:
            raise AudioFileError(f"{path}: holds no audio samples")

    def __iter__(self) -> Iterator[bytes]:
        """Blocks of 16-bit little-endian samples."""
        size = max(1, round(self.rate * self._block_s)) * _BYTES_PER_SAMPLE
        pending = bytearray(self._first)
        self._first = b""
        while True:
            while len(pending) >= size:
                yield self._handed_out(bytes(pending[:size]))
                del pending[:size]
            try:
                more = next(self._decoded, None)
            except av.error.FFmpegError as error:
                # What came before the damage is worth as much as a whole file's beginning.
                self.damage = type(error).__name__
                more = None
            if more is None:
                break
            pending += more
        if pending:
            yield self._handed_out(bytes(pending))

    def _handed_out(self, block: bytes) -> bytes:
        self.samples += len(block) // _BYTES_PER_SAMPLE
        return block

    def _decode(self) -> Iterator[bytes]:
        self._check_path()
        with self._open() as container:
            if not container.streams.audio:
                raise AudioFileError(f"{self.path}: holds no audio track")
            stream = container.streams.audio[0]
            if container.duration and container.duration / av.time_base > _LONGEST_S:
                raise AudioFileError(f"{self.path}: longer than {_LONGEST_S / 3600:.0f} hours")
            self.rate = stream.rate
            if self.rate < _LOWEST_RATE:
                raise AudioFileError(f"{self.path}: {self.rate} Hz is too low for speech")
            to_mono = av.AudioResampler(format="s16", layout="mono", rate=self.rate)
            for frame in itertools.chain(container.decode(stream), (None,)):
                for mono in to_mono.resample(frame):
                    yield bytes(mono.planes[0])[: mono.samples * _BYTES_PER_SAMPLE]

    def _check_path(self) -> None:
        if not self.path.exists():
            raise AudioFileError(f"{self.path}: no such file")
        if not self.path.is_file():
            raise AudioFileError(f"{self.path}: not a file")
        if not self.path.stat().st_size:
            raise AudioFileError(f"{self.path}: empty file")

    def _open(self) -> InputContainer:
        try:
            return av.open(str(self.path))
        except PermissionError as error:
            raise AudioFileError(f"{self.path}: no permission to read") from error
        except (OSError, ValueError) as error:  # PyAV's own errors are of these kinds
            raise AudioFileError(f"{self.path}: not an audio file") from error
