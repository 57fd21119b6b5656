import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.resample import RATE, Resampler, from_pcm

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000]


def stream(audio, rate, sizes):
    resampler, out, at = Resampler(rate), [], 0
    for size in sizes:
        out.append(resampler.feed(audio[at : at + size]))
        at += size
    out.append(resampler.feed(audio[at:]))
    out.append(resampler.flush())
    return np.concatenate(out)


@pytest.mark.parametrize("rate", RATES)
def test_a_click_stays_where_it_was(rate):
    audio = np.zeros(2 * rate, np.float32)
    audio[rate] = 1
    out = stream(audio, rate, [rate // 50] * 60)
    assert len(out) == 2 * RATE
    assert abs(int(np.abs(out).argmax()) - RATE) <= 1


@settings(max_examples=30)
@given(st.lists(st.integers(0, 3000), max_size=20), st.sampled_from(RATES))
def test_chunks_do_not_matter(sizes, rate):
    audio = np.random.default_rng(1).normal(0, 0.1, rate).astype(np.float32)
    np.testing.assert_array_equal(stream(audio, rate, sizes), stream(audio, rate, []))


def test_after_a_flush_the_next_sample_is_the_first():
    resampler = Resampler(8_000)
    tone = np.sin(np.arange(4_000) / 5).astype(np.float32)
    first = np.concatenate([resampler.feed(tone), resampler.flush()])
    second = np.concatenate([resampler.feed(tone), resampler.flush()])
    np.testing.assert_array_equal(first, second)


def test_the_loudest_samples_become_one():
    assert from_pcm(b"\x00\x80\xff\x7f").tolist() == [-1.0, pytest.approx(1.0, abs=1e-4)]


def test_no_rate_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        Resampler(0)
