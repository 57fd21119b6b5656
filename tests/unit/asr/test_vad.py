import numpy as np
import pytest
from audio_probes import line, probes, read
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.vad import WINDOW, StreamingVad

SPEECH = read("aishell1-st-0.flac")
PROBES = probes()


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
    np.testing.assert_allclose(found, whole, atol=1e-4)


def test_two_legs_do_not_hear_each_other():
    one, other = StreamingVad(), StreamingVad()
    mixed = []
    for at in range(0, len(SPEECH), 1_600):
        mixed += one.feed(SPEECH[at : at + 1_600])
        other.feed(PROBES["hiss"][at : at + 1_600])
    np.testing.assert_allclose(mixed, StreamingVad().feed(SPEECH), atol=1e-4)


def test_reset_forgets():
    vad = StreamingVad()
    vad.feed(SPEECH[:20_100])
    vad.reset()
    assert vad.feed(SPEECH) == pytest.approx(StreamingVad().feed(SPEECH), abs=1e-4)


@pytest.mark.parametrize("sound", sorted(PROBES))
def test_what_a_line_makes_by_itself_is_no_speech(sound):
    assert max(StreamingVad().feed(PROBES[sound])) < 0.5


@pytest.mark.parametrize(
    "name", ["aishell1-st-0.flac", "aishell1-st-8.flac", "aishell1-las-4.flac", "jfk.flac"]
)
def test_speech_through_a_phone_line_is_speech(name):
    probabilities = np.array(StreamingVad().feed(line(read(name))))
    assert (probabilities > 0.5).mean() > 0.4
