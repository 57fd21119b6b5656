"""Knowing a process again, and ending it with all that belongs to it."""

import os
import signal
import subprocess

import pytest
from patience import PATIENCE_S

from tingzhen.lab.processes import ProcessMark


@pytest.fixture
def group():
    """A process that leads a group of two and ignores SIGTERM once it has said so."""
    process = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; sleep 60 & echo $!; wait"],
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    child = int(process.stdout.readline())
    yield process, child
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_the_whole_group_is_ended_even_when_it_ignores_the_polite_way(group):
    process, child = group
    mark, child_mark = ProcessMark.of(process.pid), ProcessMark.of(child)
    assert mark.alive()
    mark.kill(grace=0.1)
    assert not mark.alive()
    assert child_mark._gone_within(PATIENCE_S)


def test_a_frozen_process_is_ended_too(group):
    process, _ = group
    os.killpg(process.pid, signal.SIGSTOP)
    mark = ProcessMark.of(process.pid)
    assert mark.alive()
    mark.kill(grace=0.1)
    assert not mark.alive()


def test_a_later_process_of_the_same_number_is_another_one(group):
    process, _ = group
    mark = ProcessMark.of(process.pid)
    earlier = ProcessMark(process.pid, mark.started - 1)
    assert not earlier.alive()
    earlier.kill()
    assert mark.alive()


def test_there_is_no_mark_of_what_does_not_run(group):
    process, _ = group
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert ProcessMark.of(process.pid) is None
