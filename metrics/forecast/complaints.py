"""Which topics are about to bring complaints, and how often such a warning came true.

A topic's week is conspicuous when it has more complaints than chance explains: with the topic's
own share of complaints over the weeks before as the mean of a Poisson variable, so many or more
come in less than one week of twenty. Whether that foretells anything is measured, not claimed:
each warning of the past is held against the week after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import poisson

BASELINE_WEEKS = 6
FEWEST = 3
"""Complaints in a week, below which no warning is given."""
SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class TopicWeek:
    """A topic's calls in one week, and those of them with a complaint."""

    calls: int
    complaints: int


@dataclass(frozen=True, slots=True)
class ComplaintWarning:
    """A topic whose last week was conspicuous.

    Attributes:
        topic: its id.
        week: the week's numbers.
        expected: complaints that the weeks before would let expect.
        chance: how likely so many or more are by chance.
    """

    topic: str
    week: TopicWeek
    expected: float
    chance: float


@dataclass(frozen=True, slots=True)
class HitRate:
    """Past warnings, and how often the week after them was worse than usual again.

    Attributes:
        warnings: how many were given and could be checked.
        hits: of them, followed by a week above the topic's earlier share of complaints.
        weeks: all topics' weeks that could be checked, with a warning or without.
        above: of them, followed by such a week: what no warning at all would hit.
    """

    warnings: int
    hits: int
    weeks: int
    above: int

    @property
    def rate(self) -> float | None:
        """Hits / warnings; None when there were none."""
        return self.hits / self.warnings if self.warnings else None

    @property
    def base_rate(self) -> float | None:
        """The same share over all weeks; None when there were none."""
        return self.above / self.weeks if self.weeks else None


def warn(topics: Mapping[str, Sequence[TopicWeek]]) -> list[ComplaintWarning]:
    """Name the topics whose last week was conspicuous, the least explicable first.

    Args:
        topics: each topic's weeks without a gap, the oldest first.
    """
    found = [
        warning
        for topic, weeks in topics.items()
        if weeks and (warning := _judge(topic, weeks[:-1], weeks[-1])) is not None
    ]
    return sorted(found, key=lambda warning: (warning.chance, warning.topic))


def hit_rate(topics: Mapping[str, Sequence[TopicWeek]]) -> HitRate:
    """Give the warnings that `warn` would have given in the past, and check each.

    Args:
        topics: as for `warn`.
    """
    warnings = hits = checked = above = 0
    for topic, weeks in topics.items():
        for index in range(1, len(weeks) - 1):
            before, this, after = weeks[:index], weeks[index], weeks[index + 1]
            usual = _share(before[-BASELINE_WEEKS:])
            if usual is None or not after.calls:
                continue
            came_true = after.complaints / after.calls > usual
            checked += 1
            above += came_true
            if _judge(topic, before, this) is not None:
                warnings += 1
                hits += came_true
    return HitRate(warnings=warnings, hits=hits, weeks=checked, above=above)


def _judge(topic: str, before: Sequence[TopicWeek], week: TopicWeek) -> ComplaintWarning | None:
    usual = _share(before[-BASELINE_WEEKS:])
    if usual is None or week.complaints < FEWEST:
        return None
    expected = usual * week.calls
    chance = float(poisson.sf(week.complaints - 1, expected))
    if chance >= SIGNIFICANCE:
        return None
    return ComplaintWarning(topic=topic, week=week, expected=expected, chance=chance)


def _share(weeks: Sequence[TopicWeek]) -> float | None:
    calls = sum(week.calls for week in weeks)
    return sum(week.complaints for week in weeks) / calls if calls else None
