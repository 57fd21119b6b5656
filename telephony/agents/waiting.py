"""Who waits in a queue, in the order in which they will be served."""

from __future__ import annotations

from dataclasses import dataclass, field

from telephony.events import WaitingCaller


@dataclass(slots=True)
class WaitingLine:
    """The callers of one queue, next one first, each with the time of joining."""

    callers: list[tuple[str, float]] = field(default_factory=list)

    def join(self, call_id: str, position: int, since: float) -> None:
        """Take a caller in at `position` (from 1; 0: it is not known, so by time of joining)."""
        if any(known == call_id for known, _ in self.callers):
            return
        index = position - 1 if position > 0 else sum(s <= since for _, s in self.callers)
        self.callers.insert(min(index, len(self.callers)), (call_id, since))

    def leave(self, call_id: str) -> bool:
        """Let a caller out; False when the caller did not wait here."""
        before = len(self.callers)
        self.callers = [caller for caller in self.callers if caller[0] != call_id]
        return len(self.callers) < before

    @property
    def longest_since(self) -> float | None:
        """When the one who waits longest joined."""
        return min((since for _, since in self.callers), default=None)

    def as_told(self) -> tuple[WaitingCaller, ...]:
        """Everybody with the position now."""
        return tuple(
            WaitingCaller(call_id=call_id, position=position, since=since)
            for position, (call_id, since) in enumerate(self.callers, 1)
        )
