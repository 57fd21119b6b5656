"""When each character was said. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from asr.text import to_simplified

_FRAMES_PER_S = 50
"""Whisper's encoder gives one frame for 20 ms."""

_LOOK_AHEAD = 4


def token_starts(alignments: Sequence[tuple[int, int]], tokens: int) -> list[float]:
    """Start of each token in seconds, and behind them the end of the last one.

    Args:
        alignments: pairs of token and encoder frame along the path of dynamic time warping.
        tokens: their number; the path may lead on to the end token, whose start is the end.
    """
    starts: dict[int, float] = {}
    last = 0.0
    for token, frame in alignments:
        last = frame / _FRAMES_PER_S
        starts.setdefault(token, last)
    known = [starts[token] for token in range(tokens + 1) if token in starts]
    return [*known, *[last] * (tokens + 1 - len(known))]


def character_times(pieces: Sequence[tuple[str, float]], text: str) -> tuple[float, ...]:
    """Start of each character of a text that was made tidy.

    Args:
        pieces: what the tokens said, with the start of each in seconds.
        text: the same after `asr.text.tidy`, which drops spaces and simplifies characters.
    """
    raw: list[tuple[str, float]] = []
    for piece, start in pieces:
        simple = to_simplified(piece)
        raw += [
            (character, start) for character in (simple if len(simple) == len(piece) else piece)
        ]
    found: list[float] = []
    at = 0
    for character in text:
        ahead = range(at, min(at + _LOOK_AHEAD, len(raw)))
        # What is nowhere ahead was changed on the way: it takes the time of what stood there.
        at = next((place for place in ahead if raw[place][0] == character), at)
        found.append(round(raw[min(at, len(raw) - 1)][1], 2) if raw else 0.0)
        at += 1
    return tuple(found)
