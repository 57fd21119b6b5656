"""What short encoder windows cost in accuracy: the same segments, short and over the full 30 s."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.audio_file import AudioFile
from asr.cer import ErrorRate, character_errors
from asr.editor import Editor
from asr.leg import LegPipeline, SpeechEnded
from asr.live_bench import ROLES, calls_in, said
from asr.machine import Usage
from asr.recognisers.base import HasWorkers
from asr.recognisers.load import start_recogniser
from asr.resample import RATE, Audio
from asr.settings import AsrSettings
from asr.workers.pool import WorkerPool
from backbone.media import Role


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a call: what is said on it, and its segments in their order."""

    said: str
    segments: list[Audio]


def bench_windows(settings: AsrSettings, folder: Path, calls: int) -> dict[str, Any]:
    """Decode the segments of some calls twice, with one recogniser after the other.

    Args:
        settings: of recognition, with short windows.
        folder: scripted calls.
        calls: the first so many of them.

    Returns:
        Figures by name: error rates and CPU seconds per second of speech of both, and how many
        points the short windows are worse.
    """
    sides = [
        _side(folder, call, role, settings) for call in calls_in(folder)[:calls] for role in ROLES
    ]
    full = settings.whisper.model_copy(update={"window_floor_frames": {}})
    short_errors, short_cpu = _decode(settings, sides)
    full_errors, full_cpu = _decode(settings.model_copy(update={"whisper": full}), sides)
    return {
        "calls": len(sides) // len(ROLES),
        "segments": sum(len(side.segments) for side in sides),
        "characters": short_errors.units,
        "cer": round(short_errors.rate, 4),
        "cer_full_window": round(full_errors.rate, 4),
        "points_worse": round(100 * (short_errors.rate - full_errors.rate), 2),
        "cpu_per_speech_s": short_cpu,
        "cpu_per_speech_s_full_window": full_cpu,
    }


def _side(folder: Path, call: str, role: Role, settings: AsrSettings) -> _Side:
    file = AudioFile(folder / f"{call}.{role}.flac")
    leg = LegPipeline(file.rate, settings.vad, partial_step_s=0)
    outputs = [output for pcm in file for output in leg.feed(leg.expected, pcm)] + leg.close()
    segments = [output.audio for output in outputs if isinstance(output, SpeechEnded)]
    return _Side(said(folder, call, role), segments)


def _decode(settings: AsrSettings, sides: Sequence[_Side]) -> tuple[ErrorRate, float | None]:
    """Errors, and CPU seconds per second of speech; None when a worker took its count along."""
    recogniser = start_recogniser(settings)
    editor = Editor(settings.lexicon)
    language = "zh" if settings.language == "auto" else settings.language
    segments = [segment for side in sides for segment in side.segments]

    def one(segment: Audio) -> str:
        found = recogniser.decode(segment, languages=[language], partial=False)
        return editor.edit(found).text

    try:
        workers = recogniser.workers.pids if isinstance(recogniser, HasWorkers) else ()
        before = Usage.now(workers).cpu_s
        with ThreadPoolExecutor(settings.parallel) as threads:
            texts = iter(list(threads.map(one, segments)))
        cpu_s = Usage.now(workers).cpu_s - before
        whole = not isinstance(recogniser, HasWorkers) or recogniser.workers.pids == workers
    finally:
        if isinstance(recogniser, WorkerPool):
            recogniser.close()
    errors = ErrorRate(0, 0)
    for side in sides:
        errors += character_errors(side.said, "".join(next(texts) for _ in side.segments))
    speech_s = sum(len(segment) for segment in segments) / RATE
    return errors, round(cpu_s / speech_s, 4) if whole else None
