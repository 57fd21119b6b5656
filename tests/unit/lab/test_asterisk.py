"""What the next program makes of instances that it finds."""

import os
import subprocess

import msgspec
import pytest
from patience import PATIENCE_S

from tingzhen.lab import asterisk
from tingzhen.lab.asterisk import InstanceRecord, LabError
from tingzhen.lab.configuration import LabSettings, choose_addresses
from tingzhen.lab.processes import ProcessMark

DEAD = ProcessMark(pid=2**22 + 1, started=1)
"""Beyond the highest process number of Linux."""


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def left(tmp_path):
    """Return a function that lays down the record of an instance."""

    def lay(name, owner, process):
        folder = tmp_path / "run" / name
        folder.mkdir(parents=True)
        record = InstanceRecord(
            owner=owner, process=process, addresses=choose_addresses(LabSettings(), folder)
        )
        (folder / "instance.json").write_bytes(msgspec.json.encode(record))
        return folder

    return lay


def me():
    return ProcessMark.of(os.getpid())


def test_an_instance_in_use_is_left_alone(left, tmp_path, sleeper):
    running = ProcessMark.of(sleeper.pid)
    kept = [left("mine", me(), running), left("detached", None, running), left("new", me(), None)]
    assert asterisk.sweep(tmp_path) == 0
    assert all(folder.exists() for folder in kept)
    assert running.alive()


def test_an_instance_without_owner_is_ended_and_cleared(left, tmp_path, sleeper):
    folder = left("orphan", DEAD, ProcessMark.of(sleeper.pid))
    assert asterisk.sweep(tmp_path) == 1
    assert sleeper.wait(timeout=PATIENCE_S) is not None
    assert not folder.exists()


@pytest.mark.parametrize(("owner", "process"), [(DEAD, None), (None, DEAD), (None, None)])
def test_what_a_crash_left_is_cleared(left, tmp_path, owner, process):
    left("rest", owner, process)
    (tmp_path / "run" / "broken").mkdir()
    (tmp_path / "run" / "broken" / "instance.json").write_text("{")
    assert asterisk.sweep(tmp_path) == 2
    assert list((tmp_path / "run").iterdir()) == []


def test_only_what_runs_is_found_by_its_name(left, tmp_path, sleeper):
    left("up", None, ProcessMark.of(sleeper.pid))
    left("gone", None, DEAD)
    assert asterisk.find("up", tmp_path).process.pid == sleeper.pid
    assert asterisk.find("gone", tmp_path) is None
    assert asterisk.find("never", tmp_path) is None


async def test_a_path_too_long_for_a_socket_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(asterisk, "install", lambda _home: None)
    with pytest.raises(LabError, match="TINGZHEN_LAB shorter"):
        await asterisk.start(home=tmp_path / ("x" * 90))
