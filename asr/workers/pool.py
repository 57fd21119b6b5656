"""Worker processes behind the interface of a recogniser.

Each decodes one request at a time. One that dies or hangs is replaced, and what it was decoding
is decoded again by the next; so a crash in native code costs one decoding, and every segment has
its one answer.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import structlog

from asr.machine import cpu_seconds
from asr.recognisers.base import (
    Capabilities,
    DecodeError,
    RecogniserError,
    Recognition,
    WorkersState,
)
from asr.resample import Audio
from asr.settings import AsrSettings
from asr.workers.wire import (
    Done,
    Failed,
    Job,
    Ready,
    Refused,
    Reply,
    decode_reply,
    encode,
    encode_settings,
)

_log = structlog.get_logger(__name__)

_LOAD_TIMEOUT_S = 120.0
_FINAL_TRIES = 3  # the first may have met a worker that had died while idle
_LOOK_UP_S = 1.0  # how soon a waiting thread sees that the pool was closed
_RESTART_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)


def _threads(number: int) -> dict[str, str]:
    """Keeps native libraries from threads that would wait for work on a core of another worker.

    Left alone, NumPy's matrix product in front of Whisper kept a thread spinning on each core: a
    tenth of all processor time.
    """
    return {
        "OMP_NUM_THREADS": str(number),
        "OMP_WAIT_POLICY": "PASSIVE",
        "OPENBLAS_NUM_THREADS": "1",
    }


class _WorkerLostError(Exception):
    """A worker died, hung or spoke nonsense; the message is one word for the log."""


class _Worker:
    """One process."""

    def __init__(self, settings: AsrSettings) -> None:
        self._line, theirs = multiprocessing.Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "asr.workers.child", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                # It finds what this process finds, and nothing else.
                env={
                    **os.environ,
                    **_threads(settings.cpu_threads),
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
            )
        self._send(encode_settings(settings))
        reply = self._receive(_LOAD_TIMEOUT_S)
        if isinstance(reply, Refused):
            self.kill()
            raise RecogniserError(reply.reason)
        if not isinstance(reply, Ready):
            self.kill()
            raise _WorkerLostError("protocol")
        self.capabilities = reply.capabilities

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def decode(self, job: Job, timeout_s: float) -> list[Recognition]:
        """Have a job done.

        Raises:
            _WorkerLostError: the process is of no more use and is gone.
            DecodeError: the recogniser raised.
        """
        self._send(encode(job))
        reply = self._receive(timeout_s)
        if isinstance(reply, Failed):
            raise DecodeError(reply.error)
        if not isinstance(reply, Done) or len(reply.recognitions) != len(job.segments):
            self.kill()
            raise _WorkerLostError("protocol")
        return reply.recognitions

    def end(self) -> None:
        """End the process, whatever it does; whoever waits for its answer finds out."""
        self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        """End the process and give up the line. Only for the thread that uses it."""
        self.end()
        self._line.close()

    def _send(self, raw: bytes) -> None:
        try:
            self._line.send_bytes(raw)
        except OSError as error:
            self.kill()
            raise _WorkerLostError("died") from error

    def _receive(self, timeout_s: float) -> Reply:
        try:
            if self._answers(timeout_s):
                return decode_reply(self._line.recv_bytes())
        except (EOFError, OSError) as error:
            self.kill()
            raise _WorkerLostError("died") from error
        except msgspec.DecodeError as error:
            self.kill()
            raise _WorkerLostError("protocol") from error
        self.kill()
        raise _WorkerLostError("hung")

    def _answers(self, timeout_s: float) -> bool:
        """Wait for an answer, however slow the machine, while the process gets on with it.

        On a machine that others keep busy a decoding takes many times as long as its processor
        time: to give it up then would only add to the load.
        """
        began = seen = cpu_seconds(self.pid)
        while not self._line.poll(timeout_s):
            used = cpu_seconds(self.pid)
            if used <= seen or used - began > timeout_s:
                return False
            seen = used
        return True


class _Slot:
    """The place of one worker, filled again when it is lost."""

    def __init__(self) -> None:
        self.worker: _Worker | None = None


class WorkerPool:
    """Recognises in worker processes. Thread-safe; `decode` blocks while all of them are busy.

    Use `start`. `close` ends the processes; they also end when this process does, however.
    """

    def __init__(self, settings: AsrSettings, capabilities: Capabilities) -> None:
        self._settings = settings
        self._capabilities = capabilities
        self._slots: list[_Slot] = []
        self._free: queue.LifoQueue[_Slot] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._replaced = 0
        self._closed = threading.Event()
        atexit.register(self.close)

    @classmethod
    def start(cls, settings: AsrSettings) -> WorkerPool:
        """Start the workers of the settings and wait until they are loaded: some seconds.

        Where the recogniser gains from batches (a GPU), one worker serves all legs unless the
        settings say otherwise: several would only hold the weights several times.

        Raises:
            RecogniserError: the recogniser cannot be loaded.
        """
        first = _started(settings)
        pool = cls(settings, first.capabilities)
        number = settings.workers
        if number is None:
            number = 1 if first.capabilities.batch else settings.parallel
        pool._adopt(first)
        try:
            with ThreadPoolExecutor(max(1, number - 1), "start-worker") as starting:
                for worker in starting.map(_started, [settings] * (number - 1)):
                    pool._adopt(worker)
        except BaseException:
            pool.close()
            raise
        return pool

    @property
    def capabilities(self) -> Capabilities:
        """Those of the workers' recogniser."""
        return self._capabilities

    @property
    def workers(self) -> WorkersState:
        """How many there are, and how many had to be replaced so far."""
        pids = tuple(slot.worker.pid for slot in self._slots if slot.worker is not None)
        return WorkersState(pids=pids, replaced=self._replaced)

    def decode(
        self,
        audio: Audio,
        *,
        languages: Sequence[str],
        partial: bool,
        timed: bool = False,
        quick: bool = False,
    ) -> Recognition:
        """Decode one segment; see `Recogniser`.

        Raises:
            DecodeError: the recogniser raised, or workers died or hung on it several times.
        """
        return self._decode([audio], languages, partial=partial, timed=timed, quick=quick)[0]

    def decode_batch(
        self, segments: Sequence[Audio], *, languages: Sequence[str], quick: bool = False
    ) -> list[Recognition]:
        """Decode several finals at once; see `Recogniser`.

        Raises:
            DecodeError: as `decode`.
        """
        return self._decode(segments, languages, partial=False, quick=quick)

    def close(self) -> None:
        """End all workers. What is being decoded fails."""
        self._closed.set()
        atexit.unregister(self.close)
        with contextlib.suppress(queue.Empty):
            while True:
                idle = self._free.get_nowait()
                if idle.worker is not None:
                    idle.worker.kill()
                    idle.worker = None
        for slot in self._slots:
            if (busy := slot.worker) is not None:
                busy.end()

    def _adopt(self, worker: _Worker) -> None:
        slot = _Slot()
        slot.worker = worker
        self._slots.append(slot)
        self._free.put(slot)

    def _decode(
        self,
        segments: Sequence[Audio],
        languages: Sequence[str],
        *,
        partial: bool,
        timed: bool = False,
        quick: bool = False,
    ) -> list[Recognition]:
        raw = [np.ascontiguousarray(segment, np.float32).tobytes() for segment in segments]
        job = Job(raw, tuple(languages), partial, timed, quick)
        slot = self._taken()
        try:
            for _ in range(1 if partial else _FINAL_TRIES):
                worker = self._ready(slot)
                try:
                    return worker.decode(job, self._settings.decode_timeout_s)
                except _WorkerLostError as lost:
                    slot.worker = None
                    self._lost(str(lost))
        finally:
            self._free.put(slot)
        raise DecodeError("worker_lost")

    def _taken(self) -> _Slot:
        """A slot that is free, once there is one."""
        while not self._closed.is_set():
            with contextlib.suppress(queue.Empty):
                return self._free.get(timeout=_LOOK_UP_S)
        raise DecodeError("closed")

    def _ready(self, slot: _Slot) -> _Worker:
        """The slot's worker; a new one where it is empty.

        Raises:
            DecodeError: none can be started, after trying for a while.
        """
        if slot.worker is not None:
            return slot.worker
        for pause in _RESTART_PAUSES_S:
            if self._closed.wait(pause):
                break
            try:
                worker = _Worker(self._settings)
            except (_WorkerLostError, RecogniserError, OSError) as error:
                _log.error("asr_worker_not_started", error=type(error).__name__)
                continue
            if self._closed.is_set():
                worker.kill()
                break
            slot.worker = worker
            return worker
        raise DecodeError("no_worker")

    def _lost(self, how: str) -> None:
        if self._closed.is_set():
            raise DecodeError("closed")
        with self._lock:
            self._replaced += 1
        _log.error("asr_worker_lost", how=how)


def _started(settings: AsrSettings) -> _Worker:
    began = time.monotonic()
    try:
        worker = _Worker(settings)
    except _WorkerLostError as lost:
        raise RecogniserError(f"a recognition worker could not be started: it {lost}") from lost
    _log.debug("asr_worker_started", seconds=round(time.monotonic() - began, 2))
    return worker
