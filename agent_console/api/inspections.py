"""Scoring of calls by people: samples, blind scores, agreement, appeal and review."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection

from agent_console import users
from agent_console.access import Context, Who
from agent_console.api.inspection_bodies import (
    DAY_S,
    Appeal,
    MyAnswers,
    Review,
    SampleBody,
)
from agent_console.api.inspection_views import (
    AgreementView,
    InspectionView,
    Listed,
    agreement_view,
    listed_view,
    view,
)
from agent_console.api.parameters import Cursor, Limit
from agent_console.api.writing import changed_meanwhile, entry, keep, not_found, read, write
from agent_console.context import ConsoleContext
from agent_console.paging import Page
from agent_console.problems import Problem
from agent_console.viewer import Viewer
from agent_console.work.inspections import draws, store
from agent_console.work.inspections.agreement import report
from agent_console.work.inspections.draws import Plan
from agent_console.work.inspections.sampling import draw
from agent_console.work.inspections.scoring import (
    Answer,
    AnswersError,
    InspectionState,
    check,
    corrected,
)
from agent_console.work.inspections.store import Inspection, MovedError
from qa_engine.pack.problems import PackError

router = APIRouter(prefix="/inspections", tags=["inspections"])

InspectionId = Annotated[str, Path(max_length=64)]
_INSPECT = ("inspector", "lead", "manager")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn."""

    sample_id: str
    seed: int
    candidates: int
    inspection_ids: list[str]


@router.post("/samples", status_code=201)
async def draw_sample(who: Who, context: Context, body: SampleBody) -> Sample:
    """Draw calls to be scored. Calls that were drawn before are left out."""
    settings = context.desk.settings.inspections
    if body.most > settings.most_calls:
        raise Problem(422, "invalid_request", f"A draw takes {settings.most_calls} calls at most.")
    if len(set(body.inspectors)) < settings.inspectors:
        raise Problem(
            422, "invalid_request", f"Each call is scored by {settings.inspectors}: name as many."
        )
    try:
        card = await asyncio.to_thread(context.desk.scorecard)
    except PackError:
        card = None
    if card is None:
        raise Problem(409, "no_scorecard", "The rule pack has no scorecard that can be used.")
    seed = secrets.randbelow(2**32) if body.seed is None else body.seed
    plan = Plan(**{**body.model_dump(), "seed": seed})

    def write_sample(connection: Connection) -> Sample:
        _known_inspectors(connection, body.inspectors)
        found = [
            one
            for one in draws.candidates(connection, plan)
            if who.scope.sees(one.queue, (one.agent,))
        ]
        drawn = draw(
            found,
            per_agent=plan.per_agent,
            most=plan.most,
            inspectors=plan.inspectors,
            each=settings.inspectors,
            seed=seed,
        )
        sample_id, ids = draws.add_sample(
            connection, plan, drawn, *card, by=who.username, now=context.clock.time()
        )
        return Sample(sample_id, seed, len(found), ids)

    async with context.desk.writing:
        sample = await write(context, write_sample)
    said = f"{len(sample.inspection_ids)} of {sample.candidates} calls, seed {seed}"
    await keep(context, entry(context, who, "inspection_sample", sample.sample_id, said))
    return sample


@router.get("")
async def list_inspections(
    *,
    who: Who,
    context: Context,
    state: InspectionState | None = None,
    mine: Annotated[bool, Query(description="Only those given to me.")] = False,
    sample_id: Annotated[str, Query(max_length=64)] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Listed]:
    """Inspections, newest first: an inspector's own, the results of an agent's own calls."""
    agent = who.user.agent if who.role == "agent" else None
    given_to_me = mine or who.role == "inspector"

    def find(connection: Connection) -> Page[Listed]:
        found = store.listed(
            connection,
            inspector=who.username if given_to_me else None,
            agent=agent,
            state=state,
            sample_id=sample_id,
            scope=None if given_to_me else who.scope,
            limit=limit,
            cursor=cursor,
        )
        given = store.given_to(connection, [one.inspection_id for one in found.items])
        return Page(
            [listed_view(who, one, given[one.inspection_id]) for one in found.items], found.next
        )

    return await read(context, find)


@router.get("/agreement")
async def get_agreement(
    who: Who,
    context: Context,
    since: Annotated[float, Query(ge=0, le=4e9)] = 0.0,
    until: Annotated[float, Query(ge=0, le=4e9)] = 4e9,
) -> AgreementView:
    """Tell how far inspectors agree: percent and Cohen's kappa, in all, by item, two by two.

    An inspector sees the pairs with this inspector only.
    """
    scores = await read(context, lambda c: store.submitted(c, since, until))
    return agreement_view(who, report(scores))


@router.get("/{inspection_id}")
async def get_inspection(who: Who, context: Context, inspection_id: InspectionId) -> InspectionView:
    """One call to be scored: the card, the automatic answers with their evidence, my answers.

    What other inspectors answered is not shown before all have submitted.
    """
    return await _shown(context, who, inspection_id)


@router.put("/{inspection_id}/answers")
async def put_answers(
    who: Who, context: Context, inspection_id: InspectionId, body: MyAnswers
) -> InspectionView:
    """Keep my answers so far; refused when I kept others since `version`, in another window."""
    await _keep_answers(context, who, inspection_id, body.version, body.given())
    return await _shown(context, who, inspection_id)


