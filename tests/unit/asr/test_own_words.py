import math
from dataclasses import replace

import pytest

from asr.events import Correction
from asr.own_words import own_words
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
    found = own_words(heard(text, *times), 1.5, math.inf)
    assert (found.text, found.char_times) == (own, times[text.index(own) :][: len(own)])
    assert found.confidence == 0.8


def test_words_put_right_in_the_lead_stay_with_it():
    found = replace(
        heard("去纪委,去大厅", *(0.2, 0.4, 0.6, 0.8, 2.0, 2.2, 2.4)),
        corrections=(Correction(1, "寄委", "纪委"), Correction(5, "大听", "大厅")),
    )
    assert own_words(found, 1.5, math.inf).corrections == (Correction(1, "大听", "大厅"),)


def test_nothing_of_its_own_is_nothing():
    found = own_words(heard("我要。", 0.3, 0.5, 1.6), 1.5, math.inf)
    assert (found.text, found.char_times, found.refused) == ("", (), "empty")


def test_without_times_nothing_is_lost():
    assert own_words(heard("我要"), 1.5, math.inf) == heard("我要")


def test_what_was_refused_stays_so():
    refused = Recognition(text="", language="zh", refused="loop")
    assert own_words(refused, 1.5, math.inf) == refused


def test_two_parts_of_a_sentence_tell_each_word_once():
    whole = heard("我要投诉，你们", 0.3, 0.5, 0.7, 0.9, 1.1, 1.44, 1.7)
    parts = own_words(whole, 0, 1.5), own_words(whole, 1.5, math.inf)
    assert [part.text for part in parts] == ["我要投诉，", "你们"]
    assert [part.char_times for part in parts] == [(0.3, 0.5, 0.7, 0.9, 1.1), (1.44, 1.7)]


def test_words_put_right_behind_the_cut_or_across_it_are_not_told_before_it():
    found = replace(
        heard("去纪委去大厅", *(0.2, 0.4, 0.6, 1.0, 1.3, 1.6)),
        corrections=(Correction(1, "寄委", "纪委"), Correction(4, "大听", "大厅")),
    )
    assert own_words(found, 0, 1.5).corrections == (Correction(1, "寄委", "纪委"),)


def test_words_put_right_on_either_side_of_the_cut_stay_with_their_parts():
    found = replace(
        heard("纪委大厅", 0.2, 0.4, 2.0, 2.2),
        corrections=(Correction(0, "寄委", "纪委"), Correction(2, "大听", "大厅")),
    )
    assert own_words(found, 0, 1.5).corrections == (Correction(0, "寄委", "纪委"),)
    assert own_words(found, 1.5, math.inf).corrections == (Correction(0, "大听", "大厅"),)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("就打一二三四五投诉", "就打"),
        ("打一二三四五", "打"),
        ("号码一九九零零零", "号码"),
        ("一九九零零零", ""),
        ("要投诉一下", "要投诉"),
    ],
)
def test_the_first_digits_of_a_number_stay_with_it(text, first):
    times = [0.3 * number for number in range(len(text))]
    parts = (own_words(heard(text, *times), *span) for span in ((0, 0.9), (0.9, math.inf)))
    assert [part.text for part in parts] == [first, text[len(first) :]]


def test_of_a_long_number_each_part_has_its_digits():
    said = heard("一九九零零零一", *(0.3 * number for number in range(7)))
    assert own_words(said, 0, 1.2).text == "一九九零"
    assert own_words(said, 1.2, math.inf).text == "零零一"
