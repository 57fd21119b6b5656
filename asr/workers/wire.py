"""What a node and its recognition workers say to each other, as MessagePack over a socket pair.

One request is under way at a time: a worker holds no queue, so nothing more than the segment it
decodes can be lost with it.
"""

from __future__ import annotations

import msgspec

from asr.recognisers.base import Capabilities, Recognition
from asr.settings import AsrSettings


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The worker has loaded its recogniser."""

    capabilities: Capabilities


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The recogniser cannot be loaded, in one line for the user."""

    reason: str


class Job(msgspec.Struct, frozen=True, tag=True):
    """Segments to decode, as float32 samples; one or a batch of the same languages."""

    segments: list[bytes]
    languages: tuple[str, ...]
    partial: bool
    timed: bool = False
    quick: bool = False


class Done(msgspec.Struct, frozen=True, tag=True):
    """What the segments said, in their order."""

    recognitions: list[Recognition]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The recogniser raised: the name of the exception's class, never its words."""

    error: str


Reply = Ready | Refused | Done | Failed

_encoder = msgspec.msgpack.Encoder()
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
_jobs: msgspec.msgpack.Decoder[Job] = msgspec.msgpack.Decoder(Job)


def encode(message: Reply | Job) -> bytes:
    """One message as bytes."""
    return _encoder.encode(message)


def decode_reply(raw: bytes) -> Reply:
    """A worker's message.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _replies.decode(raw)


def decode_job(raw: bytes) -> Job:
    """A node's message.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _jobs.decode(raw)


def encode_settings(settings: AsrSettings) -> bytes:
    """Settings for a worker that decodes one segment at a time."""
    alone = settings.model_copy(update={"decode_threads": 1, "workers": 0})
    return alone.model_dump_json().encode()


def decode_settings(raw: bytes) -> AsrSettings:
    """Settings from `encode_settings`."""
    return AsrSettings.model_validate_json(raw)
