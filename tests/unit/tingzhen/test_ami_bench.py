"""The measure of the manager interface's bytes: the same calls for both sides, and more of them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from backbone.errors import UserError
from tingzhen.ami_bench import Pipeline, Recording, memory, rates
from tingzhen.cli import app


@pytest.mark.parametrize("filtered", [False, True])
def test_each_copy_is_a_call_of_its_own(filtered):
    recording = Recording()
    pipeline = Pipeline()
    for number in range(5):
        pipeline.feed(recording.call(number, filtered=filtered))
    assert pipeline.records == 5
    assert pipeline.messages % 5 == 0


def test_the_filter_leaves_less_than_half():
    recording = Recording()
    assert len(recording.call(1, filtered=True)) < len(recording.call(1)) / 2


def test_both_sides_read_the_same_events():
    ours, theirs = rates(Recording(), calls=3, rounds=2, beside=True)
    assert (ours.who, theirs.who) == ("tingzhen", "panoramisk")
    assert ours.events == theirs.events == 3 * len(Recording().blocks)
    assert 0 < ours.p95 <= ours.median


def test_memory_is_told_on_the_way():
    assert [sample.calls for sample in memory(Recording(), 20)] == list(range(2, 21, 2))


def test_a_file_without_a_call_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"Event: FullyBooted\r\n\r\n")
    with pytest.raises(UserError, match="no call into a queue"):
        Recording(tmp_path / "x")
    with pytest.raises(UserError, match="No such file"):
        Recording(tmp_path / "none")


def test_command_prints_machine_and_command():
    result = CliRunner().invoke(
        app, ["bench", "ami", "--calls", "2", "--rounds", "1", "--memory-calls", "10", "--json"]
    )
    assert result.exit_code == 0
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["ratio"] > 0
    assert summary["machine"]
    assert summary["command"].startswith("tingzhen")
