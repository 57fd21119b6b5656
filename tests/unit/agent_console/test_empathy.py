"""Marking a sentence as said: one's own calls, offered sentences only."""

from __future__ import annotations

from collections.abc import AsyncIterator

import console_floor
import pytest
from console_rig import Rig, is_problem, rig
from console_world import Call, World

from agent_console.access import API
from qa_engine.guidance_storage import offers_of


@pytest.fixture
async def console(desk: World) -> AsyncIterator[Rig]:
    async with rig(desk) as console:
        yield console


async def test_a_sentence_that_was_offered_is_marked_as_said(desk: World, console: Rig) -> None:
    call = Call(desk, "one")
    await call.join()
    await call.connect()
    await console_floor.guidance(desk, call)
    address = f"{API}/calls/{call.id}/empathy/one-offer"
    async with console.log_in("li", "agent", agent=call.agent) as agent:
        other = await agent.post(address, json={"sentence_id": "not of the offer"})
        assert is_problem(other, 422, "invalid_request")
        unknown = await agent.post(address + "x", json={"sentence_id": "a1"})
        assert is_problem(unknown, 404, "not_found")
        said = await agent.post(address, json={"sentence_id": "a2"})
        assert said.status_code == 204
    async with console.log_in("wu", "agent", agent="PJSIP/1099") as stranger:
        assert is_problem(
            await stranger.post(address, json={"sentence_id": "a1"}), 404, "not_found"
        )
    with desk.engine.connect() as connection:
        [offer] = offers_of(connection, call.id)
    assert (offer.used, offer.sentence_id, offer.used_by) == (True, "a2", "li")
