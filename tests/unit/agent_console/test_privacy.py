"""What is shown of a caller."""

from __future__ import annotations

import pytest

from agent_console.privacy import mask_name, mask_number


@pytest.mark.parametrize(
    ("number", "shown"),
    [("13800138000", "•••• 8000"), ("1001", "1001"), ("", ""), ("10010", "•••• 0010")],
)
def test_of_a_number_the_last_four_digits_are_shown(number: str, shown: str) -> None:
    assert mask_number(number) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("王小明", "王＊＊"),
        ("  Ann Lee", "A＊＊"),
        ("", ""),
        ("13800138000", ""),
        ("+8613800138000", ""),
    ],
)
def test_of_a_name_the_first_character_is_shown(name: str, shown: str) -> None:
    assert mask_name(name) == shown
