import json
import os
import wave

import numpy as np
import pytest
from audio_probes import line, read

from asr.live_bench import bench_live, spread
from asr.machine import Usage, describe
from asr.recognisers.scripted import ScriptedRecogniser
from asr.settings import AsrSettings
from asr.window_bench import bench_windows

TEXT = "苹果此举是为了节约用电量"


@pytest.fixture
def calls(tmp_path):
    pause = np.zeros(8_000, np.float32)
    for role in ("agent", "customer"):
        with wave.open(str(tmp_path / f"c01.{role}.flac"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            audio = np.concatenate([pause, line(read("aishell1-st-3.flac"))])
            file.writeframes((audio * 32_767).astype("<i2").tobytes())
    turns = [{"role": role, "text": TEXT} for role in ("agent", "customer")]
    (tmp_path / "c01.json").write_text(json.dumps({"utterances": turns}), encoding="utf-8")
    return tmp_path


async def test_it_counts_what_was_heard_and_when(calls):
    recogniser = ScriptedRecogniser(lambda heard: TEXT[:4] if heard.partial else TEXT)
    found = await bench_live(recogniser, AsrSettings(), calls, legs=2, seconds=0)
    assert (found["segments"], found["finals"], found["lost"], found["repeated"]) == (2, 2, 0, 0)
    assert (found["cer"], found["frames_dropped"], found["audio_gaps"]) == (0.0, 0, 0)
    assert (found["out_of_order"], found["finals_spooled"], found["caught_up"]) == (0, 0, True)
    assert found["partials"] >= 2
    # A partial is due 0.8 s after speech began, or in its first pause.
    assert found["first_partial_s"]["p50"] > 0.3
    assert found["final_s"]["max"] >= found["final_s"]["p50"] >= 0
    assert found["cpu_per_audio_s"] > 0
    assert found["peak_memory_mb"] > 10


def test_short_windows_are_held_against_the_full_one(calls):
    turns = [{"role": role, "text": "好的"} for role in ("agent", "customer")]
    (calls / "c01.json").write_text(json.dumps({"utterances": turns}), encoding="utf-8")
    settings = AsrSettings(recogniser="worker_scripts:by_window", workers=0)
    found = bench_windows(settings, calls, 5)
    assert (found["calls"], found["segments"], found["characters"]) == (1, 2, 4)
    assert (found["cer"], found["cer_full_window"], found["points_worse"]) == (0.5, 0.0, 50.0)


def test_percentiles_of_nothing_are_unknown():
    assert spread([]) == {"p50": None, "p95": None, "max": None}
    assert spread([3.0]) == {"p50": 3.0, "p95": 3.0, "max": 3.0}
    assert spread(range(101)) == {"p50": 50, "p95": 95, "max": 100}


def test_usage_counts_processes_once_each_and_none_that_are_gone():
    one, two = Usage.now(), Usage.now((os.getpid(), 2**22 + 1))
    assert two.peak_mb >= 2 * one.peak_mb > 0
    assert two.workers_cpu_s >= one.own_cpu_s > 0
    assert "cores" in describe()
