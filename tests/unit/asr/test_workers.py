import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import structlog
from patience import PATIENCE_S

from asr.recognisers.base import DecodeError, RecogniserError
from asr.recognisers.load import start_recogniser
from asr.recognisers.scripted import ScriptedRecogniser
from asr.settings import AsrSettings
from asr.workers import child, wire
from asr.workers.pool import WorkerPool


@contextlib.contextmanager
def pool(script, folder, **settings):
    values = {"workers": 1, "nice": 0, "models_dir": folder, **settings}
    workers = WorkerPool.start(AsrSettings(recogniser=f"worker_scripts:{script}", **values))
    try:
        yield workers
    finally:
        workers.close()


def decode(workers, samples=1600, *, partial=False):
    audio = np.zeros(samples, np.float32)
    return workers.decode(audio, languages=["zh"], partial=partial).text


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_worker_answers_as_the_recogniser_in_it(tmp_path):
    with pool("well", tmp_path) as workers:
        assert workers.capabilities.name == "scripted"
        assert [decode(workers, samples) for samples in (1600, 160_000)] == ["1600", "160000"]
        batch = [np.zeros(samples, np.float32) for samples in (10, 20, 30)]
        texts = [found.text for found in workers.decode_batch(batch, languages=["zh"])]
        assert texts == ["10", "20", "30"]


def test_what_a_dead_worker_was_decoding_is_decoded_again(tmp_path):
    with pool("crash", tmp_path) as workers:
        (first,) = workers.workers.pids
        assert decode(workers) == "1600"
        assert workers.workers.replaced == 1
        assert replaced(workers, first)


@pytest.mark.parametrize("trouble", ["hang", "spin"])
def test_what_a_worker_without_an_end_was_decoding_is_decoded_again(tmp_path, trouble):
    with pool(trouble, tmp_path, decode_timeout_s=1.0) as workers:
        (first,) = workers.workers.pids
        assert decode(workers) == "1600"
        # A machine that gives the second no moment either costs a third.
        assert workers.workers.replaced >= 1
        assert replaced(workers, first)


def replaced(workers, first):
    """Whether the one worker is another now, and the first has ended."""
    (now,) = workers.workers.pids
    return now != first and gone(first)


def test_a_slow_machine_is_no_reason_to_give_a_worker_up(tmp_path):
    with pool("starved", tmp_path, decode_timeout_s=3.0) as workers:
        assert decode(workers) == "1600"
        assert workers.workers.replaced == 0


def test_a_segment_that_kills_every_worker_is_given_up_and_the_pool_lives(tmp_path):
    with pool("crash_always", tmp_path) as workers:
        with pytest.raises(DecodeError):
            decode(workers)
        assert workers.workers.replaced == 3


def test_a_partial_is_not_worth_a_second_worker(tmp_path):
    with pool("crash_always", tmp_path) as workers:
        with pytest.raises(DecodeError):
            decode(workers, partial=True)
        assert workers.workers.replaced == 1


def test_a_worker_killed_while_idle_is_not_noticed_by_the_next_segment(tmp_path):
    with pool("well", tmp_path) as workers:
        os.kill(workers.workers.pids[0], signal.SIGKILL)
        assert decode(workers) == "1600"


def test_an_exception_costs_no_worker_and_tells_nothing(tmp_path):
    with pool("fail", tmp_path) as workers, structlog.testing.capture_logs() as logs:
        with pytest.raises(DecodeError) as raised:
            decode(workers)
        assert workers.workers.replaced == 0
    assert str(raised.value) == "ValueError"
    assert "patient" not in repr(logs)


def test_as_many_segments_at_once_as_workers(tmp_path):
    with pool("slow", tmp_path, workers=2) as workers, ThreadPoolExecutor(2) as threads:
        texts = [threads.submit(decode, workers, samples) for samples in (100, 200)]
        pids = workers.workers.pids
        wait_for(*(tmp_path / f"started-{pid}" for pid in pids))
        (tmp_path / "go").touch()
        assert sorted(text.result() for text in texts) == ["100", "200"]


def wait_for(*files):
    until = time.monotonic() + PATIENCE_S
    while not all(file.exists() for file in files):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_closing_ends_the_processes_and_fails_what_is_under_way(tmp_path):
    with pool("slow", tmp_path) as workers, ThreadPoolExecutor(1) as threads:
        (pid,) = workers.workers.pids
        text = threads.submit(decode, workers)
        wait_for(tmp_path / f"started-{pid}")
        workers.close()
        with pytest.raises(DecodeError):
            text.result()
        assert gone(pid)


def test_a_recogniser_that_cannot_be_loaded_says_why(tmp_path):
    with pytest.raises(RecogniserError, match="no such model: get it"), pool("refuse", tmp_path):
        pass


@pytest.mark.parametrize("name", ["no_such_plug_in", "worker_scripts:nothing", "no_module:load"])
def test_an_unknown_recogniser_is_the_users_to_mend(name):
    for workers in (0, 1):
        with pytest.raises(RecogniserError, match=name.partition(":")[0]):
            start_recogniser(AsrSettings(recogniser=name, workers=workers))


def test_no_workers_means_in_this_process():
    found = start_recogniser(AsrSettings(recogniser="worker_scripts:well", workers=0))
    assert isinstance(found, ScriptedRecogniser)


def test_settings_reach_the_worker():
    settings = AsrSettings(language="auto", workers=3, vad={"threshold": 0.6})
    there = wire.decode_settings(wire.encode_settings(settings))
    assert (there.language, there.vad.threshold, there.parallel) == ("auto", 0.6, 1)


def test_audio_reaches_the_recogniser_unchanged():
    audio = np.random.default_rng(1).normal(size=999).astype(np.float32)
    heard = []

    class Ears(ScriptedRecogniser):
        def decode(self, audio, **how):
            heard.append(audio)
            return super().decode(audio, **how)

    job = wire.decode_job(wire.encode(wire.Job([audio.tobytes()], ("zh",), partial=False)))
    done = child.answer(Ears(["好"]), job)
    assert wire.decode_reply(wire.encode(done)) == done
    np.testing.assert_array_equal(heard[0], audio)
