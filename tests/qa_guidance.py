"""Calls followed by the default guidance, loaded once for all tests."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from qa_calls import ANSWERED, CALL, connected, ended, joined, legs, run, spoken

from asr.events import TranscriptFinal
from backbone.events import Event
from qa_engine.guidance.call import CallGuidance, Told
from qa_engine.guidance.content import Guidance, load_guidance


@functools.cache
def guidance(pack: Path | None = None) -> Guidance:
    return load_guidance(pack)


def follow(finals: Sequence[TranscriptFinal], duration: float | None = None) -> list[Told]:
    """A whole answered call, with ticks in between."""
    length = duration or max(said.end for said in finals) + 3
    events: list[Event] = [
        joined(),
        connected(),
        *legs(),
        *spoken(finals),
        ended(ANSWERED + length),
    ]
    events.sort(key=lambda event: event.at)
    return run(CallGuidance(guidance(), CALL), events, ANSWERED + length + 15)
