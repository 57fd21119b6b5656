from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.labels import OTHER, UNKNOWN, LabelBound, WordBound


def test_known_values_take_their_place_first():
    bound = LabelBound(2, ["a"])
    assert [bound.value(v) for v in ("b", "c", "a", "b", "c")] == ["b", OTHER, "a", "b", OTHER]
    assert bound.admitted() == ["a", "b"]


@pytest.mark.parametrize(("raw", "label"), [("", UNKNOWN), ("  ", UNKNOWN), (" 急诊 ", "急诊")])
def test_blanks_are_trimmed_and_nothing_is_unknown(raw, label):
    assert LabelBound(5).value(raw) == label


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ("ami_gap", "ami_gap"),
        ("AMI_gap", "ami_gap"),
        ("", UNKNOWN),
        ("the caller 138 hung up", OTHER),
        ("张三", OTHER),
        ("x" * 65, OTHER),
    ],
)
def test_a_reason_is_one_word(raw, label):
    assert WordBound(5).value(raw) == label


@given(st.lists(st.text()), st.integers(0, 5))
def test_there_are_never_more_labels_than_the_bound_and_other(values, limit):
    for bound in (LabelBound(limit), WordBound(limit)):
        labels = {bound.value(value) for value in values}
        assert len(labels - {OTHER}) <= limit
