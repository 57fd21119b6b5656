"""How a call scored."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from backbone.events import Delivery, Event


class ScoreItem(msgspec.Struct, frozen=True, kw_only=True):
    """The automatic answer to one question of a scorecard.

    `pending`: not decided yet; `na`: does not apply to this call, or could not be known. `earned`
    of `points` is 0 for both.
    """

    section: str
    item: str
    title: str
    title_en: str
    answer: Literal["yes", "no", "na", "pending"]
    points: float
    earned: float
    critical: bool = False


class RunningScore(Event, frozen=True, kw_only=True):
    """How the call scores so far, 0..100, by what is decided; None while nothing is."""

    delivery: ClassVar[Delivery] = Delivery.LATEST

    call_id: str
    card: str
    revision: str
    score: float | None
    items: tuple[ScoreItem, ...]

    def latest_key(self) -> object:
        """One per call."""
        return ("score", self.call_id)


class Score(Event, frozen=True, kw_only=True):
    """How the call scored automatically, once it was over. `revision` is the pack's version."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    score_id: str
    call_id: str
    queue: str
    agent: str
    card: str
    revision: str
    score: float | None
    items: tuple[ScoreItem, ...]
