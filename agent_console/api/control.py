"""What a supervisor does to calls and agents. Every request answers with what Asterisk said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from agent_console import users
from agent_console.access import Context, Who
from agent_console.problems import Problem
from agent_console.viewer import Viewer
from telephony.control import actions
from telephony.control.actions import ControlInputError, SpyMode
from telephony.control.service import (
    Actor,
    ControlError,
    NotPermittedError,
    PbxUnreachableError,
    UnknownTargetError,
)

router = APIRouter(prefix="/control", tags=["control"])

CallId = Annotated[str, Path(max_length=64)]
_T = TypeVar("_T")

_STATUS: tuple[tuple[type[ControlError], int, str], ...] = (
    (NotPermittedError, 403, "not_permitted"),
    (UnknownTargetError, 404, "not_found"),
    (PbxUnreachableError, 503, "pbx_unreachable"),
    (ControlError, 409, "pbx_refused"),
)


class Said(BaseModel):
    """What Asterisk answered."""

    answer: str


class Listening(Said):
    """A supervisor's session on a call."""

    call_id: str
    mode: SpyMode


class Phone(BaseModel):
    """The phone that rings when its user listens in; empty for none."""

    extension: str = Field(max_length=80)


class Transfer(BaseModel):
    """Where to."""

    to: str = Field(max_length=32)


class Callback(BaseModel):
    """Who calls whom back; `agent` unset is the user's own phone."""

    to: str = Field(max_length=32)
    agent: str = Field("", max_length=80)
    system: str = Field("", max_length=128)


class Member(BaseModel):
    """An agent of a PBX, in one queue. `system` may be unset where there is one PBX."""

    agent: str = Field(max_length=80)
    queue: str = Field("", max_length=128)
    system: str = Field("", max_length=128)


class Pause(Member):
    """A reason is due: it shows on the wallboard."""

    reason: str = Field(min_length=1, max_length=80)


class Login(Member):
    """Into which queue, under which name."""

    queue: str = Field(min_length=1, max_length=128)
    name: str = Field("", max_length=80)
    penalty: int = Field(0, ge=0, le=1000)


class Logout(Member):
    """Out of which queue."""

    queue: str = Field(min_length=1, max_length=128)


def _actor(who: Viewer) -> Actor:
    return Actor(who.username, who.role, who.user.extension)


async def _done(work: Awaitable[_T]) -> _T:
    """Turn what control raises into the API's errors."""
    try:
        return await work
    except ControlInputError as error:
        raise Problem(422, "invalid_request", str(error)) from None
    except ControlError as error:
        status, kind = next((s, k) for known, s, k in _STATUS if isinstance(error, known))
        raise Problem(status, kind, str(error)) from None


@router.get("/phone")
async def my_phone(who: Who) -> Phone:
    """Tell which phone rings when I listen in."""
    return Phone(extension=_actor(who).extension)


@router.put("/phone")
async def set_my_phone(who: Who, context: Context, body: Phone) -> Phone:
    """Set which phone rings when I listen in."""
    if body.extension:
        try:
            actions.phone(body.extension)
        except ControlInputError as error:
            raise Problem(422, "invalid_request", str(error)) from None

    def store() -> None:
        with context.engine.begin() as connection:
            users.set_extension(connection, who.username, body.extension)

    await asyncio.to_thread(store)
    return body


@router.post("/calls/{call_id}/listening/{mode}")
async def listen(
    who: Who,
    context: Context,
    call_id: CallId,
    mode: Literal["listen", "whisper", "barge"],
) -> Listening:
    """Listen, whisper to the agent or join in; again with another mode to switch."""
    actor = _actor(who)
    spying, answer = await _done(context.control.spy(actor, call_id, mode))
    return Listening(answer=answer, call_id=call_id, mode=spying.mode)


@router.delete("/calls/{call_id}/listening")
async def stop_listening(who: Who, context: Context, call_id: CallId) -> Said:
    """Lay down my phone."""
    actor = _actor(who)
    return Said(answer=await _done(context.control.stop_spying(actor, call_id)))


@router.post("/calls/{call_id}/hangup")
async def hangup(who: Who, context: Context, call_id: CallId) -> Said:
    """End a call."""
    actor = _actor(who)
    return Said(answer=await _done(context.control.hangup(actor, call_id)))


@router.post("/calls/{call_id}/transfer")
async def transfer(who: Who, context: Context, call_id: CallId, body: Transfer) -> Said:
    """Hand the caller to an extension."""
    actor = _actor(who)
    return Said(answer=await _done(context.control.transfer(actor, call_id, body.to)))


@router.post("/callback")
async def callback(who: Who, context: Context, body: Callback) -> Said:
    """Ring an agent's phone, then call a number back."""
    actor = _actor(who)
    agent = body.agent or actor.extension
    return Said(answer=await _done(context.control.callback(actor, body.system, agent, body.to)))


@router.post("/agents/pause")
async def pause(who: Who, context: Context, body: Pause) -> Said:
    """Offer an agent no more calls."""
    actor = _actor(who)
    work = context.control.pause(actor, body.system, body.agent, body.reason, body.queue)
    return Said(answer=await _done(work))


@router.post("/agents/unpause")
async def unpause(who: Who, context: Context, body: Member) -> Said:
    """Offer an agent calls again."""
    actor = _actor(who)
    work = context.control.unpause(actor, body.system, body.agent, body.queue)
    return Said(answer=await _done(work))


@router.post("/agents/login")
async def queue_login(who: Who, context: Context, body: Login) -> Said:
    """Make an agent a member of a queue."""
    actor = _actor(who)
    work = context.control.queue_login(
        actor, body.system, body.agent, body.queue, name=body.name, penalty=body.penalty
    )
    return Said(answer=await _done(work))


@router.post("/agents/logout")
async def queue_logout(who: Who, context: Context, body: Logout) -> Said:
    """Take an agent out of a queue."""
    actor = _actor(who)
    work = context.control.queue_logout(actor, body.system, body.agent, body.queue)
    return Said(answer=await _done(work))
