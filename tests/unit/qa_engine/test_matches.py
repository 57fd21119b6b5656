"""Where in the call the words of a match were said."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qa_calls import final

from qa_engine.matches import place
from qa_engine.pack import DEFAULT_PACK, load
from qa_engine.state import Said

TEXT = "嗯，这个不归我管。"


@pytest.fixture(scope="module")
def index():
    return load(DEFAULT_PACK).index


def said(index, times=()):
    spoken = msgspec.structs.replace(final("agent", 10.0, 14.0, TEXT), char_times=tuple(times))
    return Said(spoken, index.scan(spoken.text))


def test_the_recognisers_times_tell_when_words_were_said(index):
    # The filler and the comma are no part of what is matched on: 不归我管 are its 3rd to 6th.
    heard = said(index, [10.1, 10.2, 10.9, 11.0, 12.0, 12.2, 12.4, 12.6, 12.9])
    start = heard.scan.text.text.index("不")
    assert place(heard, start, start + 4) == (12.0, 12.9)


def test_without_them_characters_are_counted(index):
    heard = said(index)
    length = len(heard.scan.text.text)
    assert place(heard, 0, length) == (10.0, 14.0)
    assert place(heard, 0, 1)[1] == pytest.approx(10 + 4 / length)


@given(st.lists(st.floats(5, 20), min_size=len(TEXT), max_size=len(TEXT)), st.data())
def test_it_stays_within_the_speech_whatever_the_times(index, times, data):
    heard = said(index, sorted(times))
    length = len(heard.scan.text.text)
    start = data.draw(st.integers(0, length - 1))
    end = data.draw(st.integers(start + 1, length))
    begin, until = place(heard, start, end)
    assert 10.0 <= begin <= until <= 14.0
