import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr.fundamental import STEP, FundamentalRestorer

T = np.arange(16_000) / 16_000
# A male voice on a phone line: harmonics of 120 Hz from the third on.
VOICE = sum(np.sin(2 * np.pi * 120 * k * T) for k in range(3, 20)).astype(np.float32) / 20


def power_at(audio, frequency):
    return abs(np.fft.rfft(audio)[frequency]) / len(audio)


def test_the_fundamental_comes_back():
    assert power_at(VOICE, 120) < 1e-6
    restored = FundamentalRestorer().feed(VOICE)
    assert power_at(restored, 120) > 0.2 * power_at(VOICE, 360)


def test_a_single_tone_gets_none():
    tone = np.sin(2 * np.pi * 450 * T).astype(np.float32)
    added = FundamentalRestorer().feed(tone) - tone
    assert np.abs(added[2_000:]).max() < 0.05


@given(st.lists(st.integers(1, 300), max_size=20))
def test_chunks_do_not_matter(steps):
    restorer, out, at = FundamentalRestorer(), [], 0
    for step in steps:
        if at + step * STEP < len(VOICE):
            out.append(restorer.feed(VOICE[at : at + step * STEP]))
            at += step * STEP
    out.append(restorer.feed(VOICE[at:]))
    np.testing.assert_allclose(np.concatenate(out), FundamentalRestorer().feed(VOICE), atol=1e-5)
