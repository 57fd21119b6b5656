"""Starts of the program, in the journal among everything else that happened."""

from __future__ import annotations

from typing import ClassVar

from backbone.events import Delivery, Event


class NodeStarted(Event, frozen=True, kw_only=True):
    """A node has started; what an earlier run left open is taken up after this.

    It is also the first row of a new journal, which thereby has an identity from the start.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    version: str
    components: tuple[str, ...]
