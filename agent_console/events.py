"""What people do in the console that is worth keeping in order."""

from __future__ import annotations

from typing import ClassVar, Literal

from backbone.events import Delivery, Event

Card = Literal["red", "yellow"]
ComplaintState = Literal["open", "answered", "closed"]
ComplaintAction = Literal["note", "assign", "answer", "close", "reopen"]
Deadline = Literal["answer", "close"]
ComplaintOutcome = Literal["substantiated", "partly", "unsubstantiated", "withdrawn", "referred"]
"""What came of a complaint: whether it was right, was taken back, or went to somebody else."""


class KnowledgeEdited(Event, frozen=True, kw_only=True):
    """An article of the knowledge base has a new version; the whole of it.

    `valid_from` and `valid_until` are seconds since the epoch, None for no bound. `deleted` is a
    version that takes the article out of sight; its history stays.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    article_id: str
    version: int
    by: str
    title: str
    body: str
    tags: tuple[str, ...]
    topic: str
    valid_from: float | None
    valid_until: float | None
    deleted: bool


class ComplaintOpened(Event, frozen=True, kw_only=True):
    """Somebody's complaint was taken down. `alert_id` is empty when it was opened by hand."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    complaint_id: str
    call_id: str
    alert_id: str
    card: Card
    caller_id: str
    queue: str
    agent: str
    text: str
    owner: str
    by: str
    answer_due: float
    close_due: float | None


class ComplaintMoved(Event, frozen=True, kw_only=True):
    """Something was done about a complaint; `state` is where it stands now.

    `outcome` is what came of it, where it was closed.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    step_id: str
    complaint_id: str
    call_id: str
    action: ComplaintAction
    state: ComplaintState
    by: str
    text: str
    owner: str
    outcome: ComplaintOutcome | Literal[""] = ""


class ComplaintOverdue(Event, frozen=True, kw_only=True):
    """A complaint's deadline has passed without its answer, or without its end."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    complaint_id: str
    call_id: str
    card: Card
    deadline: Deadline
    due: float
    queue: str
    agent: str


class CallTaped(Event, frozen=True, kw_only=True):
    """A piece of what a live page showed of a call and the journal does not hold otherwise.

    `tape` is events as JSON, one a line, personal data covered, packed with zlib; `at` is the
    newest one's. A call has a piece for each half megabyte, unpacked, mostly one.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    tape: bytes
