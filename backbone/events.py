"""The base of every event, and what its delivery class promises."""

from __future__ import annotations

import enum
import functools
import re
from typing import ClassVar

import msgspec


class Delivery(enum.Enum):
    """How far the bus goes to deliver an event of a class."""

    DURABLE = "durable"
    """Written to the journal before it is handed out; numbered; a subscriber can resume after
    the last number it saw. Call events, final transcripts, alerts."""

    LATEST = "latest"
    """Only the newest of each `latest_key` matters; an unread older one is replaced. Partial
    transcripts, health."""

    LIVE = "live"
    """In order and bounded; the oldest is dropped, and counted, when a subscriber falls behind.
    Audio, speech activity."""


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=_snake):
    """Something that happened. `at` is seconds since the epoch on the system's clock."""

    delivery: ClassVar[Delivery] = Delivery.LIVE

    at: float

    def latest_key(self) -> object:
        """Tell which earlier unread event this one replaces (LATEST events only)."""
        return type(self)


class Envelope(msgspec.Struct, frozen=True):
    """An event with its number; `seq` is 0 for what is not durable, or could not be stored."""

    seq: int
    event: Event


@functools.cache
def kind_of(event_type: type[Event]) -> str:
    """The wire name of an event class, as `CallJoined` → `call_joined`."""
    return str(event_type.__struct_config__.tag)


def _subclasses(cls: type[Event]) -> list[type[Event]]:
    found = []
    for sub in cls.__subclasses__():
        found.append(sub)
        found.extend(_subclasses(sub))
    return found


def event_types() -> dict[str, type[Event]]:
    """All event classes imported so far, by wire name."""
    return {kind_of(cls): cls for cls in _subclasses(Event)}


def encode(event: Event) -> bytes:
    """Serialise an event to one JSON object with its `type`."""
    return msgspec.json.encode(event)


def decode(kind: str, payload: bytes) -> Event:
    """Restore an event from its journal row.

    Raises:
        LookupError: no imported package defines this kind.
        msgspec.ValidationError: the payload does not fit the class as it is now.
    """
    try:
        cls = event_types()[kind]
    except KeyError:
        raise LookupError(f"unknown event kind {kind!r}") from None
    return msgspec.json.decode(payload, type=cls)
