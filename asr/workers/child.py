"""A worker: `python -m asr.workers.child DESCRIPTOR`, started by `WorkerPool` and no one else."""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing.connection import Connection

import numpy as np

from asr.recognisers.base import Recogniser
from asr.recognisers.load import load_recogniser
from asr.workers.wire import (
    Done,
    Failed,
    Job,
    Ready,
    Refused,
    decode_job,
    decode_settings,
    encode,
)
from backbone.errors import UserError


def serve(line: Connection) -> None:
    """Load the recogniser that the first message asks for, then decode until the line closes."""
    settings = decode_settings(line.recv_bytes())
    # Recognition gives way to audio, to alerts, and to a PBX on the same machine.
    os.nice(settings.nice)
    try:
        recogniser = load_recogniser(settings)
    except UserError as error:
        line.send_bytes(encode(Refused(str(error))))
        return
    line.send_bytes(encode(Ready(recogniser.capabilities)))
    while True:
        line.send_bytes(encode(answer(recogniser, decode_job(line.recv_bytes()))))


def answer(recogniser: Recogniser, job: Job) -> Done | Failed:
    """Decode what a job holds."""
    segments = [np.frombuffer(segment, np.float32) for segment in job.segments]
    try:
        if len(segments) == 1:
            one = recogniser.decode(
                segments[0],
                languages=job.languages,
                partial=job.partial,
                timed=job.timed,
                quick=job.quick,
            )
            return Done([one])
        batch = recogniser.decode_batch(segments, languages=job.languages, quick=job.quick)
        return Done(batch)
    except Exception as error:  # noqa: BLE001 - one bad segment must not end the worker
        return Failed(type(error).__name__)


def main() -> None:
    """Serve until the node goes away."""
    # A terminal's Ctrl-C reaches the whole group; the node decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Connection(int(sys.argv[1])) as line:
            serve(line)
    except (EOFError, ConnectionError):
        return  # the node is gone


if __name__ == "__main__":
    main()
