"""What streaming wrappers around Whisper do: decode the growing buffer again every second.

The buffer is cut as whisper_streaming's default does it: beyond 15 s, at the end of the last
segment but one. Only a yardstick: nothing in the product runs this.
"""

from __future__ import annotations

import time
from typing import Any

from faster_whisper import WhisperModel

from asr.cer import character_errors
from asr.model import ensure_model
from asr.resample import RATE
from asr.settings import AsrSettings
from asr.text import tidy

_STEP_S = 1.0
_LONGEST_S = 15.0
_BEAM = 5


def redecode_growing_buffer(
    settings: AsrSettings, audio: Any, said: str, seconds: float
) -> dict[str, Any]:
    """Measure it on one leg, as fast as one thread goes.

    Args:
        settings: which model; compute type and language.
        audio: one leg at 16 kHz.
        said: what is said in it; the error rate is only given when the whole leg is decoded.
        seconds: how much of the leg to decode.

    Returns:
        Figures by name. `cpu_per_audio_s` above 1 means that one core cannot carry one leg.
    """
    folder = ensure_model(settings.model, directory=settings.models_dir)
    compute_type = "int8" if settings.compute_type == "default" else settings.compute_type
    model = WhisperModel(str(folder), device="cpu", compute_type=compute_type, cpu_threads=1)
    language = None if settings.language == "auto" else settings.language
    total = min(len(audio), round(seconds * RATE))
    committed, text, start, decodings = "", "", 0, 0
    took: list[float] = []
    cpu = time.process_time()
    step = round(_STEP_S * RATE)
    for end in range(step, total + step, step):
        end_sample = min(end, total)
        began = time.perf_counter()
        found, _ = model.transcribe(
            audio[start:end_sample],
            language=language,
            beam_size=_BEAM,
            condition_on_previous_text=False,
        )
        segments = list(found)
        took.append(time.perf_counter() - began)
        decodings += 1
        text = "".join(segment.text for segment in segments)
        if end_sample - start > _LONGEST_S * RATE and len(segments) > 1:
            committed += "".join(segment.text for segment in segments[:-1])
            start += round(segments[-2].end * RATE)
            text = segments[-1].text
    cpu = time.process_time() - cpu
    heard = tidy(committed + text)
    whole = total == len(audio)
    return {
        "audio_s": round(total / RATE, 1),
        "decodings": decodings,
        "cpu_per_audio_s": round(cpu * RATE / total, 3),
        "update_s_mean": round(sum(took) / len(took), 2),
        "update_s_max": round(max(took), 2),
        "keeps_up": max(took) <= _STEP_S,
        "cer": round(character_errors(said, heard).rate, 4) if whole else None,
        "whole_leg": whole,
    }
