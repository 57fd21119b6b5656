"""What is wrong with a pack, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from backbone.errors import UserError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend. `line` and `column` count from 1; 0 when only the file is known.

    An error keeps a pack from being used; a warning does not.
    """

    file: str
    line: int
    column: int
    field: str
    reason: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        """As compilers write it, so that editors can jump there."""
        place = self.file + (f":{self.line}:{self.column}" if self.line else "")
        what = f"{self.field}: " if self.field else ""
        return f"{place}: {self.level}: {what}{self.reason}"


class PackError(UserError):
    """A pack cannot be used. Its text is the first problem, `problems` holds all."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(str(problems[0]))
        self.problems = problems


def perhaps(name: str, known: Iterable[str]) -> str:
    """What somebody who wrote `name` may have meant, to be put behind a reason; or nothing."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
