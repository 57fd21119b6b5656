import errno
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.spool import Spool


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 5)), max_size=30))
def test_what_goes_in_comes_out_whatever_the_order(steps):
    spool, waiting = Spool(), []
    for number, (samples, take) in enumerate(steps):
        audio = np.full(samples, number, np.float32)
        waiting.append((spool.put(audio), audio))
        if take < len(waiting):
            spooled, said = waiting.pop(take)
            np.testing.assert_array_equal(spooled.take(), said)
    for spooled, said in waiting:
        np.testing.assert_array_equal(spooled.take(), said)
    spool.close()


def test_the_file_has_no_name_and_shrinks_when_all_is_out(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spool = Spool()
    one, other = (spool.put(np.zeros(10_000, np.float32)) for _ in range(2))
    assert list(tmp_path.iterdir()) == []
    one.take()
    assert spool.put(np.ones(10, np.float32)).at == 80_000
    other.take()
    spool.close()


def test_room_is_used_again_when_all_was_taken_back():
    spool = Spool()
    for _ in range(3):
        spooled = spool.put(np.ones(100, np.float32))
        assert spooled.at == 0
        assert spooled.take().sum() == 100
    spool.close()


def test_a_closed_spool_has_nothing():
    spool = Spool()
    spooled = spool.put(np.zeros(10, np.float32))
    spool.close()
    with pytest.raises(OSError, match="closed"):
        spooled.take()


def test_a_full_disk_takes_nothing_and_the_next_finds_its_place(monkeypatch):
    spool = Spool()
    write, full = os.pwrite, [True]

    def pwrite(file, raw, at):
        if full:
            full.clear()
            write(file, raw[:100], at)  # a part of it had room
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, raw, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(OSError, match="No space"):
        spool.put(np.ones(1_000, np.float32))
    spooled = spool.put(np.full(1_000, 2, np.float32))
    assert (spooled.at, set(spooled.take())) == (0, {2.0})
    spool.close()
