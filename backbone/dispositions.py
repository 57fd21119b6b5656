"""What agents write down of a call: its register, or disposition."""

from __future__ import annotations

from typing import ClassVar, Literal

from backbone.events import Delivery, Event

Sex = Literal["female", "male", ""]
Channel = Literal["phone", "wechat", "web", "visit", "other", ""]
DispositionOutcome = Literal[
    "answered", "booked", "transferred", "follow_up", "complaint", "unresolved", "no_contact", ""
]


class CallRegistered(Event, frozen=True, kw_only=True):
    """A call's register was written or changed; the newest `version` holds.

    `caller_id` is a pseudonym of the caller's number, empty where it was withheld.
    `first_contact_resolved` is the agent's word on whether this contact settled the matter (None:
    not said). `follow_up_due` is in seconds since the epoch. `complete` tells whether all that is
    required is there. An empty text stands for what is not known.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    version: int
    queue: str
    agent: str
    by: str
    caller_id: str
    age: int | None
    sex: Sex
    address: str
    channel: Channel
    topic: str
    need: str
    outcome: DispositionOutcome
    first_contact_resolved: bool | None
    follow_up_due: float | None
    complete: bool
