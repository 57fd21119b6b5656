"""Sentences that were offered to an agent: marking by hand that one was said."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from agent_console.access import Context, Who
from agent_console.api.parameters import Id
from agent_console.api.writing import Asked, Name, keep, not_found, read
from agent_console.problems import Problem
from qa_engine.events import EmpathyUsed
from qa_engine.guidance_storage import offers_of

router = APIRouter(tags=["guidance"])


class SentenceUsed(Asked):
    """Which of the offered sentences was said."""

    sentence_id: Name = Field(min_length=1)


@router.post("/calls/{call_id}/empathy/{offer_id}", status_code=204)
async def use_sentence(
    who: Who, context: Context, call_id: Id, offer_id: Id, body: SentenceUsed
) -> None:
    """Mark a sentence of an offer as said; what was heard later does not take it back."""
    offers = await read(context, lambda connection: offers_of(connection, call_id))
    offer = next((offer for offer in offers if offer.offer_id == offer_id), None)
    if offer is None:
        raise not_found("offer")
    if body.sentence_id not in {sentence.id for sentence in offer.sentences}:
        raise Problem(422, "invalid_request", "This sentence was not offered.")
    await keep(
        context,
        EmpathyUsed(
            at=context.clock.time(),
            call_id=call_id,
            offer_id=offer_id,
            sentence_id=body.sentence_id,
            used=True,
            by=who.username,
        ),
    )
