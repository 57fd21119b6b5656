"""Making a recogniser's text uniform."""

from __future__ import annotations

import functools
import re
from typing import Any

from opencc import OpenCC

_SPACES = re.compile(r"\s+")
_BETWEEN_HAN = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")


@functools.cache
def _converter() -> Any:
    return OpenCC("t2s")


def to_simplified(text: str) -> str:
    """Traditional characters to simplified ones; the rest stays."""
    return str(_converter().convert(text))


def tidy(text: str) -> str:
    """One line, single spaces, simplified characters, no replacement characters."""
    line = _SPACES.sub(" ", text.replace("\ufffd", "")).strip()
    return to_simplified(_BETWEEN_HAN.sub("", line))


def common_prefix(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return min(len(one), len(other))
