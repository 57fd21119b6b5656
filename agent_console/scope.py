"""Which calls somebody may see: all, or those of some queues or some agents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, or_, true


@dataclass(frozen=True, slots=True)
class Scope:
    """Calls in these queues or taken by these agents; every call when `everything`."""

    everything: bool = False
    queues: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()

    def sees(self, queue: str, agents: Collection[str]) -> bool:
        """Whether a call is in it.

        Args:
            queue: the call's.
            agents: interfaces of who answered it and whose phone it makes ring now.
        """
        return self.everything or queue in self.queues or not self.agents.isdisjoint(agents)

    def where(self, queue: Column[Any], *agents: Column[Any]) -> ColumnElement[bool]:
        """The same as a condition on rows."""
        if self.everything:
            return true()
        return or_(queue.in_(self.queues), *(column.in_(self.agents) for column in agents))


EVERYTHING = Scope(everything=True)
