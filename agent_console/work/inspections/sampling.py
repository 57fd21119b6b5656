"""Which calls are drawn to be scored, and by whom. Pure, and the same for the same seed."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A call that may be drawn."""

    call_id: str
    queue: str
    agent: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn call and who score it."""

    candidate: Candidate
    inspectors: tuple[str, ...]


def draw(
    candidates: Iterable[Candidate],
    *,
    per_agent: int,
    most: int,
    inspectors: Sequence[str],
    each: int,
    seed: int,
) -> list[Drawn]:
    """Draw calls so that every agent's are as likely, and share them among the inspectors.

    Agents take turns, so that a limit on all cuts every agent alike. Each call goes to `each`
    different inspectors, one after another in turn, so that loads differ by one call at most.

    Args:
        candidates: in any order; a call that comes twice counts once.
        per_agent: calls of one agent at most.
        most: calls at most.
        inspectors: who share the work; at least `each`.
        each: inspectors per call.
        seed: makes the draw repeatable.
    """
    chance = random.Random(seed)  # noqa: S311 - a draw that can be repeated, not a secret
    agents: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in sorted(set(candidates), key=lambda one: one.call_id):
        agents[candidate.agent].append(candidate)
    names = sorted(agents)
    chance.shuffle(names)
    for name in names:
        chance.shuffle(agents[name])
    turns = [
        agents[name][turn]
        for turn in range(per_agent)
        for name in names
        if turn < len(agents[name])
    ]
    people = sorted(set(inspectors))
    chance.shuffle(people)
    return [
        Drawn(
            candidate,
            tuple(people[(number * each + place) % len(people)] for place in range(each)),
        )
        for number, candidate in enumerate(turns[:most])
    ]
