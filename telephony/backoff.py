"""How long to wait before trying again."""

from __future__ import annotations

import random


class Backoff:
    """Doubling delays with jitter; `reset` after a success.

    Each delay is drawn between half and the whole of the current step, so that several clients
    of one restarted PBX do not come back in the same instant.
    """

    def __init__(self, first_s: float = 0.25, longest_s: float = 15.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._step_s = first_s

    def reset(self) -> None:
        """Begin again with the shortest delay."""
        self._step_s = self._first_s

    def next(self) -> float:
        """The next delay in seconds."""
        step, self._step_s = self._step_s, min(self._step_s * 2, self._longest_s)
        return step * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
