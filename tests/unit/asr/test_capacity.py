import numpy as np
import pytest
from audio_probes import line, read

from asr.capacity import Measured, calls_carried, measure, node_cost, recommend, speech_segments
from asr.recognisers.scripted import ScriptedRecogniser
from asr.settings import AsrSettings

PAUSE = np.zeros(16_000, np.float32)
AUDIO = np.concatenate([PAUSE, line(read("aishell1-st-5.flac")), PAUSE])


def measured(**changes):
    values = {
        "model": "base", "device": "cpu", "compute_type": "int8", "workers": 2, "cpu_threads": 1,
        "final_s": 0.5, "speech_per_s": 10.0, "partial_s": 0.3, "calls_finals_only": 8,
        "calls_with_partials": 3,
    }  # fmt: skip
    return Measured(**{**values, **changes})


@pytest.mark.parametrize(
    ("speech_per_s", "partial_share", "node_s", "calls"),
    [
        (10.0, 0.0, 0.0, 8),  # .7 / (2 × .42 / 10)
        (10.0, 0.1, 0.0, 4),
        (10.0, 0.0, 0.042, 5),  # two cores: .021 more for each leg
        (0.5, 0.0, 0.0, 0),
    ],
)
def test_calls_from_costs(speech_per_s, partial_share, node_s, calls):
    assert calls_carried(speech_per_s, partial_share, node_s, cores=2) == calls


def test_the_better_model_is_recommended_if_it_carries_a_call():
    small = measured(model="small", calls_finals_only=2, calls_with_partials=1)
    many = measured(calls_finals_only=9)
    assert recommend([measured(), small, many]) is small
    too_slow = measured(model="small", calls_finals_only=1, calls_with_partials=0)
    assert recommend([measured(), too_slow, many]) is many
    assert recommend([too_slow]) is too_slow
    assert recommend([]) is None


def test_what_was_decoded_is_what_is_measured():
    segments = speech_segments(AUDIO)
    assert len(segments) == 1
    recogniser = ScriptedRecogniser(lambda _: "好")
    found = measure(recogniser, AsrSettings(decode_threads=2), segments * 3, node_cost(AUDIO))
    assert (found.workers, found.model) == (2, "base")
    assert found.speech_per_s > 0
    assert found.calls_finals_only >= found.calls_with_partials >= 0
    finals = [call for call in recogniser.calls if not call.partial]
    assert len(finals) == 3
