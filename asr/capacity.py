"""How many calls this machine can recognise, and with which settings. Takes under a minute.

A leg of a call is speech for some part of the time (`SPEECH_SHARE`, as in the bundled calls); the
node may be busy for `USABLE` of the time, or the queue before the recogniser would grow long.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import ctranslate2
import numpy as np

from asr.leg import LegPipeline, SpeechEnded
from asr.machine import Usage
from asr.model import MODELS, find_model
from asr.recognisers.base import HasWorkers, Recogniser
from asr.resample import RATE, Audio
from asr.settings import AsrSettings, VadSettings
from asr.workers.pool import WorkerPool

SPEECH_SHARE = 0.42
USABLE = 0.7

_CPU_TYPES = ("int8", "float32")
_GPU_TYPES = ("float16", "int8_float16", "bfloat16")
_MODELS = tuple(reversed(MODELS))  # the more accurate first
_SEGMENTS = 4
_BUDGET_S = 25.0
_TICK_S = 0.01  # the kernel counts processor time in hundredths
_LOOP_OVERHEAD = 2.0  # the event loop costs about what voice detection does


@dataclass(frozen=True, slots=True)
class Measured:
    """What one choice of settings does here. Times in seconds."""

    model: str
    device: str
    compute_type: str
    workers: int
    cpu_threads: int
    final_s: float
    """Wall time of one final while as many are decoded at once as there are workers."""
    speech_per_s: float
    """Seconds of speech that are finally decoded in a second, by all workers together."""
    partial_s: float
    """Wall time of one partial, likewise."""
    calls_finals_only: int
    calls_with_partials: int


def speech_segments(audio: Audio) -> list[Audio]:
    """The segments that voice detection finds in 16 kHz audio."""
    leg = LegPipeline(RATE, VadSettings(), partial_step_s=0)
    pcm = (np.clip(audio, -1, 1) * 32_767).astype("<i2").tobytes()
    outputs = leg.feed(0, pcm) + leg.close()
    return [output.audio for output in outputs if isinstance(output, SpeechEnded)]


def node_cost(audio: Audio) -> float:
    """CPU seconds that a second of one leg costs the node beside recognition."""
    began = time.process_time()
    speech_segments(audio)
    return _LOOP_OVERHEAD * (time.process_time() - began) * RATE / len(audio)


def calls_carried(speech_per_s: float, partial_share: float, node_s: float, cores: int) -> int:
    """Calls of two legs within `USABLE` of the machine.

    Args:
        speech_per_s: seconds of speech finally decoded in a second by the whole machine.
        partial_share: of the machine, that the partials of one speaking leg take.
        node_s: CPU seconds that a second of one leg costs beside recognition.
        cores: of the machine.
    """
    leg = SPEECH_SHARE * (1 / speech_per_s + partial_share) + node_s / cores
    return math.floor(USABLE / (2 * leg))


def candidates(settings: AsrSettings) -> list[AsrSettings]:
    """The settings worth measuring: the models at hand, on the GPU where there is one."""
    gpu = settings.device != "cpu" and ctranslate2.get_cuda_device_count() > 0
    device = "cuda" if gpu else "cpu"
    able = ctranslate2.get_supported_compute_types(device)
    cores = os.cpu_count() or 1
    names = list(dict.fromkeys((settings.model, *_MODELS)))
    found = [name for name in names if find_model(name, settings.models_dir) is not None]
    splits = [(1, 1)] if gpu else list(dict.fromkeys([(min(8, cores), 1), (1, min(8, cores))]))
    return [
        settings.model_copy(
            update={
                "model": name,
                "device": device,
                "compute_type": kind,
                "decode_threads": workers,
                "cpu_threads": threads,
            }
        )
        for name in found
        for kind in (_GPU_TYPES if gpu else _CPU_TYPES)
        if kind in able
        for workers, threads in splits
    ]


def measure_all(settings: AsrSettings, audio: Audio) -> Iterator[Measured]:
    """Measure candidate after candidate until the time is up.

    Args:
        settings: of recognition; the model and its guards.
        audio: speech at 16 kHz.

    Raises:
        RecogniserError: a model cannot be loaded.
    """
    settings = settings.model_copy(update={"recogniser": "whisper"})
    began = time.monotonic()
    node_s = node_cost(audio)
    segments = speech_segments(audio)[:_SEGMENTS]
    for chosen in candidates(settings):
        if time.monotonic() - began > _BUDGET_S:
            return
        # In worker processes, as live: in this one NumPy's own threads would be measured too.
        pool = WorkerPool.start(chosen.model_copy(update={"workers": chosen.parallel}))
        try:
            yield measure(pool, chosen, segments, node_s)
        finally:
            pool.close()


def measure(
    recogniser: Recogniser, chosen: AsrSettings, segments: Sequence[Audio], node_s: float
) -> Measured:
    """Decode some segments with as many at once as the settings say."""
    speech_s = sum(len(segment) for segment in segments) / RATE
    workers = recogniser.workers.pids if isinstance(recogniser, HasWorkers) else ()

    def timed(*, partial: bool) -> float:
        """Seconds that the machine needs, if it has nothing else to do."""

        def one(segment: Audio) -> None:
            recogniser.decode(segment, languages=["zh"], partial=partial)

        with ThreadPoolExecutor(chosen.parallel) as threads:
            began, cpu = time.perf_counter(), Usage.now(workers).cpu_s
            list(threads.map(one, [*segments]))
            wall = time.perf_counter() - began
            used = Usage.now(workers).cpu_s - cpu
        # Processor time is not blurred by what others do on the machine; but it says nothing of a
        # GPU, nor of threads that wait for each other.
        if chosen.device == "cuda" or chosen.cpu_threads > 1:
            return wall
        return max(used, _TICK_S) / chosen.parallel

    timed(partial=True)  # the first decoding of a model is slower than any other
    finals_s, partials_s = timed(partial=False), timed(partial=True)
    speech_per_s = speech_s / finals_s
    each_partial = partials_s / len(segments)  # of the whole machine's time
    step = chosen.partial_step_s or 1.0
    cores = os.cpu_count() or 1
    return Measured(
        model=chosen.model,
        device=chosen.device,
        compute_type=chosen.compute_type,
        workers=chosen.parallel,
        cpu_threads=chosen.cpu_threads,
        final_s=round(finals_s * chosen.parallel / len(segments), 2),
        speech_per_s=round(speech_per_s, 2),
        partial_s=round(each_partial * chosen.parallel, 2),
        calls_finals_only=calls_carried(speech_per_s, 0.0, node_s, cores),
        calls_with_partials=calls_carried(speech_per_s, each_partial / step, node_s, cores),
    )


def recommend(measured: Sequence[Measured]) -> Measured | None:
    """The choice that carries most calls with the best model that carries one with partials."""
    carrying = [one for one in measured if one.calls_with_partials >= 1] or list(measured)
    if not carrying:
        return None
    best = min(carrying, key=lambda one: _MODELS.index(one.model) if one.model in _MODELS else 0)
    same = [one for one in carrying if one.model == best.model]
    return max(same, key=lambda one: (one.calls_finals_only, one.calls_with_partials, -one.final_s))
