"""What a supervisor's own phone does, for the supervisor's own page."""

from __future__ import annotations

from typing import ClassVar, Literal

from backbone.events import Delivery, Event
from telephony.control.actions import SpyMode

Listening = Literal["ringing", "listening", "over"]


class SupervisionChanged(Event, frozen=True, kw_only=True):
    """A supervisor's phone rings, hears a call, or does no longer; only `username` is to know.

    `mode` is how it hears, or will when it is taken.
    """

    delivery: ClassVar[Delivery] = Delivery.LATEST

    call_id: str
    username: str
    mode: SpyMode
    state: Listening

    def latest_key(self) -> object:
        """One per supervisor and call."""
        return ("supervision", self.username, self.call_id)
