"""G.711 A-law and μ-law by table (ITU-T G.711). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tingzhen.lab.sip.sdp import PCMA, PCMU

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _alaw_table() -> NDArray[np.int16]:
    codes = np.arange(256) ^ 0x55
    segment = (codes & 0x70) >> 4
    magnitude = ((codes & 0x0F) << 4) + np.where(segment == 0, 0x008, 0x108)
    magnitude <<= np.maximum(segment - 1, 0)
    return np.where(codes & 0x80, magnitude, -magnitude).astype(np.int16)


def _ulaw_table() -> NDArray[np.int16]:
    codes = ~np.arange(256) & 0xFF
    magnitude = ((((codes & 0x0F) << 3) + 0x84) << ((codes & 0x70) >> 4)) - 0x84
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


DECODE = {PCMA: _alaw_table(), PCMU: _ulaw_table()}
"""The sample of each of the 256 codes, by RTP payload type."""
SILENCE = {PCMA: 0xD5, PCMU: 0xFF}
"""The code of silence, by RTP payload type."""


def _levels(payload: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the codes in the order of their samples, and the bounds between neighbours."""
    order = np.argsort(DECODE[payload], kind="stable").astype(np.uint8)
    samples = DECODE[payload][order].astype(np.float64)
    return order, (samples[1:] + samples[:-1]) / 2


_LEVELS = {payload: _levels(payload) for payload in DECODE}


def encode(samples: NDArray[np.int16], payload: int) -> bytes:
    """Return the nearest code of each sample.

    Args:
        samples: 8 kHz mono, shape (n,).
        payload: `PCMA` or `PCMU`.
    """
    codes, bounds = _LEVELS[payload]
    return codes[np.searchsorted(bounds, samples)].tobytes()


def decode(data: bytes, payload: int) -> NDArray[np.int16]:
    """Return the samples of G.711 bytes, shape (len(data),)."""
    return DECODE[payload][np.frombuffer(data, np.uint8)]
