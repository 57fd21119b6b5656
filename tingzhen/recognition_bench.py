"""What recognition costs here, beside what streaming wrappers cost, in one run."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asr.baseline import redecode_growing_buffer
from asr.bench import read_audio
from asr.live_bench import bench_live, calls_in, said
from asr.machine import describe
from asr.recognisers.base import Recogniser
from asr.settings import AsrSettings
from asr.window_bench import bench_windows


def measure(
    recogniser: Recogniser,
    settings: AsrSettings,
    folder: Path,
    *,
    legs: int,
    seconds: float,
    baseline_seconds: float,
    window_calls: int,
) -> Iterator[dict[str, Any]]:
    """Measure with partials, with finals only, and the yardstick; one result after another.

    Args:
        recogniser: loaded from `settings`.
        settings: of recognition.
        folder: scripted calls.
        legs: at once, an even number.
        seconds: for how long calls begin.
        baseline_seconds: of audio for the yardstick; 0 leaves it out.
        window_calls: calls to decode over the full window too; 0 leaves that out, and so does a
            recogniser that has no windows.

    Yields:
        Objects with `type`, `what` and figures.
    """
    yield {
        "type": "bench_machine",
        "what": "machine",
        "machine": describe(),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "recogniser": recogniser.capabilities.name,
        "folder": folder.name,
    }
    costs: dict[str, float] = {}
    for what, changes in (
        ("with partials", {}),
        ("finals only", {"partial_step_s": 0.0}),
    ):
        chosen = settings.model_copy(update=changes)
        found = asyncio.run(bench_live(recogniser, chosen, folder, legs=legs, seconds=seconds))
        costs[what] = found["cpu_per_audio_s"]
        yield {"type": "bench_asr", "what": what, **found}
    if window_calls and settings.recogniser == "whisper":
        yield {
            "type": "bench_windows",
            "what": "the same segments over short windows and over the full one",
            **bench_windows(settings, folder, window_calls),
        }
    if not baseline_seconds:
        return
    call = calls_in(folder)[0]
    audio = read_audio(folder / f"{call}.agent.flac")
    found = redecode_growing_buffer(settings, audio, said(folder, call, "agent"), baseline_seconds)
    yield {
        "type": "bench_baseline",
        "what": "one leg, the growing buffer decoded again every second",
        **found,
        **{
            f"times_{what.replace(' ', '_')}": round(found["cpu_per_audio_s"] / cost, 1)
            for what, cost in costs.items()
        },
    }
