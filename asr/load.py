"""Whether a node keeps up with its legs. Pure."""

from __future__ import annotations


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
