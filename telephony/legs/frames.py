"""What a sender of audio can say, whatever it says it in."""

from __future__ import annotations

from typing import NamedTuple


class Identified(NamedTuple):
    """The sender says which leg this is."""

    leg_id: str


class Audio(NamedTuple):
    """Consecutive samples."""

    rate: int
    pcm: bytes


class Digit(NamedTuple):
    """A key was pressed."""

    digit: str


class Terminated(NamedTuple):
    """The sender ends the connection."""


class Failed(NamedTuple):
    """The sender reports an error."""

    code: int


class Unreadable(NamedTuple):
    """A frame that makes no sense; it was passed over."""

    kind: int
    length: int


Frame = Identified | Audio | Digit | Terminated | Failed | Unreadable
