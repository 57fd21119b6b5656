"""Streaming voice activity detection: Silero, with its own state for each leg.

The wrapper that faster-whisper ships zeroes the state at every call, so it cannot stream; this
drives the same ONNX file and carries the state along.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import faster_whisper
import numpy as np
import onnxruntime

from asr.fundamental import FundamentalRestorer
from asr.resample import Audio

WINDOW = 512
"""Samples per probability: 32 ms at 16 kHz."""

_CONTEXT = 64
_SPEECH = 0.2
# After so much without speech the state is dropped: music on hold, keys or a hum leave one behind
# in which the model takes the next speaker for more of the same.
_QUIET_WINDOWS = 32
_STATE = (1, 1, 128)


@functools.cache
def load_session() -> Any:
    """The Silero model. One session serves all legs and threads; state is theirs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Hundreds of tiny runs a second: a pool of spinning threads would cost more than the model.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    path = Path(faster_whisper.__file__).parent / "assets" / "silero_vad_v6.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class StreamingVad:
    """Speech probabilities of one leg, 32 ms at a time. Not thread-safe.

    The probabilities do not depend on how the audio was cut into chunks.
    """

    def __init__(self) -> None:
        self._session = load_session()
        self._restorer = FundamentalRestorer()
        self.reset()

    def reset(self) -> None:
        """Forget everything heard: the next sample begins a new stream."""
        self._forget()
        self._context = np.zeros(_CONTEXT, np.float32)
        self._rest = np.zeros(0, np.float32)
        self._restorer.reset()

    def _forget(self) -> None:
        self._h = np.zeros(_STATE, np.float32)
        self._c = np.zeros(_STATE, np.float32)
        self._quiet = 0  # windows without speech since

    def feed(self, audio: Audio) -> list[float]:
        """Take 16 kHz samples in; return one probability for each window they completed."""
        pending = np.concatenate([self._rest, audio])
        windows = len(pending) // WINDOW
        self._rest = pending[windows * WINDOW :].copy()
        if not windows:
            return []
        voice = self._restorer.feed(pending[: windows * WINDOW])
        whole = np.concatenate([self._context, voice])
        rows = np.lib.stride_tricks.sliding_window_view(whole, _CONTEXT + WINDOW)[::WINDOW]
        self._context = whole[-_CONTEXT:].copy()
        found: list[float] = []
        while len(found) < windows:
            # Never past the window after which the state is dropped, so that chunks do not matter.
            some = rows[len(found) : len(found) + _QUIET_WINDOWS - self._quiet]
            probabilities, self._h, self._c = self._session.run(
                None, {"input": np.ascontiguousarray(some), "h": self._h, "c": self._c}
            )
            for probability in probabilities:
                found.append(float(probability))
                self._quiet = 0 if found[-1] >= _SPEECH else self._quiet + 1
            if self._quiet >= _QUIET_WINDOWS:
                self._forget()
        return found
