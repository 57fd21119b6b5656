"""A leg's samples on the tape: in place, once, with silence where some are missing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telephony.recording.tape import LONGEST_GAP_S, Tape


def laid(tape, *frames, end=None):
    pieces = [piece for sample, pcm in frames for piece in tape.take(sample, pcm)]
    if end is not None:
        pieces += tape.pad(end)
    return b"".join(pieces)


def pcm(*values):
    return np.array(values, dtype="<i2").tobytes()


def test_frames_in_order_follow_each_other():
    tape = Tape(8000)
    assert laid(tape, (0, pcm(1, 2)), (2, pcm(3))) == pcm(1, 2, 3)
    assert (tape.position, tape.missing) == (3, 0)


def test_jump_becomes_silence_and_is_counted():
    tape = Tape(8000)
    assert laid(tape, (0, pcm(1)), (3, pcm(4)), end=6) == pcm(1, 0, 0, 4, 0, 0)
    assert tape.missing == 4


def test_what_comes_twice_is_cut():
    tape = Tape(8000)
    assert laid(tape, (0, pcm(1, 2, 3)), (1, pcm(2, 3, 4)), (0, pcm(1))) == pcm(1, 2, 3, 4)
    assert tape.missing == 0


def test_jump_that_no_call_can_have_is_not_believed():
    tape = Tape(8000)
    assert laid(tape, (0, pcm(1)), (1 + (LONGEST_GAP_S + 1) * 8000, pcm(2)), (1, pcm(3))) == pcm(
        1, 3
    )
    assert tape.missing


@given(
    st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 300)).map(lambda p: range(p[0], sum(p))),
        max_size=30,
    )
)
def test_sample_n_of_the_tape_is_sample_n_of_the_leg(frames):
    """Whatever comes, in whatever order: each sample is its own number, or silence."""
    tape = Tape(8000)
    wave = np.arange(1, 4001, dtype="<i2")
    taped = np.frombuffer(laid(tape, *((r.start, wave[r].tobytes()) for r in frames)), "<i2")
    assert len(taped) == tape.position
    heard = taped != 0
    assert (taped[heard] == wave[: len(taped)][heard]).all()
    assert int((~heard).sum()) == tape.missing


@given(st.integers(-5, 10_000), st.binary(max_size=50))
def test_any_bytes_are_whole_samples(sample, data):
    assert len(laid(Tape(8000), (sample, data))) % 2 == 0
