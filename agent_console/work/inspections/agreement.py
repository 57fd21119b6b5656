"""How far two inspectors agree: percent, and Cohen's kappa. Pure.

κ = (p_o − p_e) / (1 − p_e), where p_o is the share of items on which both gave the same answer
and p_e the share on which they would by chance, with each one's own frequencies of answers
(Cohen, "A coefficient of agreement for nominal scales", 1960). Landis and Koch (1977) call 0.61 to
0.80 substantial.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True, slots=True)
class Agreement:
    """Over `answers` pairs of answers; `percent` 0..100 and `kappa` −1..1.

    Both are None without any pair; kappa also where chance alone would make all answers the same,
    so that nothing can be told from it.
    """

    answers: int
    percent: float | None
    kappa: float | None


def agreement(pairs: Sequence[tuple[Hashable, Hashable]]) -> Agreement:
    """Compare pairs of answers to the same questions, always in the same order of raters."""
    count = len(pairs)
    if not count:
        return Agreement(0, None, None)
    observed = sum(first == second for first, second in pairs) / count
    firsts = Counter(first for first, _ in pairs)
    seconds = Counter(second for _, second in pairs)
    expected = sum(firsts[answer] * seconds[answer] for answer in firsts) / count**2
    kappa = None if expected == 1.0 else (observed - expected) / (1.0 - expected)
    return Agreement(count, round(100.0 * observed, 1), None if kappa is None else round(kappa, 3))


@dataclass(frozen=True, slots=True)
class Scored:
    """One inspector's answers to one call, by item."""

    inspection_id: str
    inspector: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """Agreement over all, by item of the card, and by pair of inspectors (in order of names)."""

    calls: int
    overall: Agreement
    items: dict[str, Agreement]
    pairs: dict[tuple[str, str], Agreement]


def report(scores: Iterable[Scored]) -> Report:
    """Compare all inspectors of the same calls, two by two."""
    calls: dict[str, list[Scored]] = defaultdict(list)
    for scored in scores:
        calls[scored.inspection_id].append(scored)
    by_item: dict[str, list[tuple[str, str]]] = defaultdict(list)
    by_pair: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    compared = 0
    for given in calls.values():
        compared += len(given) > 1
        for first, second in combinations(sorted(given, key=lambda one: one.inspector), 2):
            for item in sorted(first.answers.keys() & second.answers.keys()):
                pair = first.answers[item], second.answers[item]
                by_item[item].append(pair)
                by_pair[first.inspector, second.inspector].append(pair)
    everything = [pair for pairs in by_pair.values() for pair in pairs]
    return Report(
        compared,
        agreement(everything),
        {item: agreement(pairs) for item, pairs in by_item.items()},
        {names: agreement(pairs) for names, pairs in by_pair.items()},
    )
