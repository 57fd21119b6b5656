"""Measuring recognition: `python -m asr.bench speech|calls|lag FOLDER [SETTING=JSON …]`.

`speech` decodes the files of a folder with `transcripts.tsv` one by one, wide band and through a
simulated phone line; `calls` runs recorded calls (`cNN.agent.flac`, `cNN.customer.flac`,
`cNN.json`) through the whole pipeline as fast as it goes; `lag` plays one of them in real time.
Settings are given by their path, as `whisper.beam_final=1` or `vad.pre_roll_s=0.2`.
"""

from __future__ import annotations

import asyncio
import csv
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from asr.audio_file import AudioFile
from asr.cer import ErrorRate, character_errors, word_errors
from asr.events import TranscriptFinal, TranscriptPartial
from asr.offline import transcribe_files
from asr.recognisers.base import Recogniser
from asr.recognisers.load import load_recogniser
from asr.resample import RATE, Audio, from_pcm
from asr.settings import AsrSettings
from backbone.media import Role

_PHONE_RATE = 8_000
_ROLES: tuple[Role, ...] = ("agent", "customer")


def read_audio(path: Path, *, phone: bool = False) -> Audio:
    """A whole file at 16 kHz; `phone` takes it through an 8 kHz line."""
    file = AudioFile(path)
    audio = from_pcm(b"".join(file))
    if phone:
        audio = soxr.resample(audio, file.rate, _PHONE_RATE)
        audio = soxr.resample(audio, _PHONE_RATE, RATE)
    else:
        audio = soxr.resample(audio, file.rate, RATE)
    return np.asarray(audio, np.float32)


def bench_speech(
    recogniser: Recogniser, folder: Path, *, partials: Sequence[bool] = (False, True)
) -> list[dict[str, Any]]:
    """Error rate and CPU time on read speech, by band, language, and final or partial.

    Args:
        recogniser: what is measured.
        folder: audio, with its words in `transcripts.tsv`.
        partials: whether to decode as for finals, for partials, or both.
    """
    with (folder / "transcripts.tsv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    results = []
    for phone in (False, True):
        clips = [(row, read_audio(folder / row["path"], phone=phone)) for row in rows]
        for partial in partials:
            rates: dict[str, ErrorRate] = {}
            redecoded = refused = 0
            cpu = time.process_time()
            for row, audio in clips:
                language = row["lang"]
                heard = recogniser.decode(audio, languages=[language], partial=partial)
                errors = character_errors if language == "zh" else word_errors
                nothing = rates.get(language, ErrorRate(0, 0))
                rates[language] = nothing + errors(row["text"], heard.text)
                redecoded += heard.redecoded
                refused += bool(heard.refused)
            cpu = time.process_time() - cpu
            seconds = sum(len(audio) for _, audio in clips) / RATE
            results.append(
                {
                    "band": "phone" if phone else "wide",
                    "partial": partial,
                    **{f"errors_{key}": round(rate.rate, 4) for key, rate in rates.items()},
                    "cpu_rtf": round(cpu / seconds, 4),
                    "redecoded": redecoded,
                    "refused": refused,
                }
            )
    return results


async def bench_call(
    recogniser: Recogniser, settings: AsrSettings, folder: Path, call: str, *, realtime: bool
) -> tuple[ErrorRate, dict[str, Any]]:
    """One recorded call through the pipeline: its errors, and how long it took."""
    truth = json.loads((folder / f"{call}.json").read_text(encoding="utf-8"))
    files = {role: folder / f"{call}.{role}.flac" for role in _ROLES}
    finals: list[TranscriptFinal] = []
    partials = 0
    wall, cpu = time.perf_counter(), time.process_time()
    async for event in transcribe_files(files, settings, recogniser, realtime=realtime):
        if isinstance(event, TranscriptFinal):
            finals.append(event)
        partials += isinstance(event, TranscriptPartial)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    errors = ErrorRate(0, 0)
    for role in _ROLES:
        said = "".join(
            turn.get("spoken", turn["text"]) for turn in truth["utterances"] if turn["role"] == role
        )
        own = sorted((final for final in finals if final.role == role), key=lambda f: f.start)
        errors += character_errors(said, "".join(final.text for final in own))
    lags = [final.lag_s for final in finals]
    return errors, {
        "call": call,
        "cer": round(errors.rate, 4),
        "finals": len(finals),
        "partials": partials,
        "redecoded": sum(final.redecoded for final in finals),
        "unintelligible": sum(final.unintelligible for final in finals),
        "lag_p50_s": round(statistics.median(lags), 2),
        "lag_p95_s": round(statistics.quantiles(lags, n=20)[-1], 2),
        "decode_s": round(sum(final.decode_s for final in finals), 1),
        "cpu_s": round(cpu, 1),
        "wall_s": round(wall, 1),
        "audio_s": round(2 * truth["duration"], 1),
    }


def _settings(words: Sequence[str]) -> AsrSettings:
    values: dict[str, Any] = {}
    for word in words:
        path, _, value = word.partition("=")
        *sections, name = path.split(".")
        place = values
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = json.loads(value)
    return AsrSettings.model_validate(values)


async def _bench_calls(
    recogniser: Recogniser,
    settings: AsrSettings,
    folder: Path,
    calls: Sequence[str],
    *,
    realtime: bool,
) -> None:
    everything = ErrorRate(0, 0)
    for call in calls:
        errors, result = await bench_call(recogniser, settings, folder, call, realtime=realtime)
        everything += errors
        _print(result)
    _print({"call": "all", "cer": round(everything.rate, 4), "characters": everything.units})


def _print(result: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    """Run one measurement and print a JSON object a line."""
    what, folder, *words = arguments
    settings = _settings(words)
    recogniser = load_recogniser(settings)
    if what == "speech":
        for result in bench_speech(recogniser, Path(folder)):
            _print(result)
        return
    calls = sorted(path.stem for path in Path(folder).glob("*.json"))
    realtime = what == "lag"
    chosen = calls[1:2] if realtime else calls
    asyncio.run(_bench_calls(recogniser, settings, Path(folder), chosen, realtime=realtime))


if __name__ == "__main__":
    main(sys.argv[1:])
