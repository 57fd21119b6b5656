"""Calls: the list, one with all that was heard and found in it, its sound, its replay."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.responses import Response

from agent_console import reads
from agent_console.access import Context, Who
from agent_console.api.parameters import Cursor, Id, Limit, Name, Since, Until, Words
from agent_console.api.writing import entry
from agent_console.context import ConsoleContext
from agent_console.history import calls as call_list
from agent_console.history.calls import CallFilter, CallQuery, CallSummary
from agent_console.history.replay import replay_of
from agent_console.history.sound import LegWaveform, NotKeptError, Side, Sound
from agent_console.paging import BadCursorError, Page
from agent_console.problems import Problem
from agent_console.viewer import Viewer
from qa_engine.events import Severity
from telephony.events import Outcome
from telephony.recording.files import RecordingFileError

router = APIRouter(prefix="/calls", tags=["calls"])


class ReplayView(BaseModel):
    """One event of the live page, `offset_s` seconds after the call's first."""

    offset_s: float
    event: dict[str, Any]


class Replay(BaseModel):
    """A call's events, to be taken in again."""

    events: list[ReplayView]


class Waveform(BaseModel):
    """Loudness of each recorded leg."""

    legs: list[LegWaveform]


@router.get("")
async def list_calls(
    who: Who,
    context: Context,
    *,
    state: CallFilter = "all",
    queue: Name = "",
    agent: Name = "",
    outcome: Outcome | None = None,
    kind: Annotated[str, Query(max_length=64, description="Of an alert in it.")] = "",
    severity: Annotated[
        Severity | None, Query(description="With an alert of this severity or a graver one.")
    ] = None,
    since: Since = None,
    until: Until = None,
    q: Words = "",
    min_talk_s: Annotated[float | None, Query(ge=0, le=1e6)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CallSummary]:
    """Calls, newest first. `q` finds ended calls in which all its words were said."""
    wanted = CallQuery(
        scope=who.scope,
        state=state,
        queue=queue,
        agent=agent,
        outcome=outcome,
        kind=kind,
        severity=severity,
        since=since,
        until=until,
        min_talk_s=min_talk_s,
        words=q,
    )

    def read() -> Page[CallSummary]:
        with context.engine.connect() as connection:
            return call_list.list_calls(connection, wanted, limit, cursor)

    try:
        return await asyncio.to_thread(read)
    except BadCursorError as error:
        raise Problem(400, "bad_cursor", str(error)) from None


@router.get("/{call_id}")
async def get_call(who: Who, context: Context, call_id: Id) -> reads.CallDetail:
    """One call with legs, transcript, hits, steps and alerts."""

    def read() -> reads.CallDetail | None:
        with context.engine.connect() as connection:
            return reads.call_detail(connection, call_id)

    detail = await asyncio.to_thread(read)
    if detail is None:
        raise Problem(404, "not_found", "There is no such call.")
    if who.role == "agent":
        return reads.CallDetail(detail.call, [alert.gentle() for alert in detail.alerts])
    return detail


@router.get("/{call_id}/replay")
async def get_replay(context: Context, call_id: Id) -> Replay:
    """The call's events, as a live page would have had them, each with its time."""

    def read() -> list[ReplayView]:
        with context.engine.connect() as connection:
            found = replay_of(connection, call_id)
        return [ReplayView(offset_s=event.offset_s, event=event.event) for event in found]

    events = await asyncio.to_thread(read)
    if not events:
        raise Problem(404, "not_found", "There is no such call.")
    return Replay(events=events)


@router.get("/{call_id}/waveform")
async def get_waveform(
    context: Context,
    call_id: Id,
    buckets: Annotated[int, Query(ge=10, le=4000, description="Values a leg.")] = 800,
) -> Waveform:
    """How loud each side was over the call's time."""
    sound = _sound(context)

    def read() -> list[LegWaveform]:
        with context.engine.connect() as connection:
            return sound.waveform(connection, call_id, buckets)

    try:
        return Waveform(legs=await asyncio.to_thread(read))
    except (NotKeptError, RecordingFileError) as error:
        raise _not_kept(error) from None


@router.get("/{call_id}/audio", response_class=FileResponse)
async def get_audio(who: Who, context: Context, call_id: Id, leg: Side = "both") -> Response:
    """The recording as FLAC, whole or in ranges; who listened is on the audit chain.

    Both sides together begin where the earlier one does, which the waveform tells.
    """
    sound = _sound(context)

    def find() -> str:
        with context.engine.connect() as connection:
            return str(sound.file(connection, call_id, leg))

    try:
        path = await asyncio.to_thread(find)
    except (NotKeptError, RecordingFileError) as error:
        raise _not_kept(error) from None
    await _note_played(context, who, call_id, leg)
    return FileResponse(path, media_type="audio/flac", headers={"Cache-Control": "no-store"})


def _sound(context: ConsoleContext) -> Sound:
    if context.sound is None:
        raise Problem(404, "not_kept", "This node keeps no recordings.")
    return context.sound


def _not_kept(error: Exception) -> Problem:
    words = str(error) if isinstance(error, NotKeptError) else "The recording cannot be read."
    return Problem(404, "not_kept", words)


async def _note_played(context: ConsoleContext, who: Viewer, call_id: str, leg: Side) -> None:
    """Write down that somebody listens: once a session, call and side; a player asks often."""
    if not context.played.first((who.session.id, call_id, leg)):
        return
    await context.bus.publish(entry(context, who, "play", f"{call_id} {leg}", leg, call_id))
