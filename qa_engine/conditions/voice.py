"""Conditions on how it was said, not what; and on what other rules have found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backbone.media import Role
from qa_engine.conditions.base import Moment, in_order
from qa_engine.conditions.models import (
    FoundCondition,
    LouderCondition,
    RateCondition,
    TalkRatioCondition,
)
from qa_engine.events import Evidence
from qa_engine.text import spoken_length

if TYPE_CHECKING:
    from qa_engine.state import CallState

TRIMMED_S = 0.4
"""Voice activity cuts that much off the soft ends of a segment, which makes it seem faster."""


class RateFinder:
    """The average over all that a side has said so far; told once."""

    def __init__(self, condition: RateCondition, role: Role) -> None:
        self._condition = condition
        self._role: Role = role
        self._told: tuple[Moment, ...] = ()

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        condition = self._condition
        if self._told:
            return self._told
        finals = list(state.by(self._role))
        characters = sum(spoken_length(said.scan.text) for said in finals)
        seconds = sum(said.final.end - said.final.start + TRIMMED_S for said in finals)
        if characters >= condition.characters and seconds > 0:
            rate = characters / seconds * 60
            if rate > condition.above:
                self._told = (
                    Moment(
                        key=("rate", self._role),
                        role=self._role,
                        start=finals[0].final.start,
                        end=finals[-1].final.end,
                        evidence=Evidence(
                            measured=round(rate), limit=condition.above, unit="characters/min"
                        ),
                    ),
                )
        return self._told


class LouderFinder:
    """Jumps between a segment and the mean of those before it, of the same side."""

    def __init__(self, condition: LouderCondition, role: Role) -> None:
        self._condition = condition
        self._role: Role = role

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        condition = self._condition
        finals = [said.final for said in state.by(self._role)]
        found = []
        for number in range(1, len(finals)):
            before = finals[max(0, number - condition.look_back) : number]
            usual = sum(final.level_db for final in before) / len(before)
            jump = finals[number].level_db - usual
            if jump >= condition.by_db:
                final = finals[number]
                found.append(
                    Moment(
                        key=("louder", final.segment_id),
                        role=self._role,
                        start=final.start,
                        end=final.end,
                        evidence=Evidence(
                            segment_id=final.segment_id,
                            text=final.text,
                            measured=round(jump, 1),
                            limit=condition.by_db,
                            unit="dB",
                        ),
                    )
                )
        return found


class TalkRatioFinder:
    """A side's share of all speech so far; told once."""

    def __init__(self, condition: TalkRatioCondition, role: Role) -> None:
        self._condition = condition
        self._role: Role = role
        self._told: tuple[Moment, ...] = ()

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        condition = self._condition
        if self._told or state.heard != {"agent", "customer"} or state.lost:
            return self._told
        spoken = {"agent": 0.0, "customer": 0.0}
        for speech in state.speech:
            if speech.end is not None:
                spoken[speech.role] += speech.end - speech.start
        total = sum(spoken.values())
        if total < condition.after_s:
            return ()
        share = spoken[self._role] / total
        above, below = condition.above, condition.below
        if (above is not None and share > above) or (below is not None and share < below):
            self._told = (
                Moment(
                    key=("ratio", self._role),
                    role=self._role,
                    start=0.0,
                    end=state.last_speech_s,
                    evidence=Evidence(measured=round(share, 3), limit=above or below, unit="share"),
                ),
            )
        return self._told


class FoundFinder:
    """What other rules have found in this call."""

    def __init__(self, condition: FoundCondition) -> None:
        self._rules = frozenset(condition.rules)

    def moments(self, state: CallState) -> Sequence[Moment]:
        """See `Finder.moments`."""
        return in_order([moment for rule, moment in state.found if rule in self._rules])
