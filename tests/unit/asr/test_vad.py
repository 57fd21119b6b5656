import numpy as np
import pytest
from audio_probes import line, probes, read
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.vad import WINDOW, StreamingVad

SPEECH = read("aishell1-st-0.flac")
PROBES = probes()


def probabilities(windows):
    return [window.probability for window in windows]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5_000), max_size=30))
def test_chunks_do_not_matter(sizes):
    vad, found, at = StreamingVad(), [], 0
    for size in sizes:
        found += vad.feed(SPEECH[at : at + size])
        at += size
    found += vad.feed(SPEECH[at:])
    whole = StreamingVad().feed(SPEECH)
    assert len(found) == len(whole) == len(SPEECH) // WINDOW
    np.testing.assert_allclose(probabilities(found), probabilities(whole), atol=1e-4)


def test_two_legs_do_not_hear_each_other():
    one, other = StreamingVad(), StreamingVad()
    mixed = []
    for at in range(0, len(SPEECH), 1_600):
        mixed += one.feed(SPEECH[at : at + 1_600])
        other.feed(PROBES["hiss"][at : at + 1_600])
    whole = StreamingVad().feed(SPEECH)
    np.testing.assert_allclose(probabilities(mixed), probabilities(whole), atol=1e-4)


def test_reset_forgets():
    vad = StreamingVad()
    vad.feed(SPEECH[:20_100])
    vad.reset()
    whole = StreamingVad().feed(SPEECH)
    np.testing.assert_allclose(probabilities(vad.feed(SPEECH)), probabilities(whole), atol=1e-4)


@pytest.mark.parametrize("sound", sorted(PROBES))
def test_what_a_line_makes_by_itself_is_no_speech(sound):
    assert max(probabilities(StreamingVad().feed(PROBES[sound]))) < 0.5


@pytest.mark.parametrize(
    "name", ["aishell1-st-0.flac", "aishell1-st-8.flac", "aishell1-las-4.flac", "jfk.flac"]
)
def test_speech_through_a_phone_line_is_speech(name):
    found = np.array(probabilities(StreamingVad().feed(line(read(name)))))
    assert (found > 0.5).mean() > 0.4


PAUSE = np.zeros(40_000, np.float32)
TURNS = np.concatenate([PAUSE, SPEECH, PAUSE, SPEECH, PAUSE])
GATE = 10 ** (-55 / 10)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 9_000), max_size=30))
def test_chunks_do_not_matter_behind_a_gate_either(sizes):
    vad, found, at = StreamingVad(GATE), [], 0
    for size in sizes:
        found += vad.feed(TURNS[at : at + size])
        at += size
    found += vad.feed(TURNS[at:])
    whole = StreamingVad(GATE).feed(TURNS)
    np.testing.assert_allclose(probabilities(found), probabilities(whole), atol=1e-4)


def test_a_gate_spares_the_model_the_pauses_and_costs_no_speech():
    runs = []

    class Counting:
        def __init__(self, session):
            self.session = session

        def run(self, names, inputs):
            runs.append(len(inputs["input"]))
            return self.session.run(names, inputs)

    open_vad, vad = StreamingVad(), StreamingVad(GATE)
    vad._session = Counting(vad._session)
    gated = probabilities(vad.feed(TURNS))
    plain = probabilities(open_vad.feed(TURNS))
    assert sum(runs) < 0.8 * len(plain)
    voiced = [(one > 0.5, other > 0.5) for one, other in zip(gated, plain, strict=True)]
    assert sum(one != other for one, other in voiced) <= 2


def test_power_is_that_of_the_window():
    audio = np.full(2 * WINDOW, 0.5, np.float32)
    assert [window.power for window in StreamingVad().feed(audio)] == pytest.approx([0.25, 0.25])
