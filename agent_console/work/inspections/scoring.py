"""An inspector's answers beside the automatic ones, and what comes of several. Pure.

The score is the sum that the scorecard itself makes of its items: see `qa_engine.scorecard.total`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from qa_engine.events import ScoreItem
from qa_engine.scorecard import Scorecard, total

Given = Literal["yes", "no", "na"]
Automatic = Literal["yes", "no", "na", "pending"]
InspectionState = Literal["open", "scored", "appealed", "reviewed"]
InspectionAction = Literal["complete", "appeal", "review"]

TRANSITIONS: Mapping[tuple[InspectionState, InspectionAction], InspectionState] = {
    ("open", "complete"): "scored",  # the last of its inspectors has submitted
    ("scored", "appeal"): "appealed",
    ("scored", "review"): "reviewed",  # what inspectors disagreed on can be settled without appeal
    ("appealed", "review"): "reviewed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of a person.

    `earned` may be given where a no costs only a part of the points. `segment_id` and `note` are
    the evidence; one that differs from the automatic answer needs either.
    """

    item: str
    answer: Given
    earned: float | None = None
    segment_id: str = ""
    note: str = ""


class AnswersError(ValueError):
    """Answers that cannot be taken; the message says why."""


def check(
    card: Scorecard,
    automatic: Mapping[str, Automatic],
    answers: Sequence[Answer],
    *,
    whole: bool,
) -> None:
    """See whether answers fit the card.

    Args:
        card: the scorecard of the sample.
        automatic: the automatic answers by item.
        answers: a person's.
        whole: every item must be answered.

    Raises:
        AnswersError: they do not.
    """
    points = {item.id: item.points for section in card.sections for item in section.items}
    seen: set[str] = set()
    for answer in answers:
        if answer.item not in points:
            raise AnswersError(f"this scorecard has no item {answer.item}")
        if answer.item in seen:
            raise AnswersError(f"the item {answer.item} is answered twice")
        seen.add(answer.item)
        if answer.earned is not None and not 0 <= answer.earned <= points[answer.item]:
            raise AnswersError(f"the item {answer.item} has {points[answer.item]:g} points")
        differs = automatic.get(answer.item, "pending") not in {answer.answer, "pending"}
        if differs and not (answer.segment_id or answer.note.strip()):
            raise AnswersError(
                f"the item {answer.item} was answered otherwise automatically: give evidence, "
                "a segment or a note"
            )
    if whole and (left := [name for name in points if name not in seen]):
        raise AnswersError(f"not answered yet: {', '.join(left)}")


def score(card: Scorecard, answers: Iterable[Answer]) -> float | None:
    """The score, 0..100, of a person's answers; None when nothing applies."""
    given = {answer.item: answer for answer in answers}
    items = []
    for section in card.sections:
        for item in section.items:
            answer = given.get(item.id)
            if answer is None:
                continue
            earned = item.points if answer.answer == "yes" else 0.0
            if answer.answer != "na" and answer.earned is not None:
                earned = answer.earned
            items.append(
                ScoreItem(
                    section=section.id,
                    item=item.id,
                    title=item.title,
                    title_en=item.title_en,
                    answer=answer.answer,
                    points=item.points,
                    earned=earned,
                    critical=item.critical,
                )
            )
    return total(card, items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What several inspectors' answers make together.

    `answers` are those that all gave alike; `disputed` names the other items. `score` is the mean
    of their scores until somebody reviews it.
    """

    answers: tuple[Answer, ...] = ()
    disputed: tuple[str, ...] = ()
    score: float | None = None


def combine(card: Scorecard, given: Sequence[Sequence[Answer]]) -> Result:
    """Put the answers of all inspectors of a call together."""
    agreed: list[Answer] = []
    disputed: list[str] = []
    by_item = [{answer.item: answer for answer in one} for one in given]
    for section in card.sections:
        for item in section.items:
            answers = [one[item.id] for one in by_item if item.id in one]
            if not answers:
                continue
            if len({(answer.answer, answer.earned) for answer in answers}) == 1:
                agreed.append(answers[0])
            else:
                disputed.append(item.id)
    scores = [value for one in given if (value := score(card, one)) is not None]
    return Result(
        answers=tuple(agreed),
        disputed=tuple(disputed),
        score=round(sum(scores) / len(scores), 1) if scores else None,
    )


def corrected(card: Scorecard, before: Result, changes: Sequence[Answer]) -> Result:
    """The result once a reviewer has decided: changes stand in place of what was there.

    Raises:
        AnswersError: a disputed item is left undecided, or a change does not fit the card.
    """
    check(card, {}, changes, whole=False)
    answers = {answer.item: answer for answer in (*before.answers, *changes)}
    if left := [item for item in before.disputed if item not in answers]:
        raise AnswersError(f"the inspectors disagree and you do not decide on: {', '.join(left)}")
    order = [item.id for section in card.sections for item in section.items]
    final = tuple(answers[item] for item in order if item in answers)
    return Result(answers=final, score=score(card, final))
