"""Streaming voice activity detection: Silero, with its own state for each leg.

The wrapper that faster-whisper ships zeroes the state at every call, so it cannot stream; this
drives the same ONNX file and carries the state along.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple

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
# After windows that the gate kept from it, the model hears so many of them before the next: from
# a standing start it takes the beginning of speech for less than it is.
_LEAD_IN_WINDOWS = 8
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


class Window(NamedTuple):
    """What was heard in `WINDOW` samples."""

    probability: float
    """Of speech, 0..1."""
    power: float
    """Mean square of the samples, 1 for full scale."""


class StreamingVad:
    """Speech probabilities of one leg, 32 ms at a time. Not thread-safe.

    What comes out does not depend on how the audio was cut into chunks.

    Args:
        gate_power: windows below this power that follow a long pause are not shown to the model;
            their probability is 0. Most of a leg is the other side's turn, and costs next to
            nothing so.
    """

    def __init__(self, gate_power: float = 0.0) -> None:
        self._session = load_session()
        self._restorer = FundamentalRestorer()
        self._gate = gate_power
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
        self._fresh = True  # the state is that of nothing heard
        self._unheard = np.zeros((0, _CONTEXT + WINDOW), np.float32)  # the last ones, gated

    def feed(self, audio: Audio) -> list[Window]:
        """Take 16 kHz samples in; return what was heard in each window they completed."""
        pending = np.concatenate([self._rest, audio])
        windows = len(pending) // WINDOW
        self._rest = pending[windows * WINDOW :].copy()
        if not windows:
            return []
        heard = pending[: windows * WINDOW]
        shaped = heard.reshape(windows, WINDOW)
        powers = [float(power) / WINDOW for power in np.einsum("ij,ij->i", shaped, shaped)]
        rows = self._rows(self._restorer.feed(heard).reshape(windows, WINDOW))
        found: list[Window] = []
        while (at := len(found)) < windows:
            if self._fresh and powers[at] < self._gate:
                self._unheard = np.concatenate([self._unheard, rows[at : at + 1]])
                self._unheard = self._unheard[-_LEAD_IN_WINDOWS:]
                found.append(Window(0.0, powers[at]))
                continue
            # Never past the window after which the state is dropped, so that chunks do not matter.
            some = rows[at : at + _QUIET_WINDOWS - self._quiet]
            for probability in self._probabilities(some):
                found.append(Window(probability, powers[len(found)]))
                self._quiet = 0 if probability >= _SPEECH else self._quiet + 1
            if self._quiet >= _QUIET_WINDOWS:
                self._forget()
        return found

    def _probabilities(self, rows: Audio) -> list[float]:
        lead_in = len(self._unheard)
        if lead_in:
            rows = np.concatenate([self._unheard, rows])
            self._unheard = self._unheard[:0]
        found, self._h, self._c = self._session.run(
            None, {"input": rows, "h": self._h, "c": self._c}
        )
        self._fresh = False
        return [float(probability) for probability in found[lead_in:]]

    def _rows(self, voice: Audio) -> Audio:
        """The windows, each behind the last samples of the one before."""
        rows = np.empty((len(voice), _CONTEXT + WINDOW), np.float32)
        rows[:, _CONTEXT:] = voice
        rows[0, :_CONTEXT] = self._context
        rows[1:, :_CONTEXT] = voice[:-1, -_CONTEXT:]
        self._context = voice[-1, -_CONTEXT:].copy()
        return rows
