from dataclasses import replace

import pytest

from asr.events import Correction
from asr.lead import without_lead
from asr.recognisers.base import Recognition


def heard(text, *times):
    return Recognition(text=text, language="zh", confidence=0.8, char_times=times)


@pytest.mark.parametrize(
    ("text", "times", "own"),
    [
        ("我要投诉你们", (0.3, 0.5, 0.7, 0.9, 2.0, 2.2), "你们"),
        ("我要，你们。", (0.3, 0.5, 0.7, 2.0, 2.2, 2.4), "你们。"),
        # The comma came with the pause that the cut lies in.
        ("我要，你们", (0.3, 0.5, 1.7, 2.0, 2.2), "你们"),
        ("我要", (1.5, 1.7), "我要"),
        ("你我", (1.4, 1.46), "我"),
    ],
)
def test_what_was_said_before_is_left_out(text, times, own):
    found = without_lead(heard(text, *times), 1.5)
    assert (found.text, found.char_times) == (own, times[text.index(own) :][: len(own)])
    assert found.confidence == 0.8


def test_words_put_right_in_the_lead_stay_with_it():
    found = replace(
        heard("去纪委,去大厅", *(0.2, 0.4, 0.6, 0.8, 2.0, 2.2, 2.4)),
        corrections=(Correction(1, "寄委", "纪委"), Correction(5, "大听", "大厅")),
    )
    assert without_lead(found, 1.5).corrections == (Correction(1, "大听", "大厅"),)


def test_nothing_of_its_own_is_nothing():
    found = without_lead(heard("我要。", 0.3, 0.5, 1.6), 1.5)
    assert (found.text, found.char_times, found.refused) == ("", (), "empty")


def test_without_times_nothing_is_lost():
    assert without_lead(heard("我要"), 1.5) == heard("我要")


def test_what_was_refused_stays_so():
    refused = Recognition(text="", language="zh", refused="loop")
    assert without_lead(refused, 1.5) == refused
