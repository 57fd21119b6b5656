"""Facts about processes that outlive the program which knew them."""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path

import msgspec


class ProcessMark(msgspec.Struct, frozen=True):
    """A process that cannot be mistaken for a later one with the same number.

    Attributes:
        pid: Process id.
        started: Its start in clock ticks since boot, from /proc.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessMark | None:
        """Return the mark of a running process, None when there is none."""
        state = _stat(pid)
        return cls(pid, state[1]) if state is not None else None

    def alive(self) -> bool:
        """Say whether this very process still runs (a zombie does not)."""
        state = _stat(self.pid)
        return state is not None and state[1] == self.started and state[0] not in "ZX"

    def kill(self, grace: float = 0.0) -> None:
        """Kill the process group led by this process and wait until the leader is gone.

        Args:
            grace: Seconds it gets to end by itself after SIGTERM.
        """
        if not self.alive():
            return
        steps = ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0))
        for signum, seconds in steps[0 if grace else 1 :]:
            try:
                os.killpg(self.pid, signum)
                if signum == signal.SIGTERM:
                    os.killpg(self.pid, signal.SIGCONT)  # a frozen process hears nothing
            except ProcessLookupError:
                return
            if self._gone_within(seconds):
                return

    def _gone_within(self, seconds: float) -> bool:
        """Wait for the end by the kernel's own notice."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            deadline = time.monotonic() + seconds
            while self.alive():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                poll.poll(left * 1000)
            return True
        finally:
            os.close(handle)


def _stat(pid: int) -> tuple[str, int] | None:
    """Return a process's state letter and start tick (fields 3 and 22 of /proc/PID/stat)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])
