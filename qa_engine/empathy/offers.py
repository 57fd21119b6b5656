"""Chooses sentences for one call and tells whether they were said. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backbone.ids import stable_id
from qa_engine.emotion.tracker import Feeling
from qa_engine.empathy.likeness import part_of
from qa_engine.empathy.models import Sentence
from qa_engine.events import EmpathySentence, Scene
from qa_engine.text import normalise

SENTENCES = 3
USED_FROM = 0.55
"""Likeness from which a sentence counts as said; docs/empathy.md has the calibration."""
LISTEN_S = 40.0
"""So long after an offer the agent may still say one of its sentences."""
LISTEN_FINALS = 4
AGAIN_S = 25.0
"""The same scene is not offered again before that."""


def sentence_group(sentence_id: str) -> str:
    """Name of the word group that a sentence waits for."""
    return f"sentence/{sentence_id}"


@dataclass(frozen=True, slots=True)
class Offer:
    """Sentences for a moment of the call; `at` is on the call's clock."""

    offer_id: str
    scene: Scene
    sentences: tuple[EmpathySentence, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Use:
    """What became of an offer; `sentence_id` is empty when it was ignored."""

    offer_id: str
    sentence_id: str
    similarity: float


@dataclass(slots=True)
class _Open:
    offer: Offer
    normalised: tuple[str, ...]
    finals: int = 0
    best: float = 0.0


@dataclass(slots=True)
class EmpathyOffers:
    """What is offered in one call, each sentence once.

    Args:
        call_id: the call's; sentences of equal fitness come in an order of its own.
        library: of the pack, by scene.
    """

    call_id: str
    library: Mapping[Scene, Sequence[Sentence]]
    _open: list[_Open] = field(default_factory=list)
    _shown: set[str] = field(default_factory=set)
    _last: dict[Scene, float] = field(default_factory=dict)

    def consider(
        self, feeling: Feeling, topic: str, at: float, heard: Callable[[str], bool]
    ) -> Offer | None:
        """An offer for how the caller feels after what they just said, if it is time for one.

        Args:
            feeling: after it.
            topic: of the call.
            at: the end of what they said, on the call's clock.
            heard: whether the caller said words of a group (`sentence_group`).
        """
        scene = feeling.scene
        if scene == "calm" or at < self._last.get(scene, -AGAIN_S) + AGAIN_S:
            return None
        chosen = self._choose(scene, topic, heard)
        if not chosen:
            return None
        offer = Offer(
            # No sentence comes twice in a call, so they tell one offer from all others.
            stable_id("empathy", self.call_id, *(sentence.id for sentence in chosen)),
            scene,
            tuple(EmpathySentence(s.id, s.zh, s.en) for s in chosen),
            at,
        )
        self.restore(offer)
        return offer

    def restore(self, offer: Offer) -> None:
        """Take in an offer that was made, by us or before a restart."""
        if any(opened.offer.offer_id == offer.offer_id for opened in self._open):
            return
        self._shown.update(sentence.id for sentence in offer.sentences)
        self._last[offer.scene] = offer.at
        self._open.append(_Open(offer, tuple(normalise(s.zh).text for s in offer.sentences)))

    def hear(self, said: str, start: float) -> list[Use]:
        """The agent said this (normalised) from `start` on; tells what was used of what is open."""
        uses: list[Use] = []
        for opened in list(self._open):
            if start < opened.offer.at:
                continue  # begun before the offer could be read
            opened.finals += 1
            for sentence, text in zip(opened.offer.sentences, opened.normalised, strict=True):
                likeness = part_of(text, said)
                opened.best = max(opened.best, likeness)
                if likeness >= USED_FROM:
                    uses.append(Use(opened.offer.offer_id, sentence.id, round(likeness, 2)))
                    self.settle(opened.offer.offer_id)
                    break
        return [*uses, *self._expire(lambda o: o.finals >= LISTEN_FINALS)]

    def tick(self, at: float) -> list[Use]:
        """Time passes; tells of offers that were ignored."""
        return self._expire(lambda o: at >= o.offer.at + LISTEN_S)

    def close(self) -> list[Use]:
        """The call is over: what is open was ignored."""
        return self._expire(lambda _: True)

    def settle(self, offer_id: str) -> None:
        """What became of an offer is known."""
        self._open = [opened for opened in self._open if opened.offer.offer_id != offer_id]

    def _expire(self, over: Callable[[_Open], bool]) -> list[Use]:
        ignored = [opened for opened in self._open if over(opened)]
        for opened in ignored:
            self.settle(opened.offer.offer_id)
        return [Use(o.offer.offer_id, "", round(o.best, 2)) for o in ignored]

    def _choose(self, scene: Scene, topic: str, heard: Callable[[str], bool]) -> list[Sentence]:
        fresh: Iterable[Sentence] = (
            s
            for s in self.library.get(scene, ())
            if s.id not in self._shown
            and (not s.topics or topic in s.topics)
            and (not s.if_heard or heard(sentence_group(s.id)))
        )
        # What answers the caller's own words and topic first; the rest in an order that differs
        # between calls, so that agents do not say the same all day.
        ranked = sorted(
            fresh, key=lambda s: (not s.if_heard, topic not in s.topics, self._lot(s.id))
        )
        return ranked[:SENTENCES]

    def _lot(self, sentence_id: str) -> bytes:
        return hashlib.sha256(f"{self.call_id}/{sentence_id}".encode()).digest()
