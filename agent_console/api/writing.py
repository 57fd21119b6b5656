"""What the routes share where people write something down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection

from agent_console.context import ConsoleContext
from agent_console.paging import BadCursorError
from agent_console.problems import Problem
from agent_console.viewer import Viewer
from backbone.audit import AuditEntry
from backbone.events import Event
from backbone.ids import new_id

_T = TypeVar("_T")

_LATEST = 4_102_444_800.0  # the year 2100


def _writable(text: str) -> str:
    if any(not (character.isprintable() or character in "\n\t") for character in text):
        raise ValueError("holds a character that cannot be written")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=256), AfterValidator(_writable)
]
"""One line of text."""
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=64), AfterValidator(_writable)
]
"""A short name, tag or id."""
Body = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=20_000), AfterValidator(_writable)
]
"""Text of any shape."""
Note = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(_writable)
]
"""A remark."""
Moment = Annotated[float, Field(ge=0, le=_LATEST, description="Seconds since the epoch.")]
Tags = Annotated[
    tuple[Annotated[Name, StringConstraints(min_length=1, max_length=32)], ...],
    Field(max_length=20),
]


class Asked(BaseModel):
    """A request's body: what it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid")


async def read(context: ConsoleContext, work: Callable[[Connection], _T]) -> _T:
    """Read from the store, in a thread."""

    def run() -> _T:
        with context.engine.connect() as connection:
            return work(connection)

    with pages():
        return await asyncio.to_thread(run)


async def write(context: ConsoleContext, work: Callable[[Connection], _T]) -> _T:
    """Read and write in one transaction, in a thread."""

    def run() -> _T:
        with context.engine.begin() as connection:
            return work(connection)

    return await asyncio.to_thread(run)


@contextmanager
def pages() -> Iterator[None]:
    """Answer a cursor of somebody else's with a problem."""
    try:
        yield
    except BadCursorError as error:
        raise Problem(400, "bad_cursor", str(error)) from None


async def keep(context: ConsoleContext, *events: Event) -> None:
    """Publish events together and see that they are stored.

    Raises:
        Problem: 503, they are not; what was written must be sent again.
    """
    numbers = await asyncio.gather(*(context.bus.publish(event) for event in events))
    if not all(numbers):
        raise Problem(503, "not_stored", "The store takes nothing at the moment; send it again.")


def entry(  # noqa: PLR0917 - the parts of an entry
    context: ConsoleContext, who: Viewer, action: str, target: str, answer: str, call_id: str = ""
) -> AuditEntry:
    """An entry of the audit chain: who did what to what."""
    return AuditEntry(
        at=context.clock.time(),
        entry_id=new_id(),
        who=who.username,
        role=who.role,
        action=action,
        target=target,
        done=True,
        answer=answer,
        call_id=call_id,
    )


def local(context: ConsoleContext, at: float) -> str:
    """A time as people read it: ISO 8601 in the hospital's zone."""
    return datetime.fromtimestamp(at, context.desk.zone).isoformat(timespec="seconds")


def not_found(what: str) -> Problem:
    """The answer for something that is not there, or not for this user."""
    return Problem(404, "not_found", f"There is no such {what}.")


def changed_meanwhile(what: str) -> Problem:
    """The answer to an edit of a version that is not the newest."""
    return Problem(
        409, "changed_meanwhile", f"Somebody changed this {what} meanwhile: read it again."
    )
