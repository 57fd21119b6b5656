"""How an agent's time was spent, from the states that were stored. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from telephony.events import AgentPhase


@dataclass(frozen=True, slots=True)
class TimeSpent:
    """Seconds in each state within a window."""

    seconds: dict[AgentPhase, float]

    @property
    def handling_s(self) -> float:
        """Talk, hold and after-call work."""
        return sum(self.seconds[state] for state in ("talking", "on_hold", "wrap_up"))

    @property
    def idle_s(self) -> float:
        """Ready for a call: free, or ringing."""
        return self.seconds["available"] + self.seconds["ringing"]

    @property
    def occupancy(self) -> float | None:
        """(talk + hold + wrap-up) / (that + idle); None when the agent did neither.

        Paused, unreachable and logged-out time is in neither part.
        """
        whole = self.handling_s + self.idle_s
        return self.handling_s / whole if whole > 0 else None


def time_spent(
    changes: Iterable[tuple[float, AgentPhase]], since: float, until: float
) -> TimeSpent:
    """Add up the states between two instants.

    Args:
        changes: when each state began, in order; the last one at or before `since` tells what was
            under way then, and before the first one nothing is known.
        since: begin of the window, seconds since the epoch.
        until: its end: now, for a day that is not over.
    """
    seconds: dict[AgentPhase, float] = dict.fromkeys(get_args(AgentPhase), 0.0)
    begun = [*changes]
    ends = [*(at for at, _ in begun[1:]), until][: len(begun)]
    for (at, state), end in zip(begun, ends, strict=True):
        seconds[state] += max(0.0, min(end, until) - max(at, since))
    return TimeSpent(seconds)
