"""Recordings as people look at them and hear them: a waveform, and both sides in one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from telephony.recording.files import RecordingFileError, Samples, blocks, rate_of
from telephony.recording.storage import StoredRecording

_FULL_SCALE = 32_768
_CHANNELS = {"agent": 0, "customer": 1}
_MIXED_AT_ONCE_S = 10


def peaks(path: Path, samples: int, buckets: int = 800) -> list[float]:
    """A recording's waveform: the loudest sample of each of `buckets` equal stretches.

    Args:
        path: the file.
        samples: its length, as `StoredRecording` has it.
        buckets: how many values; fewer when there are fewer samples.

    Returns:
        Values from 0 to 1, of full scale.

    Raises:
        RecordingFileError: the file cannot be read.
    """
    buckets = max(1, min(buckets, samples))
    loudest = np.zeros(buckets, dtype=np.int32)
    position = 0
    for block in blocks(path):
        index = (np.arange(position, position + len(block)) * buckets) // max(1, samples)
        np.maximum.at(loudest, np.minimum(index, buckets - 1), np.abs(block.astype(np.int32)))
        position += len(block)
    return [round(float(value) / _FULL_SCALE, 4) for value in loudest]


def write_both(recordings: Sequence[StoredRecording], folder: Path, target: Path) -> float:
    """Put a call's kept recordings into one FLAC file: agent left, customer right.

    Each leg stands where it stood on the call's clock; what has another rate than the widest is
    resampled.

    Args:
        recordings: of one call; those without a file are left out.
        folder: of recordings.
        target: the file to write.

    Returns:
        Where the file's beginning stands on the call's clock, in seconds.

    Raises:
        RecordingFileError: nothing is kept, or a file cannot be read or written.
    """
    kept = [recording for recording in recordings if recording.kept]
    if not kept:
        raise RecordingFileError("nothing of this call is kept")
    rate = max(recording.rate for recording in kept)
    began_s = min(recording.offset_s for recording in kept)
    legs = [
        _Leg(
            _CHANNELS[recording.role],
            round((recording.offset_s - began_s) * rate),
            _at_rate(folder / recording.path, rate),
        )
        for recording in kept
    ]
    try:
        with soundfile.SoundFile(
            target, "w", samplerate=rate, channels=2, format="FLAC", subtype="PCM_16"
        ) as both:
            while any(not leg.over for leg in legs):
                both.write(_mixed(legs, rate * _MIXED_AT_ONCE_S))
    except (OSError, soundfile.SoundFileError) as error:
        raise RecordingFileError(f"{target}: {error}") from error
    return began_s


class _Leg:
    """One leg on its channel, `lead` samples of silence before it."""

    def __init__(self, channel: int, lead: int, samples: Iterator[Samples]) -> None:
        self.channel = channel
        self.over = False
        self._samples = samples
        self._held: Samples = np.zeros(lead, dtype=np.int16)

    def take(self, count: int) -> Samples:
        """The next samples; fewer than `count` when the leg is over."""
        pieces = [self._held]
        have = len(self._held)
        while have < count and not self.over:
            piece = next(self._samples, None)
            if piece is None:
                self.over = True
            else:
                pieces.append(piece)
                have += len(piece)
        joined = np.concatenate(pieces)
        self._held = joined[count:]
        return joined[:count]


def _mixed(legs: Iterable[_Leg], count: int) -> Samples:
    """The next samples of all legs, shape (samples, 2); at most `count`."""
    both = np.zeros((count, 2), dtype=np.int32)
    longest = 0
    for leg in legs:
        samples = leg.take(count)
        both[: len(samples), leg.channel] += samples  # a re-tapped leg may overlap the one before
        longest = max(longest, len(samples))
    return np.clip(both[:longest], -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)


def _at_rate(path: Path, rate: int) -> Iterator[Samples]:
    own = rate_of(path)
    if own == rate:
        yield from blocks(path)
        return
    stream = soxr.ResampleStream(own, rate, 1, dtype="int16")
    for block in blocks(path):
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, dtype=np.int16), last=True)
