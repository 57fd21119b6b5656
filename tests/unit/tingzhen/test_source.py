"""What holds for every file of the program, and no linter asks."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
SILENCED = re.compile(r"#\s*(?:noqa|type: ignore)\b(?:: ?[A-Z0-9, ]+|\[[a-z, -]+\])?")


def test_whoever_silences_a_linter_says_why_on_the_same_line() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    without = []
    for name in listed.stdout.split():
        for number, line in enumerate((ROOT / name).read_text("utf-8").splitlines(), 1):
            found = SILENCED.search(line)
            if found and not re.search(r"\w{2}", line[found.end() :]):
                without.append(f"{name}:{number}")
    assert without == []