@router.post("/{inspection_id}/submit")
async def submit(
    who: Who,
    context: Context,
    inspection_id: InspectionId,
    version: Annotated[
        int | None,
        Query(ge=0, description="Of my answers; refused when I kept others since."),
    ] = None,
) -> InspectionView:
    """Hand my answers in; they cannot be changed any more."""
    done = await _keep_answers(context, who, inspection_id, version)
    said = "all have submitted" if done else "submitted"
    await keep(context, entry(context, who, "inspection_submit", inspection_id, said))
    return await _shown(context, who, inspection_id)


@router.post("/{inspection_id}/appeal")
async def appeal(
    who: Who, context: Context, inspection_id: InspectionId, body: Appeal
) -> InspectionView:
    """Ask for a review of the result of my own call."""
    now = context.clock.time()
    days = context.desk.settings.inspections.appeal_days

    def move(connection: Connection) -> None:
        known = _visible(connection, who, inspection_id)
        if known.decided_at is not None and now - known.decided_at > days * DAY_S:
            raise Problem(409, "too_late", f"A result stands after {days:g} days.")
        values = {"appeal": body.text, "appealed_by": who.username, "appealed_at": now}
        store.move(connection, inspection_id, known.state, "appeal", values)

    await _move(context, move)
    await keep(context, entry(context, who, "inspection_appeal", inspection_id, "appealed"))
    return await _shown(context, who, inspection_id)


@router.post("/{inspection_id}/review")
async def review(
    who: Who, context: Context, inspection_id: InspectionId, body: Review
) -> InspectionView:
    """Decide on an appeal, or on what the inspectors disagree on; not by one of them."""
    now = context.clock.time()

    def move(connection: Connection) -> str:
        known = _visible(connection, who, inspection_id)
        given = store.scores_of(connection, inspection_id)
        if who.username in {one.inspector for one in given}:
            raise Problem(403, "not_permitted", "Who scored a call does not review its result.")
        card, _ = draws.card_of(connection, known.sample_id)
        result = corrected(card, known.result, body.given())
        values = {
            **store.result_row(result),
            "verdict": body.text,
            "decided_by": who.username,
            "decided_at": now,
        }
        store.move(connection, inspection_id, known.state, "review", values)
        return f"score {_shown_score(known.score)} to {_shown_score(result.score)}"

    said = await _move(context, move)
    await keep(context, entry(context, who, "inspection_review", inspection_id, said))
    return await _shown(context, who, inspection_id)


def _shown_score(score: float | None) -> str:
    return "none" if score is None else f"{score:g}"


def _known_inspectors(connection: Connection, names: tuple[str, ...]) -> None:
    for name in names:
        user = users.find_user(connection, name)
        if user is None or user.role not in _INSPECT:
            raise Problem(422, "invalid_request", "Name users who may score calls.")


def _visible(connection: Connection, who: Viewer, inspection_id: str) -> Inspection:
    """An inspection that is this user's to see: given to the user, of the user's scope.

    Raises:
        Problem: 404, there is none.
    """
    known = store.find(connection, inspection_id)
    if known is None:
        raise not_found("inspection")
    in_scope = who.scope.sees(known.queue, (known.agent,))
    match who.role:
        case "agent":
            allowed = in_scope and known.state != "open"
        case "inspector":
            allowed = store.is_given(connection, inspection_id, who.username)
        case _:
            allowed = in_scope or store.is_given(connection, inspection_id, who.username)
    if not allowed:
        raise not_found("inspection")
    return known


async def _shown(context: ConsoleContext, who: Viewer, inspection_id: str) -> InspectionView:
    def find(connection: Connection) -> InspectionView:
        return view(connection, who, _visible(connection, who, inspection_id))

    return await read(context, find)


async def _keep_answers(
    context: ConsoleContext,
    who: Viewer,
    inspection_id: str,
    version: int | None,
    answers: tuple[Answer, ...] | None = None,
) -> bool:
    """Write answers down, or submit those that are; whether all inspectors have submitted."""
    now = context.clock.time()
    submit = answers is None

    def put(connection: Connection) -> bool:
        known = _visible(connection, who, inspection_id)
        mine = store.score_of(connection, inspection_id, who.username)
        if mine is None:
            raise Problem(403, "not_permitted", "This call was not given to you to score.")
        if mine.submitted_at is not None:
            raise Problem(409, "submitted", "These answers were submitted and stand.")
        if version not in {None, mine.version}:
            raise changed_meanwhile("scoring")
        given = mine.answers if answers is None else answers
        card, _ = draws.card_of(connection, known.sample_id)
        automatic = store.automatic_of(connection, known.call_id)
        check(card, {} if automatic is None else automatic.answers, given, whole=submit)
        submitted_at = now if submit else None
        if not store.keep_answers(
            connection,
            inspection_id,
            who.username,
            given,
            version=mine.version,
            card=card,
            submitted_at=submitted_at,
        ):
            raise changed_meanwhile("scoring")
        return submit and store.complete(connection, inspection_id, card, now)

    return await _move(context, put)


async def _move(context: ConsoleContext, work: Callable[[Connection], _T]) -> _T:
    """Run a change; answer with a problem where it is not possible."""
    try:
        async with context.desk.writing:
            return await write(context, work)
    except AnswersError as error:
        raise Problem(422, "bad_answers", str(error)) from None
    except MovedError:
        raise Problem(409, "not_possible", "This inspection stands elsewhere by now.") from None
