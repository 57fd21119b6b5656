"""What the console shows of a caller: enough to tell two apart, not enough to call back."""

from __future__ import annotations

_SHOWN_DIGITS = 4


def mask_number(number: str) -> str:
    """The last four characters of a number; a shorter one is an internal one and stays whole."""
    if len(number) <= _SHOWN_DIGITS:
        return number
    return "•••• " + number[-_SHOWN_DIGITS:]


def mask_name(name: str) -> str:
    """The first character of a name."""
    name = name.strip()
    if not name or name.replace("+", "").isdigit():
        return ""  # a PBX without names puts the number there
    return name[0] + "＊＊"
