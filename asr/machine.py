"""What this machine is, and what a process and its workers use of it. Linux."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_UTIME, _STIME = 11, 12  # fields of /proc/PID/stat after the command's name, see proc(5)


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds and memory so far."""

    own_cpu_s: float
    workers_cpu_s: float
    peak_mb: float
    """Resident memory at its highest, of all processes added up; shared pages count in each."""

    @property
    def cpu_s(self) -> float:
        """Of all processes."""
        return self.own_cpu_s + self.workers_cpu_s

    @classmethod
    def now(cls, workers: Sequence[int] = ()) -> Usage:
        """Look at this process and its workers; one that is gone counts as nothing."""
        own = os.getpid()
        return cls(
            own_cpu_s=cpu_seconds(own),
            workers_cpu_s=sum(cpu_seconds(pid) for pid in workers),
            peak_mb=sum(_peak_mb(pid) for pid in (own, *workers)),
        )


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process so far, in hundredths; 0 when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def describe() -> str:
    """The processor, its cores and the load on them, in one line."""
    try:
        cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = re.search(r"^model name\s*:\s*(.+)$", cpu, re.MULTILINE)
    except OSError:
        model = None
    name = model[1].strip() if model else platform.processor() or platform.machine()
    load = os.getloadavg()[0]
    return (
        f"{name}, {os.cpu_count()} cores, load {load:.1f} at the start, "
        f"Python {platform.python_version()}"
    )
