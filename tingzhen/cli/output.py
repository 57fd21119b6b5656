"""What the commands print: one JSON object a line for programs, rich text for people."""

from __future__ import annotations

import json
import sys
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


def clock_time(seconds: float) -> str:
    """A position in a call, as `01:07.3`."""
    return f"{int(seconds // 60):02d}:{seconds % 60:04.1f}"


def severity_text(severity: str) -> Text:
    """A severity in its colour, padded to a column."""
    return Text(f"{severity:<8}", style=SEVERITY_STYLE.get(severity, ""))
