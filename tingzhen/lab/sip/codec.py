"""A packet's samples and its bytes: G.711, or L16 in a wideband stream (RFC 3551). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tingzhen.lab.sip import g711
from tingzhen.lab.sip.sdp import Media

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FRAMES_A_SECOND = 50
_L16 = np.dtype(">i2")


def frame_samples(media: Media) -> int:
    """Samples of a packet of 20 ms."""
    return media.rate // _FRAMES_A_SECOND


def encode(samples: NDArray[np.int16], media: Media) -> bytes:
    """One packet's bytes; what is short of 20 ms is filled with silence.

    Args:
        samples: mono at the stream's rate, shape (n,), at most 20 ms.
        media: the stream.
    """
    count = frame_samples(media)
    if media.wide:
        return samples.astype(_L16).tobytes().ljust(count * _L16.itemsize, b"\0")
    silence = bytes([g711.SILENCE[media.payload]])
    return g711.encode(samples, media.payload).ljust(count, silence)


def understood(payload_type: int, media: Media | None) -> bool:
    """Whether a packet of that type holds audio we can read; `media` is the other side's stream."""
    if media is not None and media.wide:
        return payload_type == media.payload
    return payload_type in g711.DECODE


def decode(payload: bytes, payload_type: int) -> NDArray[np.int16]:
    """A packet's samples, shape (n,)."""
    if payload_type in g711.DECODE:
        return g711.decode(payload, payload_type)
    whole = len(payload) // _L16.itemsize * _L16.itemsize
    return np.frombuffer(payload[:whole], _L16).astype(np.int16)
