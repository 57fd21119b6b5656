"""Whether a node keeps up with its legs. Pure."""

from __future__ import annotations

import enum
from collections import deque

_WATCHED_S = 10.0
_LONG_WAIT_S = 0.5
_REMEMBERED_S = 3.0
_BUSY_SHARE = 0.5


class Ease(enum.Enum):
    """How much a node can do beside its finals."""

    CALM = "calm"
    BUSY = "busy"
    """Every segment still gets its first partial."""
    PRESSED = "pressed"
    """Finals have been waiting: no partials."""


class Pressure:
    """How hard decoding is pressed, from what was decoded in the last seconds.

    Pressed while the last finals had to wait, busy when decoding took more than half of the
    time that there is.

    Args:
        places: decodings that can be under way at the same time.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._work: deque[tuple[float, float]] = deque()
        self._worked_s = 0.0
        self._waited_at = float("-inf")

    def waited(self, now: float, seconds: float) -> None:
        """A final was taken after it had waited so long."""
        if seconds > _LONG_WAIT_S:
            self._waited_at = now

    def worked(self, now: float, seconds: float) -> None:
        """A decoding of so many seconds has ended."""
        self._work.append((now, seconds))
        self._worked_s += seconds

    def ease(self, now: float) -> Ease:
        """What the node can do beside its finals now."""
        while self._work and self._work[0][0] <= now - _WATCHED_S:
            self._worked_s -= self._work.popleft()[1]
        if now - self._waited_at < _REMEMBERED_S:
            return Ease.PRESSED
        busy = self._worked_s > _BUSY_SHARE * self._places * _WATCHED_S
        return Ease.BUSY if busy else Ease.CALM


class LoadWatch:
    """Overloaded from the moment a final has waited too long until none waits any more.

    Args:
        late_after_s: seconds after the end of speech at which a final counts as late.
    """

    def __init__(self, late_after_s: float) -> None:
        self._late_after_s = late_after_s
        self.overloaded = False
        self._queued = 0

    @property
    def words(self) -> str:
        """For people; empty while all is well."""
        if not self.overloaded:
            return ""
        return (
            f"识别跟不上，{self._queued} 段待识别 (falling behind, {self._queued} segments waiting)"
        )

    def feed(self, lag_s: float, queued: int) -> bool:
        """Take note of the oldest waiting final's age and of how many wait.

        Returns:
            Whether the verdict has changed.
        """
        before = self.overloaded
        self._queued = queued
        if lag_s > self._late_after_s:
            self.overloaded = True
        elif not queued:
            self.overloaded = False
        return self.overloaded is not before
