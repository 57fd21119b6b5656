"""What the commands print: one JSON object a line for programs, rich text for people."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

console = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)

SEVERITY_STYLE = {
    "info": "green",
    "low": "cyan",
    "medium": "yellow",
    "high": "bold red",
    "critical": "bold white on red",
}
ROLE_NAME = {"agent": "坐席", "customer": "患者", "call": "通话"}


def print_json(line: dict[str, Any]) -> None:
    """Print one object as one line, and let it be seen at once."""
    sys.stdout.write(json.dumps(line, ensure_ascii=False, default=msgspec.to_builtins) + "\n")
    sys.stdout.flush()


def machine() -> str:
    """What a measurement ran on."""
    return f"{platform.machine()}, {_processor()}, Python {platform.python_version()}"


def command() -> str:
    """How to measure it again."""
    return f"tingzhen {' '.join(sys.argv[1:])}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def clock_time(seconds: float) -> str:
    """A position in a call, as `01:07.3`."""
    return f"{int(seconds // 60):02d}:{seconds % 60:04.1f}"


def severity_text(severity: str) -> Text:
    """A severity in its colour, padded to a column."""
    return Text(f"{severity:<8}", style=SEVERITY_STYLE.get(severity, ""))
