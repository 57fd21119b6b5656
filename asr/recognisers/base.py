"""The interface between the pipeline and whatever recognises speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from asr.events import Correction
from asr.resample import Audio
from backbone.errors import UserError


class RecogniserError(UserError):
    """A recogniser cannot be loaded. The message is one line for the user."""


class DecodeError(Exception):
    """A segment cannot be decoded. The message is one word for the log, never what was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a recogniser can do; the pipeline asks for no more."""

    name: str
    rate: int
    """Samples per second it wants."""
    languages: frozenset[str]
    detects_language: bool
    """`language` may be None or several."""
    batch: bool
    """Several segments at once cost less than one after another."""
    streaming: bool
    """It takes audio as it comes and keeps state; otherwise it decodes whole segments."""
    words: bool
    """It gives times of words."""
    confidences: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What a segment said.

    `text` is empty when nothing believable was decoded; `refused` then says which guard refused
    it last (`silence`, `loop`, `too_many_tokens`, `low_confidence`, `invention`, `empty`).
    """

    text: str
    language: str
    confidence: float = 0.0
    """Mean token probability, 0..1."""
    language_probability: float = 1.0
    """How sure the language is, 0..1; 1 when it was given."""
    redecoded: bool = False
    """The first try was refused, and the fallback was used."""
    refused: str = ""
    char_times: tuple[float, ...] = ()
    """When each character of `text` begins, in seconds of the audio; empty if not known."""
    corrections: tuple[Correction, ...] = ()
    """Words in `text` that were decoded with other characters of their sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersState:
    """The processes behind a recogniser."""

    pids: tuple[int, ...]
    replaced: int
    """Workers that died or hung, since the start."""


class Recogniser(Protocol):
    """Decodes segments. Both methods block, may be called from several threads, and may raise."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def decode(
        self,
        audio: Audio,
        *,
        languages: Sequence[str],
        partial: bool,
        timed: bool = False,
        quick: bool = False,
    ) -> Recognition:
        """Decode one segment.

        Args:
            audio: mono float32 in −1..1 at the rate it wants.
            languages: the one spoken, or those it may be in.
            partial: a quick look at a segment that is still being spoken; no fallback.
            timed: times of characters are wanted of a partial too, if it can give any.
            quick: of a final, others wait for it: what only refines it is to be left out.
        """
        ...

    def decode_batch(
        self, segments: Sequence[Audio], *, languages: Sequence[str], quick: bool = False
    ) -> list[Recognition]:
        """Decode several finals at once; the same as one after another, in their order.

        Args:
            segments: as for `decode`.
            languages: as for `decode`, those of all segments.
            quick: as for `decode`.
        """
        ...


@runtime_checkable
class HasWorkers(Protocol):
    """A recogniser that runs in processes of its own."""

    @property
    def workers(self) -> WorkersState:
        """How they are."""
        ...
